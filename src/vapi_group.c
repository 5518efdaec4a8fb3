#include "vapi_group.h"

#include "utils/builtins.h"

/* clang-format off */
#define TEXT(field) {#field, COLUMN_TEXT, offsetof(Source, o.field)}
#define NUMERIC(field) {#field, COLUMN_NUMERIC, offsetof(Source, o.field)}
#define TIME(field) {#field, COLUMN_TIME, offsetof(Source, o.field)}
#define COUNT(field) {#field, COLUMN_COUNT, offsetof(Source, o.field)}
#define JSONB(field) {#field, COLUMN_JSONB, offsetof(Source, o.field)}
#define DERIVED(field, kind) {#field, kind, offsetof(Source, field)}
/* clang-format on */

static const FieldGroup call_groups[] = {
	{"org", false, {TEXT(org_id)}},
	{"type", false, {TEXT(type)}},
	{"name", false, {TEXT(name)}},
	{"assistant", false, {TEXT(assistant_id)}},
	{"assistant_version", false, {TEXT(assistant_version)}},
	{"squad", false, {TEXT(squad_id)}},
	{"phone_number", false, {TEXT(phone_number_id)}},
	{"customer", false, {TEXT(customer_id)}},
	{"customer_number", false, {TEXT(customer_number), DERIVED(customer_e164, COLUMN_TEXT)}},
	{"customer_name", false, {TEXT(customer_name)}},
	{"campaign", false, {TEXT(campaign_id)}},
	{"lead", false, {DERIVED(lead_id, COLUMN_TEXT)}},
	{"created", false, {TIME(created_at)}},
	{"updated", false, {DERIVED(updated_at, COLUMN_TIME)}},
	{"status", false, {TEXT(vapi_status)}},
	{"started", false, {TIME(started_at)}},
	{"ended", false, {TIME(ended_at)}},
	{"duration", false, {NUMERIC(reported_duration)}},
	{"ended_reason",
	 false,
	 {TEXT(ended_reason), DERIVED(ended_family, COLUMN_TEXT), DERIVED(ended_status, COLUMN_TEXT),
	  DERIVED(reached, COLUMN_BOOL)}},
	{"ended_message", false, {TEXT(ended_message)}},
	{"cost", false, {NUMERIC(cost)}},
	{"summary", false, {TEXT(summary)}},
	{"success_evaluation", false, {TEXT(success_evaluation)}},
	{"reported_outcome", false, {TEXT(reported_outcome)}},
	{"reported_score", false, {NUMERIC(reported_score)}},
	{"settled", false, {DERIVED(settled, COLUMN_BOOL)}},
};

static const FieldGroup content_groups[] = {
	{"transcript", true, {TEXT(transcript)}},
	{"messages", true, {JSONB(messages), COUNT(turns), COUNT(user_turns)}},
	{"analysis", true, {JSONB(analysis)}},
	{"structured_outputs", true, {JSONB(structured_outputs)}},
	{"scorecards", true, {JSONB(scorecards)}},
	{"performance_metrics", true, {JSONB(performance_metrics)}},
	{"transfers", true, {JSONB(transfers)}},
	{"metadata", true, {JSONB(metadata)}},
	{"variable_values", true, {JSONB(variable_values)}},
	{"cost_items", true, {JSONB(cost_items)}},
	{"cost_breakdown", true, {JSONB(cost_breakdown)}},
	{"recording_mono", false, {TEXT(recording_mono)}},
	{"recording_stereo", false, {TEXT(recording_stereo)}},
	{"recording_customer", false, {TEXT(recording_customer)}},
	{"recording_assistant", false, {TEXT(recording_assistant)}},
	{"recording_video", false, {TEXT(recording_video)}},
	{"raw", true, {JSONB(raw)}},
};

StaticAssertDecl(MAX_GROUPS <= 32, "a set of groups is 32 bits");
StaticAssertDecl(lengthof(call_groups) <= MAX_GROUPS, "MAX_GROUPS is too small");
StaticAssertDecl(lengthof(content_groups) <= MAX_GROUPS, "MAX_GROUPS is too small");

const GroupTable vapi_group_tables[GROUP_TABLES] = {
	{"vapi_internal.call", call_groups, lengthof(call_groups)},
	{"vapi_internal.call_content", content_groups, lengthof(content_groups)},
};

/* Order of two values of a column, as SQL has it. */
static int
compare_values(const FieldColumn *column, Datum a, Datum b)
{
	if (column->kind == COLUMN_TEXT)
	{
		const char *left = VARDATA_ANY(DatumGetPointer(a));
		const char *right = VARDATA_ANY(DatumGetPointer(b));
		size_t left_length = VARSIZE_ANY_EXHDR(DatumGetPointer(a));
		size_t right_length = VARSIZE_ANY_EXHDR(DatumGetPointer(b));
		int order = memcmp(left, right, Min(left_length, right_length));

		return order != 0 ? order : (left_length > right_length) - (left_length < right_length);
	}
	if (column->kind == COLUMN_NUMERIC)
		return DatumGetInt32(DirectFunctionCall2(numeric_cmp, a, b));
	if (column->kind == COLUMN_BOOL)
		return (int) DatumGetBool(a) - (int) DatumGetBool(b);
	return (DatumGetInt64(a) > DatumGetInt64(b)) - (DatumGetInt64(a) < DatumGetInt64(b));
}

bool
vapi_group_is_newer(const FieldGroup *group, const FieldGroupValue *a, const FieldGroupValue *b)
{
	if (a->version == 0 || a->version != b->version)
		return a->version > b->version;
	if (group->hashed)
		return a->hash > b->hash;
	return compare_values(&group->columns[0], a->values[0], b->values[0]) > 0;
}
