#include "vapi_group.h"

#include "utils/builtins.h"

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
