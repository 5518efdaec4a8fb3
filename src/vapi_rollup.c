#include "vapi_compat.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "vapi_rollup.h"
#include "vapi_store.h"

/* Rows that one fetch brings. */
#define FETCH 2000

/* A longer word is kept as text. */
#define WORD_LENGTH 64

/* An E.164 number has 15 digits at most. */
#define NUMBER_DIGITS 16

/* Numbers of words that only one use knows begin here. */
#define OWN_WORDS (INT64CONST(1) << 40)

/*
 * The words of the table as far as this process has read them. Rows never change, and a number is never given twice. Of
 * a transaction that was rolled back there may be words that the table lacks: a newer one takes their place, and who
 * folds reads all of them anew.
 */
static struct
{
	Oid table; /* another one after DROP and CREATE EXTENSION */
	MemoryContext context;
	HTAB *numbers;
	char **texts;
	int64 most;
	int64 room;
} known;

typedef struct WordEntry
{
	const char *text; /* the key */
	int64 number;
} WordEntry;

static uint32
hash_word(const void *key, Size size)
{
	const char *text = *(const char *const *) key;

	return hash_bytes((const unsigned char *) text, (int) strlen(text));
}

static int
compare_words(const void *a, const void *b, Size size)
{
	return strcmp(*(const char *const *) a, *(const char *const *) b);
}

static HTAB *
create_table(MemoryContext context)
{
	HASHCTL control = {0};

	control.keysize = sizeof(const char *);
	control.entrysize = sizeof(WordEntry);
	control.hash = hash_word;
	control.match = compare_words;
	control.hcxt = context;
	return hash_create("vapi_sales words", 256, &control, HASH_ELEM | HASH_FUNCTION | HASH_COMPARE | HASH_CONTEXT);
}

/* Adds a word, whose text stays, to a table. */
static void
add_entry(HTAB *table, const char *text, int64 number)
{
	bool found;
	WordEntry *entry = hash_search(table, &text, HASH_ENTER, &found);

	entry->text = text;
	entry->number = number;
}

static void
know(int64 number, const char *text)
{
	if (number >= known.room)
	{
		int64 room = Max(256, number * 2);

		known.texts = known.texts == NULL ? palloc0(sizeof(char *) * room)
										  : repalloc(known.texts, sizeof(char *) * room);
		memset(known.texts + known.room, 0, sizeof(char *) * (room - known.room));
		known.room = room;
	}
	known.texts[number] = pstrdup(text);
	add_entry(known.numbers, known.texts[number], number);
	known.most = Max(known.most, number);
}

/* Forgets the words of another installation; anew: all of them. */
static void
know_table(bool anew)
{
	Oid table = get_relname_relid("rollup_word", get_namespace_oid("vapi_internal", false));

	if (known.context != NULL && known.table == table && !anew)
		return;
	if (known.context != NULL)
		MemoryContextDelete(known.context);
	memset(&known, 0, sizeof(known));
	known.context = AllocSetContextCreate(TopMemoryContext, "vapi_sales words", ALLOCSET_DEFAULT_SIZES);
	known.numbers = create_table(known.context);
	known.table = table;
}

void
vapi_rollup_words_begin(VapiRollupWords *words, MemoryContext context, bool writes)
{
	static VapiStatement newer = {
		"SELECT w.word_id, w.word FROM vapi_internal.rollup_word w WHERE w.word_id > $1 ORDER BY w.word_id", NULL};
	VapiParameter parameter;
	MemoryContext old;
	uint64 count;

	know_table(writes);
	parameter = vapi_parameter_int8(known.most);
	count = writes ? vapi_store_execute(&newer, 1, &parameter) : vapi_store_read(&newer, 1, &parameter);
	for (uint64 i = 0; i < count; i++)
	{
		bool isnull;
		HeapTuple row = SPI_tuptable->vals[i];
		int64 number = DatumGetInt64(SPI_getbinval(row, SPI_tuptable->tupdesc, 1, &isnull));
		char *text = SPI_getvalue(row, SPI_tuptable->tupdesc, 2);

		old = MemoryContextSwitchTo(known.context);
		know(number, text);
		MemoryContextSwitchTo(old);
	}
	SPI_freetuptable(SPI_tuptable);
	memset(words, 0, sizeof(*words));
	words->writes = writes;
	words->most = known.most;
	words->context = context;
}

void
vapi_rollup_words_fork(VapiRollupWords *words, MemoryContext context, const VapiRollupWords *like,
					   const VapiRollupWords *base)
{
	memset(words, 0, sizeof(*words));
	words->most = like->most;
	words->context = context;
	words->base = base;
	words->base_count = base == NULL ? 0 : base->base_count + base->count;
}

/* A row for a new word; it is known here after the next beginning, when it may be committed. */
static int64
write_word(const char *text)
{
	static VapiStatement insert = {"INSERT INTO vapi_internal.rollup_word (word) VALUES ($1) RETURNING word_id", NULL};
	VapiParameter parameter = vapi_parameter_text(text);
	bool isnull;
	int64 number;

	(void) vapi_store_execute(&insert, 1, &parameter);
	number = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	SPI_freetuptable(SPI_tuptable);
	return number;
}

/* The number of a word that there is, 0 for others. */
static int64
find_word(const VapiRollupWords *words, const char *text)
{
	WordEntry *entry = hash_search(known.numbers, &text, HASH_FIND, NULL);

	if (entry != NULL && entry->number <= words->most)
		return entry->number;
	for (; words != NULL; words = words->base)
	{
		entry = words->own == NULL ? NULL : hash_search(words->own, &text, HASH_FIND, NULL);
		if (entry != NULL)
			return entry->number;
	}
	return 0;
}

int64
vapi_rollup_word(VapiRollupWords *words, const char *text)
{
	MemoryContext old;
	char *copy;
	int64 number = text == NULL ? 0 : find_word(words, text);

	if (text == NULL || number != 0)
		return number;
	number = words->writes ? write_word(text) : OWN_WORDS + words->base_count + words->count;
	old = MemoryContextSwitchTo(words->context);
	if (words->own == NULL)
		words->own = create_table(words->context);
	copy = pstrdup(text);
	if (!words->writes)
	{
		if (words->count % 64 == 0)
			words->texts = words->texts == NULL ? palloc(sizeof(char *) * 64)
												: repalloc(words->texts, sizeof(char *) * (words->count + 64));
		words->texts[words->count++] = copy;
	}
	add_entry(words->own, copy, number);
	MemoryContextSwitchTo(old);
	return number;
}

const char *
vapi_rollup_word_text(const VapiRollupWords *words, int64 number)
{
	const char *text = NULL;

	if (number == 0)
		return NULL;
	if (number >= OWN_WORDS)
	{
		while (words != NULL && number < OWN_WORDS + words->base_count)
			words = words->base;
		if (words != NULL && number < OWN_WORDS + words->base_count + words->count)
			text = words->texts[number - OWN_WORDS - words->base_count];
	}
	else if (number > 0 && number <= known.most)
		text = known.texts[number];
	if (text == NULL)
		ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED), errmsg("the rollups name a word that is missing"),
						errhint("DELETE FROM vapi_internal.rollup; background work makes them again.")));
	return text;
}

Numeric
vapi_rollup_numeric(const VapiRollupWords *words, VapiAmount amount)
{
	if (amount.scale == VAPI_SCALE_NULL)
		return NULL;
	if (amount.scale != VAPI_SCALE_WORD)
		return vapi_amount_numeric(amount);
	return vapi_numeric_of_text(vapi_rollup_word_text(words, amount.value));
}

int32
vapi_rollup_hour(int64 unix_us)
{
	int64 hour = unix_us / VAPI_HOUR_US;

	return (int32) (hour - (unix_us % VAPI_HOUR_US < 0));
}

/* Columns of what is read of a call; the words stand in the order of the facts' columns. */
#define READ_COLUMNS                                                                                      \
	"SELECT f.created_at, f.direction, f.type, f.status, f.outcome, f.ended_family, f.assistant_id,"      \
	" f.assistant_version, f.squad_id, f.phone_number_id, f.campaign_id, f.ended, f.reached, f.succeeds," \
	" f.duration_seconds, f.cost, f.score::numeric, f.contact"
#define READ_RANGE " WHERE f.created_at >= $1 AND f.created_at < $2 ORDER BY f.created_at"

typedef enum ReadColumn
{
	READ_CREATED_AT,
	READ_WORDS,
	READ_ENDED = READ_WORDS + VAPI_FACT_CAMPAIGN - VAPI_FACT_DIRECTION + 1,
	READ_REACHED,
	READ_SUCCEEDS,
	READ_DURATION,
	READ_COST,
	READ_SCORE,
	READ_CONTACT,
	READ_ITEMS,
	READ_COUNT
} ReadColumn;

/*
 * A word of a row. Ids and terms are numbered; what may be anything that somebody wrote stays with its hour, so that it
 * goes when its call is erased. So does what has no number when only a reader needs one: rows name no own words.
 */
static int64
read_word(VapiRollupWords *words, VapiFactRows *rows, const char *text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:/";
	size_t length = strspn(text, plain);
	int64 number = 0;

	if (text[length] == '\0' && length <= WORD_LENGTH)
		number = words->writes ? vapi_rollup_word(words, text) : find_word(words, text);
	return number != 0 ? number : VAPI_FACT_TEXT_WORD(vapi_fact_rows_text(rows, text));
}

/* What makes one contact: a prospect, a number. call_fact.contact has a letter before it. */
static void
read_contact(VapiFactRows *rows, const char *contact, int64 *fact)
{
	const char *digits = contact + 2;

	if (contact[0] == 'p')
	{
		fact[VAPI_FACT_CONTACT] = strtoll(contact + 1, NULL, 10);
		fact[VAPI_FACT_CONTACT_KIND] = VAPI_CONTACT_PROSPECT;
	}
	else if (contact[0] == 'n' && contact[1] == '+' && *digits >= '1' && *digits <= '9' &&
			 strspn(digits, "0123456789") == strlen(digits) && strlen(digits) < NUMBER_DIGITS)
	{
		fact[VAPI_FACT_CONTACT] = strtoll(digits, NULL, 10);
		fact[VAPI_FACT_CONTACT_KIND] = VAPI_CONTACT_NUMBER;
	}
	else
	{
		fact[VAPI_FACT_CONTACT] = vapi_fact_rows_text(rows, contact);
		fact[VAPI_FACT_CONTACT_KIND] = VAPI_CONTACT_TEXT;
	}
}

/* An amount of a row into a column and the one after it. */
static void
read_amount(VapiFactRows *rows, Numeric number, int64 *column)
{
	VapiAmount amount = {0, VAPI_SCALE_NULL};
	const char *word = NULL;

	if (number != NULL)
		amount = vapi_amount_of_numeric(number, &word);
	if (word != NULL)
		amount.value = vapi_fact_rows_text(rows, word);
	column[0] = amount.value;
	column[1] = amount.scale;
}

/* Cost items, as text: component, provider and cost in turn. */
static void
read_items(VapiRollupWords *words, Datum value, bool isnull, VapiRollupRows *rows, int64 *fact)
{
	Datum *elements;
	bool *nulls;
	int count;

	fact[VAPI_FACT_ITEMS] = VAPI_FACTS_BARE;
	if (isnull)
		return;
	deconstruct_array(DatumGetArrayTypeP(value), TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &count);
	fact[VAPI_FACT_ITEMS] = count / 3;
	for (int i = 0; i + 2 < count; i += 3)
	{
		int64 *item = vapi_fact_rows_add(&rows->items);
		Numeric cost = vapi_numeric_of_text(TextDatumGetCString(elements[i + 2]));

		item[VAPI_ITEM_COMPONENT] = nulls[i] ? 0 : read_word(words, &rows->items, TextDatumGetCString(elements[i]));
		item[VAPI_ITEM_PROVIDER] =
			nulls[i + 1] ? 0 : read_word(words, &rows->items, TextDatumGetCString(elements[i + 1]));
		read_amount(&rows->items, cost, item + VAPI_ITEM_COST);
	}
}

/* One call's row; hour_us: what its time counts from. */
static void
read_row(VapiRollupWords *words, const Datum *values, const bool *nulls, bool items, int64 hour_us,
		 VapiRollupRows *rows)
{
	int64 *fact = vapi_fact_rows_add(&rows->facts);

	memset(fact, 0, sizeof(int64) * VAPI_FACT_COLUMNS);
	fact[VAPI_FACT_AT] = vapi_store_unix_time(DatumGetTimestampTz(values[READ_CREATED_AT])) - hour_us;
	for (int i = 0; i <= VAPI_FACT_CAMPAIGN - VAPI_FACT_DIRECTION; i++)
		if (!nulls[READ_WORDS + i])
			fact[VAPI_FACT_DIRECTION + i] =
				read_word(words, &rows->facts, TextDatumGetCString(values[READ_WORDS + i]));
	if (!nulls[READ_ENDED] && DatumGetBool(values[READ_ENDED]))
		fact[VAPI_FACT_FLAGS] |= VAPI_FACT_ENDED;
	if (!nulls[READ_REACHED] && DatumGetBool(values[READ_REACHED]))
		fact[VAPI_FACT_FLAGS] |= VAPI_FACT_REACHED;
	if (!nulls[READ_SUCCEEDS])
		fact[VAPI_FACT_FLAGS] |= VAPI_FACT_JUDGED | (DatumGetBool(values[READ_SUCCEEDS]) ? VAPI_FACT_SUCCEEDS : 0);
	read_amount(&rows->facts, nulls[READ_DURATION] ? NULL : DatumGetNumeric(values[READ_DURATION]),
				fact + VAPI_FACT_DURATION);
	read_amount(&rows->facts, nulls[READ_COST] ? NULL : DatumGetNumeric(values[READ_COST]), fact + VAPI_FACT_COST);
	read_amount(&rows->facts, nulls[READ_SCORE] ? NULL : DatumGetNumeric(values[READ_SCORE]), fact + VAPI_FACT_SCORE);
	if (!nulls[READ_CONTACT])
		read_contact(&rows->facts, TextDatumGetCString(values[READ_CONTACT]), fact);
	if (items)
		read_items(words, values[READ_ITEMS], nulls[READ_ITEMS], rows, fact);
}

/* Hands the rows of a result on, hour by hour. */
typedef struct Reader
{
	VapiRollupWords *words;
	bool items;
	void (*take)(void *arg, int32 hour, const VapiRollupRows *rows);
	void *arg;
	VapiRollupRows rows;
	int32 hour; /* of the rows */
	MemoryContext each;
} Reader;

static void
flush_hour(Reader *reader)
{
	if (reader->rows.facts.count > 0)
		reader->take(reader->arg, reader->hour, &reader->rows);
	vapi_fact_rows_reset(&reader->rows.facts);
	vapi_fact_rows_reset(&reader->rows.items);
}

/* Some rows; words may run statements of their own. */
static void
read_rows(Reader *reader, SPITupleTable *rows, uint64 count)
{
	MemoryContext old = MemoryContextSwitchTo(reader->each);

	for (uint64 i = 0; i < count; i++)
	{
		Datum values[READ_COUNT];
		bool nulls[READ_COUNT];
		int32 hour;

		heap_deform_tuple(rows->vals[i], rows->tupdesc, values, nulls);
		hour = vapi_rollup_hour(vapi_store_unix_time(DatumGetTimestampTz(values[READ_CREATED_AT])));
		if (hour != reader->hour)
			flush_hour(reader);
		reader->hour = hour;
		read_row(reader->words, values, nulls, reader->items, hour * VAPI_HOUR_US, &reader->rows);
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(reader->each);
}

void
vapi_rollup_read(VapiRollupWords *words, const TimestampTz *lower, const TimestampTz *upper, int count, bool items,
				 bool as_caller, void (*take)(void *arg, int32 hour, const VapiRollupRows *rows), void *arg)
{
	static VapiStatement plain = {READ_COLUMNS " FROM vapi_internal.every_call_fact f" READ_RANGE, NULL};
	/* As vapi_cost_components reads them. */
	static VapiStatement with_items = {
		READ_COLUMNS ", CASE jsonb_typeof(t.cost_items) WHEN 'array' THEN ARRAY(SELECT unnest(ARRAY[i.item ->> 'type',"
					 " coalesce(i.item ->> 'provider', i.item #>> ARRAY[i.item ->> 'type', 'provider'],"
					 " i.item #>> '{model,provider}'), i.item ->> 'cost'])"
					 " FROM jsonb_array_elements(t.cost_items) AS i(item)"
					 " WHERE jsonb_typeof(i.item -> 'cost') = 'number') END FROM vapi_internal.every_call_fact f"
					 " LEFT JOIN vapi_internal.call_content t ON t.call_id = f.call_id" READ_RANGE,
		NULL};
	VapiStatement *statement = items ? &with_items : &plain;
	Reader reader = {.words = words, .items = items, .take = take, .arg = arg};

	reader.each = AllocSetContextCreate(CurrentMemoryContext, "vapi_sales rollup", ALLOCSET_DEFAULT_SIZES);
	vapi_fact_rows_init(&reader.rows.facts, VAPI_FACT_COLUMNS);
	vapi_fact_rows_init(&reader.rows.items, VAPI_ITEM_COLUMNS);
	for (int i = 0; i < count; i++)
	{
		VapiParameter parameters[2] = {{TIMESTAMPTZOID, TimestampTzGetDatum(lower[i]), false},
									   {TIMESTAMPTZOID, TimestampTzGetDatum(upper[i]), false}};
		Portal portal = vapi_store_open(statement, 2, parameters, as_caller);

		for (;;)
		{
			SPITupleTable *rows;

			CHECK_FOR_INTERRUPTS();
			SPI_cursor_fetch(portal, true, FETCH);
			rows = SPI_tuptable;
			if (SPI_processed == 0)
				break;
			read_rows(&reader, rows, SPI_processed);
			SPI_freetuptable(rows);
		}
		SPI_cursor_close(portal);
	}
	flush_hour(&reader);
	MemoryContextDelete(reader.each);
}
