#include "vapi_compress.h"

#ifdef USE_LZ4

#include "access/heaptoast.h"
#include "access/toast_compression.h"
#include "access/toast_internals.h"

#include "vapi_group.h"

/* Shorter values are left: they matter little in a row that is too long. */
#define SHORTEST 1000

static bool
is_long_kind(const FieldColumn *column)
{
	return column->kind == COLUMN_TEXT || column->kind == COLUMN_JSONB;
}

/* The bytes of a group's texts and jsonb. */
static size_t
group_size(const FieldGroup *group, const FieldGroupValue *value)
{
	size_t size = 0;

	for (int i = 0; i < GROUP_MAX_COLUMNS && group->columns[i].name != NULL; i++)
		if (!value->nulls[i] && is_long_kind(&group->columns[i]))
			size += VARSIZE_ANY(DatumGetPointer(value->values[i]));
	return size;
}

static void
compress_group(const FieldGroup *group, FieldGroupValue *value)
{
	for (int i = 0; i < GROUP_MAX_COLUMNS && group->columns[i].name != NULL; i++)
	{
		struct varlena *compressed;

		if (value->nulls[i] || !is_long_kind(&group->columns[i]) ||
			VARSIZE_ANY(DatumGetPointer(value->values[i])) < SHORTEST)
			continue;
		compressed = (struct varlena *) DatumGetPointer(toast_compress_datum(value->values[i], TOAST_LZ4_COMPRESSION));
		if (compressed != NULL)
			value->values[i] = PointerGetDatum(compressed);
	}
}

void
vapi_compress_batch(VapiBatch *batch)
{
	MemoryContext old_context = MemoryContextSwitchTo(batch->context);
	const GroupTable *table = &vapi_group_tables[VAPI_BATCH_CONTENTS];

	for (int i = 0; i < batch->count; i++)
	{
		FieldGroupValue *values = batch->rows[i].values->groups[VAPI_BATCH_CONTENTS];
		size_t size = 0;

		for (int j = 0; j < table->count; j++)
			if (values[j].version != 0)
				size += group_size(&table->groups[j], &values[j]);
		if (size <= TOAST_TUPLE_THRESHOLD)
			continue;
		for (int j = 0; j < table->count; j++)
			if (values[j].version != 0)
				compress_group(&table->groups[j], &values[j]);
	}
	MemoryContextSwitchTo(old_context);
}

#else

void
vapi_compress_batch(VapiBatch *batch)
{
	(void) batch;
}

#endif
