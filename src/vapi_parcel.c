#include "vapi_compat.h"

#include "vapi_batch.h"
#include "vapi_group.h"
#include "vapi_parcel.h"

/*
 * A parcel has two parts: first, one behind the other, all that is read of it
 * at once, then the texts and values that this points to. Whoever reads it gets
 * the latter from another core's cache only where they are used.
 */

/* All but the texts, rows and times of a page; as a parcel begins. */
typedef struct Head
{
	int items;
	int count;
	int row_count;
	int failure_count;
	int edge_count;
	int updated_count;
	int64 oldest;
	int64 newest;
	bool full;
	bool doubtful;
	bool past_lower;
} Head;

/* A group of a row, before the values of its columns that are not NULL. */
typedef struct GroupHead
{
	int table; /* NO_GROUP: the row has no more */
	int group;
	uint32 nulls; /* a bit a column */
	int64 version;
	int64 hash;
} GroupHead;

#define NO_GROUP (-1)

/* Where the next piece of each part goes; without a place, only how many bytes that makes. */
typedef struct Writer
{
	char *place;
	size_t size;   /* of the first part so far */
	size_t values; /* where the next value goes, counted from the place */
} Writer;

/* Appends to the first part. */
static void
put(Writer *writer, const void *bytes, size_t length)
{
	if (writer->place != NULL)
		memcpy(writer->place + writer->size, bytes, length);
	writer->size += MAXALIGN(length);
}

/* Appends a value to the second part, and where it is to the first one; length 0: NULL. */
static void
put_value(Writer *writer, const void *bytes, size_t length)
{
	size_t at = length > 0 ? writer->values : 0;

	put(writer, &at, sizeof(at));
	if (length > 0 && writer->place != NULL)
		memcpy(writer->place + at, bytes, length);
	writer->values += MAXALIGN(length);
}

static void
put_text(Writer *writer, const char *text)
{
	put_value(writer, text, text != NULL ? strlen(text) + 1 : 0);
}

static bool
is_by_value(const FieldColumn *column)
{
	return column->kind == COLUMN_TIME || column->kind == COLUMN_BOOL || column->kind == COLUMN_COUNT;
}

static void
put_group(Writer *writer, int table, int group, const FieldGroupValue *value)
{
	const FieldColumn *columns = vapi_group_tables[table].groups[group].columns;
	GroupHead head = {table, group, 0, value->version, value->hash};
	int i;

	for (i = 0; i < GROUP_MAX_COLUMNS; i++)
		if (value->nulls[i])
			head.nulls |= (uint32) 1 << i;
	put(writer, &head, sizeof(head));
	for (i = 0; i < GROUP_MAX_COLUMNS; i++)
	{
		if (value->nulls[i])
			continue;
		if (is_by_value(&columns[i]))
			put(writer, &value->values[i], sizeof(Datum));
		else
			put_value(writer, DatumGetPointer(value->values[i]), VARSIZE_ANY(DatumGetPointer(value->values[i])));
	}
}

static void
put_row(Writer *writer, const VapiBatchRow *row)
{
	GroupHead end = {.table = NO_GROUP};

	put_text(writer, row->call_id);
	put_text(writer, row->org_id);
	put_text(writer, row->customer_e164);
	put_text(writer, row->customer_name);
	put_text(writer, row->lead_id);
	put(writer, &row->created_at, sizeof(row->created_at));
	for (int table = 0; table < GROUP_TABLES; table++)
		for (int i = 0; i < vapi_group_tables[table].count; i++)
			if (row->values->groups[table][i].version != 0)
				put_group(writer, table, i, &row->values->groups[table][i]);
	put(writer, &end, sizeof(end));
}

static void
put_page(Writer *writer, const VapiPage *page)
{
	Head head = {page->items, page->count, page->batch->count, page->failure_count,
				 page->edge_count, page->updated_count, page->oldest, page->newest,
				 page->full, page->doubtful, page->past_lower};
	int i;

	put(writer, &head, sizeof(head));
	for (i = 0; i < page->edge_count; i++)
		put_text(writer, page->edge_ids[i]);
	for (i = 0; i < page->failure_count; i++)
	{
		put_text(writer, page->failures[i].call_id);
		put(writer, &page->failures[i].created_at, sizeof(int64));
		put_text(writer, page->failures[i].why);
	}
	put(writer, page->updated, sizeof(int64) * page->updated_count);
	for (i = 0; i < page->batch->count; i++)
		put_row(writer, &page->batch->rows[i]);
}

/* The sizes of both parts; the second one's is in values. */
static Writer
measure(const VapiPage *page)
{
	Writer writer = {0};

	put_page(&writer, page);
	return writer;
}

size_t
vapi_parcel_size(const VapiPage *page)
{
	Writer measured = measure(page);

	return measured.size + measured.values;
}

void
vapi_parcel_write(const VapiPage *page, char *place)
{
	Writer writer = {place, 0, measure(page).size};

	put_page(&writer, page);
}

/* Where a parcel's first part is read. */
typedef struct Reader
{
	char *place;
	char *at;
} Reader;

/* Takes the next piece. */
static char *
get(Reader *reader, size_t length)
{
	char *piece = reader->at;

	reader->at += MAXALIGN(length);
	return piece;
}

/* A value of the second part, or NULL. */
static char *
get_value(Reader *reader)
{
	size_t at = *(size_t *) get(reader, sizeof(size_t));

	return at > 0 ? reader->place + at : NULL;
}

static int64
get_int8(Reader *reader)
{
	return *(int64 *) get(reader, sizeof(int64));
}

/* Reads a group's values behind its head. */
static void
get_group(Reader *reader, const GroupHead *head, FieldGroupValue *value)
{
	const FieldColumn *columns = vapi_group_tables[head->table].groups[head->group].columns;

	value->version = head->version;
	value->hash = head->hash;
	for (int i = 0; i < GROUP_MAX_COLUMNS; i++)
	{
		value->nulls[i] = (head->nulls & (uint32) 1 << i) != 0;
		if (value->nulls[i])
			continue;
		if (is_by_value(&columns[i]))
			value->values[i] = *(Datum *) get(reader, sizeof(Datum));
		else
			value->values[i] = PointerGetDatum(get_value(reader));
	}
}

static void
get_row(Reader *reader, VapiBatchRow *row)
{
	GroupHead *head;

	memset(row, 0, sizeof(*row));
	row->call_id = get_value(reader);
	row->org_id = get_value(reader);
	row->customer_e164 = get_value(reader);
	row->customer_name = get_value(reader);
	row->lead_id = get_value(reader);
	row->created_at = get_int8(reader);
	row->values = palloc(sizeof(VapiBatchValues));
	for (int table = 0; table < GROUP_TABLES; table++)
		for (int i = 0; i < vapi_group_tables[table].count; i++)
		{
			FieldGroupValue *value = &row->values->groups[table][i];

			value->version = value->hash = 0;
			memset(value->nulls, true, GROUP_MAX_COLUMNS);
		}
	while ((head = (GroupHead *) get(reader, sizeof(GroupHead)))->table != NO_GROUP)
		get_group(reader, head, &row->values->groups[head->table][head->group]);
}

void
vapi_parcel_read(char *place, VapiPage *page)
{
	Reader reader = {place, place};
	const Head *head = (Head *) get(&reader, sizeof(Head));
	MemoryContext old;
	int i;

	memset(page, 0, sizeof(*page));
	page->items = head->items;
	page->count = head->count;
	page->oldest = head->oldest;
	page->newest = head->newest;
	page->full = head->full;
	page->doubtful = head->doubtful;
	page->past_lower = head->past_lower;
	page->edge_count = head->edge_count;
	page->edge_ids = palloc(sizeof(char *) * Max(head->edge_count, 1));
	for (i = 0; i < head->edge_count; i++)
		page->edge_ids[i] = get_value(&reader);
	page->failure_count = head->failure_count;
	page->failures = palloc(sizeof(VapiPageFailure) * Max(head->failure_count, 1));
	for (i = 0; i < head->failure_count; i++)
	{
		page->failures[i].call_id = get_value(&reader);
		page->failures[i].created_at = get_int8(&reader);
		page->failures[i].why = get_value(&reader);
	}
	page->updated_count = head->updated_count;
	page->updated = (int64 *) get(&reader, sizeof(int64) * head->updated_count);

	page->batch = vapi_batch_create(CurrentMemoryContext);
	old = MemoryContextSwitchTo(page->batch->context);
	page->batch->allocated = Max(head->row_count, 1);
	page->batch->rows = palloc(sizeof(VapiBatchRow) * page->batch->allocated);
	for (i = 0; i < head->row_count; i++)
		get_row(&reader, &page->batch->rows[i]);
	page->batch->count = head->row_count;
	MemoryContextSwitchTo(old);
}
