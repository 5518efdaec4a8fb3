/*
 * Calls as objects of the plan's shape. In C, since a list has fifty: the
 * expression in SQL builds each object four times on its way into the answer.
 */
#include "vapi_compat.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"
#include "utils/typcache.h"

#include "vapi_store.h"
#include "vapi_url.h"

/* A member of the object, and the column of view calls that it comes from. */
typedef struct Member
{
	const char *key;
	const char *column;
} Member;

/* In jsonb's order, by length, then by bytes: then there is nothing to sort. */
/* clang-format off */
#define MEMBERS(_) \
	_("id", "id") \
	_("cost", "cost") \
	_("name", "name") \
	_("type", "type") \
	_("orgId", "org_id") \
	_("turns", "turns") \
	_("status", "status") \
	_("company", "company") \
	_("endedAt", "ended_at") \
	_("outcome", "outcome") \
	_("reached", "reached") \
	_("settled", "settled") \
	_("squadId", "squad_id") \
	_("summary", "summary") \
	_("duration", "duration_seconds") \
	_("metadata", "vapi_metadata") \
	_("createdAt", "created_at") \
	_("direction", "call_type") \
	_("sentiment", "sentiment") \
	_("startedAt", "started_at") \
	_("updatedAt", "updated_at") \
	_("campaignId", "campaign_id") \
	_("customerId", "customer_id") \
	_("prospectId", "prospect_id") \
	_("vapiStatus", "vapi_status") \
	_("assistantId", "assistant_id") \
	_("endedFamily", "ended_family") \
	_("endedReason", "ended_reason") \
	_("temperature", "temperature") \
	_("customerName", "customer_name") \
	_("errorMessage", "error_message") \
	_("prospectName", "prospect_name") \
	_("recordingUrl", "has_recording") \
	_("assistantName", "assistant_name") \
	_("outcomeSource", "outcome_source") \
	_("phoneNumberId", "phone_number_id") \
	_("reportedScore", "reported_score") \
	_("scoreCoverage", "score_coverage") \
	_("customerNumber", "customer_number") \
	_("assistantVersion", "assistant_version") \
	_("successEvaluation", "success_evaluation") \
	_("qualificationScore", "qualification_score")

#define AS_MEMBER(key, column) {key, column},
#define AS_COLUMN(key, column) "v." column ", "
/* clang-format on */

static const Member members[] = {MEMBERS(AS_MEMBER)};

#define MEMBER_ID 0
#define RECORDING_KEY "recordingUrl"
#define RECORDING_ROOT "/api/vapi/recordings/"

/* The rows of a list, their columns in the members' order; a last one is there for the comma. */
static VapiStatement read_calls = {
	"SELECT " MEMBERS(AS_COLUMN) "NULL FROM vapi.calls AS v WHERE v.id OPERATOR(pg_catalog.=) ANY ($1)", NULL};

static void
set_string(JsonbValue *value, char *text, int length)
{
	value->type = jbvString;
	value->val.string.val = text;
	value->val.string.len = length;
}

/* What jsonb_build_object makes of the value. */
static void
set_value(JsonbValue *value, Oid type, Datum datum)
{
	switch (type)
	{
		case TEXTOID:
		{
			text *string = DatumGetTextPP(datum);

			set_string(value, VARDATA_ANY(string), (int) VARSIZE_ANY_EXHDR(string));
			break;
		}
		case TIMESTAMPTZOID:
		{
			char *string = JsonEncodeDateTime(NULL, datum, TIMESTAMPTZOID, NULL);

			set_string(value, string, (int) strlen(string));
			break;
		}
		case BOOLOID:
			value->type = jbvBool;
			value->val.boolean = DatumGetBool(datum);
			break;
		case INT4OID:
		case INT8OID:
			value->type = jbvNumeric;
			value->val.numeric = int64_to_numeric(type == INT4OID ? DatumGetInt32(datum) : DatumGetInt64(datum));
			break;
		case NUMERICOID:
		{
			Numeric number = DatumGetNumeric(datum);

			/* JSON has no such numbers */
			if (numeric_is_nan(number) || numeric_is_inf(number))
			{
				char *string = DatumGetCString(DirectFunctionCall1(numeric_out, datum));

				set_string(value, string, (int) strlen(string));
			}
			else
			{
				value->type = jbvNumeric;
				value->val.numeric = number;
			}
			break;
		}
		case JSONBOID:
		{
			Jsonb *document = DatumGetJsonbP(datum);

			value->type = jbvBinary;
			value->val.binary.data = &document->root;
			value->val.binary.len = (int) VARSIZE_ANY_EXHDR(document);
			break;
		}
		default:
			ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("a call has no values of type %u", type)));
	}
}

/* Adds the object of a row; columns: where each member's column is. What is not known is left out. */
static JsonbValue *
push_call(JsonbParseState **state, TupleDesc descriptor, const int *columns, const Datum *values, const bool *nulls,
		  bool heard)
{
	pushJsonbValue(state, WJB_BEGIN_OBJECT, NULL);
	for (int i = 0; i < (int) lengthof(members); i++)
	{
		const int column = columns[i];
		JsonbValue key;
		JsonbValue value;

		if (nulls[column])
			continue;
		if (strcmp(members[i].key, RECORDING_KEY) == 0)
		{
			char *url;

			if (!heard || !DatumGetBool(values[column]))
				continue;
			url = psprintf(RECORDING_ROOT "%s", vapi_url_escape(TextDatumGetCString(values[columns[MEMBER_ID]])));
			set_string(&value, url, (int) strlen(url));
		}
		else
			set_value(&value, TupleDescAttr(descriptor, column)->atttypid, values[column]);
		set_string(&key, (char *) members[i].key, (int) strlen(members[i].key));
		pushJsonbValue(state, WJB_KEY, &key);
		pushJsonbValue(state, WJB_VALUE, &value);
	}
	return pushJsonbValue(state, WJB_END_OBJECT, NULL);
}

PG_FUNCTION_INFO_V1(vapi_sales_call_object);

/* SQL: vapi_internal.call_object(vapi.calls, boolean) */
Datum
vapi_sales_call_object(PG_FUNCTION_ARGS)
{
	HeapTupleHeader row;
	HeapTupleData tuple;
	TupleDesc descriptor;
	int columns[lengthof(members)];
	Datum *values;
	bool *nulls;
	JsonbParseState *state = NULL;
	JsonbValue *object;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	row = PG_GETARG_HEAPTUPLEHEADER(0);
	descriptor = lookup_rowtype_tupdesc_copy(HeapTupleHeaderGetTypeId(row), HeapTupleHeaderGetTypMod(row));
	for (int i = 0; i < (int) lengthof(members); i++)
		columns[i] = SPI_fnumber(descriptor, members[i].column) - 1;
	tuple.t_len = HeapTupleHeaderGetDatumLength(row);
	ItemPointerSetInvalid(&tuple.t_self);
	tuple.t_tableOid = InvalidOid;
	tuple.t_data = row;
	values = palloc(descriptor->natts * sizeof(Datum));
	nulls = palloc(descriptor->natts * sizeof(bool));
	heap_deform_tuple(&tuple, descriptor, values, nulls);
	object = push_call(&state, descriptor, columns, values, nulls, !PG_ARGISNULL(1) && PG_GETARG_BOOL(1));
	PG_RETURN_JSONB_P(JsonbValueToJsonb(object));
}

/* An id of the list, and its place there. */
typedef struct Place
{
	const char *id;
	int length;
	int place;
} Place;

static int
compare_places(const void *a, const void *b)
{
	const Place *x = a;
	const Place *y = b;
	const int order = memcmp(x->id, y->id, Min(x->length, y->length));

	return order != 0 ? order : x->length - y->length;
}

/* The ids, to find the places by. */
static Place *
sort_places(ArrayType *ids, int *count)
{
	Datum *elements;
	Place *places;

	deconstruct_array(ids, TEXTOID, -1, false, TYPALIGN_INT, &elements, NULL, count);
	places = palloc(Max(*count, 1) * sizeof(Place));
	for (int i = 0; i < *count; i++)
	{
		text *id = DatumGetTextPP(elements[i]);

		places[i].id = VARDATA_ANY(id);
		places[i].length = (int) VARSIZE_ANY_EXHDR(id);
		places[i].place = i;
	}
	qsort(places, *count, sizeof(Place), compare_places);
	return places;
}

/* Adds the calls with these ids, as far as the view has them, in the ids' order. SPI is connected. */
static void
push_calls(JsonbParseState **state, ArrayType *ids, bool heard)
{
	VapiParameter parameter = {TEXTARRAYOID, PointerGetDatum(ids), false};
	int columns[lengthof(members)];
	int count;
	Place *places = sort_places(ids, &count);
	HeapTuple *rows = palloc0(Max(count, 1) * sizeof(HeapTuple));
	Datum values[lengthof(members) + 1];
	bool nulls[lengthof(members) + 1];
	uint64 found = vapi_store_read(&read_calls, 1, &parameter);
	TupleDesc descriptor = SPI_tuptable->tupdesc;

	for (int i = 0; i < (int) lengthof(members); i++)
		columns[i] = i;
	for (uint64 i = 0; i < found; i++)
	{
		bool isnull;
		text *id = DatumGetTextPP(SPI_getbinval(SPI_tuptable->vals[i], descriptor, MEMBER_ID + 1, &isnull));
		const Place wanted = {VARDATA_ANY(id), (int) VARSIZE_ANY_EXHDR(id), 0};
		const Place *place = bsearch(&wanted, places, count, sizeof(Place), compare_places);

		if (place != NULL)
			rows[place->place] = SPI_tuptable->vals[i];
	}
	for (int i = 0; i < count; i++)
	{
		if (rows[i] == NULL)
			continue;
		heap_deform_tuple(rows[i], descriptor, values, nulls);
		push_call(state, descriptor, columns, values, nulls, heard);
	}
}

PG_FUNCTION_INFO_V1(vapi_sales_call_list);

/* SQL: vapi_internal.call_list(text[], boolean, jsonb) */
Datum
vapi_sales_call_list(PG_FUNCTION_ARGS)
{
	ArrayType *ids = PG_GETARG_ARRAYTYPE_P(0);
	const bool heard = PG_GETARG_BOOL(1);
	Jsonb *rest = PG_GETARG_JSONB_P(2);
	MemoryContext context = CurrentMemoryContext;
	MemoryContext old;
	JsonbParseState *state = NULL;
	JsonbIterator *iterator = JsonbIteratorInit(&rest->root);
	JsonbIteratorToken token;
	JsonbValue value;
	JsonbValue key;
	Jsonb *list;

	SPI_connect();
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
		if (token == WJB_KEY || token == WJB_VALUE)
			pushJsonbValue(&state, token, &value);
	set_string(&key, "calls", 5);
	pushJsonbValue(&state, WJB_KEY, &key);
	pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
	push_calls(&state, ids, heard);
	pushJsonbValue(&state, WJB_END_ARRAY, NULL);
	old = MemoryContextSwitchTo(context);
	list = JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
	MemoryContextSwitchTo(old);
	SPI_finish();
	PG_RETURN_JSONB_P(list);
}
