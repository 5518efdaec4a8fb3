#include "vapi_compat.h"

#include "executor/spi.h"
#include "utils/builtins.h"

#include "vapi_prospect.h"
#include "vapi_store.h"

static VapiStatement find_by_external_id = {
	.sql = "SELECT p.external_id, p.prospect_id, 1::bigint FROM vapi_internal.prospect p"
		   " WHERE p.external_id = ANY ($1)"
		   " UNION ALL SELECT a.external_id, a.prospect_id, 1::bigint FROM vapi_internal.prospect_alias a"
		   " WHERE a.external_id = ANY ($1)"
		   " AND NOT EXISTS (SELECT FROM vapi_internal.prospect p WHERE p.external_id = a.external_id)"};

static VapiStatement find_by_phone = {
	.sql = "SELECT n.phone, min(n.prospect_id), count(*) FROM vapi_internal.prospect_phone n"
		   " WHERE n.phone = ANY ($1) GROUP BY n.phone"};

/* One at a time: two sessions that meet the same unknown number must not both create its prospect. */
static VapiStatement lock_creation = {.sql = "SELECT pg_advisory_xact_lock(1986097257, 4)"};

static VapiStatement create_prospects = {
	.sql = "WITH number AS MATERIALIZED ("
		   "  SELECT u.phone, nullif(u.name, '') AS name,"
		   "   nextval('vapi_internal.prospect_prospect_id_seq') AS prospect_id"
		   "  FROM unnest($1, $2) AS u(phone, name)),"
		   " prospect AS (INSERT INTO vapi_internal.prospect (prospect_id, name, source)"
		   "  SELECT n.prospect_id, n.name, 'call' FROM number n)"
		   " INSERT INTO vapi_internal.prospect_phone (phone, prospect_id)"
		   " SELECT n.phone, n.prospect_id FROM number n"};

/* What a row is looked up by. */
typedef enum KeyKind
{
	KEY_LEAD,
	KEY_PHONE
} KeyKind;

/* A distinct key, and a name for the prospect it may become. */
typedef struct Key
{
	const char *text;
	const char *name;
	int64 prospect_id;
	int64 candidates;
} Key;

static const char *
row_key(const VapiBatchRow *row, KeyKind kind)
{
	return kind == KEY_LEAD ? row->lead_id : row->customer_e164;
}

static int
compare_keys(const void *a, const void *b)
{
	return strcmp(((const Key *) a)->text, ((const Key *) b)->text);
}

/* The distinct keys of rows that have no prospect yet, sorted. */
static Key *
collect_keys(VapiBatchRow *rows, int count, KeyKind kind, int *key_count)
{
	Key *keys = palloc0(sizeof(Key) * count);
	int collected = 0;
	int distinct = 0;
	int i;

	for (i = 0; i < count; i++)
		if (!rows[i].erased && rows[i].prospect_id == 0 && row_key(&rows[i], kind))
		{
			keys[collected].text = row_key(&rows[i], kind);
			keys[collected++].name = rows[i].customer_name;
		}
	qsort(keys, collected, sizeof(Key), compare_keys);
	for (i = 0; i < collected; i++)
	{
		if (distinct > 0 && strcmp(keys[distinct - 1].text, keys[i].text) == 0)
		{
			if (keys[distinct - 1].name == NULL)
				keys[distinct - 1].name = keys[i].name;
		}
		else
			keys[distinct++] = keys[i];
	}
	*key_count = distinct;
	return keys;
}

/* Looks the keys up and notes the candidates. */
static void
look_up(VapiStatement *statement, Key *keys, int count)
{
	const char **texts = palloc(sizeof(char *) * count);
	VapiParameter parameter;
	uint64 found;
	uint64 i;
	int j;

	for (j = 0; j < count; j++)
		texts[j] = keys[j].text;
	parameter = vapi_parameter_text_array(texts, count);
	found = vapi_store_look(statement, 1, &parameter);
	for (i = 0; i < found; i++)
	{
		HeapTuple tuple = SPI_tuptable->vals[i];
		Key wanted = {.text = SPI_getvalue(tuple, SPI_tuptable->tupdesc, 1)};
		Key *key = bsearch(&wanted, keys, count, sizeof(Key), compare_keys);
		bool isnull;

		if (key == NULL)
			continue;
		key->prospect_id = DatumGetInt64(SPI_getbinval(tuple, SPI_tuptable->tupdesc, 2, &isnull));
		key->candidates = DatumGetInt64(SPI_getbinval(tuple, SPI_tuptable->tupdesc, 3, &isnull));
	}
	SPI_freetuptable(SPI_tuptable);
}

/* The keys that nobody has; returns how many. */
static int
collect_unknown(const Key *keys, int count, const char **phones, const char **names)
{
	int unknown = 0;
	int i;

	for (i = 0; i < count; i++)
		if (keys[i].candidates == 0)
		{
			phones[unknown] = keys[i].text;
			names[unknown++] = keys[i].name ? keys[i].name : "";
		}
	return unknown;
}

/* Creates prospects for numbers that nobody has. */
static void
create_unknown(Key *keys, int count)
{
	const char **phones = palloc(sizeof(char *) * count);
	const char **names = palloc(sizeof(char *) * count);
	VapiParameter parameters[2];
	int unknown;

	if (collect_unknown(keys, count, phones, names) == 0)
		return;
	vapi_store_execute(&lock_creation, 0, NULL);
	look_up(&find_by_phone, keys, count);
	unknown = collect_unknown(keys, count, phones, names);
	if (unknown == 0)
		return;
	parameters[0] = vapi_parameter_text_array(phones, unknown);
	parameters[1] = vapi_parameter_text_array(names, unknown);
	vapi_store_execute(&create_prospects, 2, parameters);
	look_up(&find_by_phone, keys, count);
}

/* Hands the keys' prospects to the rows. */
static void
assign(VapiBatchRow *rows, int count, KeyKind kind, Key *keys, int key_count)
{
	int i;

	for (i = 0; i < count; i++)
	{
		Key wanted = {.text = row_key(&rows[i], kind)};
		Key *key;

		if (rows[i].erased || rows[i].prospect_id != 0 || wanted.text == NULL)
			continue;
		key = bsearch(&wanted, keys, key_count, sizeof(Key), compare_keys);
		if (key && key->candidates == 1)
			rows[i].prospect_id = key->prospect_id;
		else if (key && key->candidates > 1)
			rows[i].ambiguous = true;
	}
}

void
vapi_prospect_resolve(VapiBatchRow *rows, int count)
{
	int key_count;
	Key *keys = collect_keys(rows, count, KEY_LEAD, &key_count);

	if (key_count > 0)
	{
		look_up(&find_by_external_id, keys, key_count);
		assign(rows, count, KEY_LEAD, keys, key_count);
	}
	keys = collect_keys(rows, count, KEY_PHONE, &key_count);
	if (key_count > 0)
	{
		look_up(&find_by_phone, keys, key_count);
		create_unknown(keys, key_count);
		assign(rows, count, KEY_PHONE, keys, key_count);
	}
}
