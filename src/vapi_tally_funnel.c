#include "vapi_compat.h"

#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "vapi_store.h"
#include "vapi_tally.h"

/* How far somebody got: vapi_funnel's positions. */
typedef enum Level
{
	LEVEL_CALLED = 1,
	LEVEL_REACHED,
	LEVEL_QUALIFIED,
	LEVEL_SUCCESSFUL,
	LEVEL_WON
} Level;

/* A contact and its kind in one number: neither ids of prospects nor numbers and words come near 2^61. */
#define CONTACT_KEY(contact, kind) ((int64) ((uint64) (contact) << 2 | (uint64) (kind)))

typedef struct Contact
{
	int64 key;
	char status; /* of the hash table */
	uint8 level;
} Contact;

#define SH_PREFIX contacts
#define SH_ELEMENT_TYPE Contact
#define SH_KEY_TYPE int64
#define SH_KEY key
#define SH_HASH_KEY(tb, k) ((uint32) (((uint64) (k) *UINT64CONST(0x9E3779B97F4A7C15)) >> 32))
#define SH_EQUAL(tb, a, b) ((a) == (b))
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

/* Contacts, and how many of them got how far. */
typedef struct Funnel
{
	contacts_hash *contacts; /* those of the calls that were counted here */
	int64 counts[LEVEL_WON + 1];
	const struct Funnel *settled; /* whose counts these go on from; NULL: none */
} Funnel;

/* How far a contact got before; 0: it was not called. */
static int
settled_level(const Funnel *funnel, int64 key)
{
	const Contact *contact = funnel->settled == NULL ? NULL : contacts_lookup(funnel->settled->contacts, key);

	return contact == NULL ? 0 : contact->level;
}

/* A contact that got further: from that level, where 0 is none. */
static void
raise_contact(Funnel *funnel, int from, int to)
{
	if (from > 0)
		funnel->counts[from]--;
	funnel->counts[to]++;
}

/* Counts the contacts that were counted here. */
static void
count_contacts(Funnel *funnel)
{
	contacts_iterator iterator;
	Contact *contact;

	contacts_start_iterate(funnel->contacts, &iterator);
	while ((contact = contacts_iterate(funnel->contacts, &iterator)) != NULL)
	{
		int before = settled_level(funnel, contact->key);

		contact->level = (uint8) Max(contact->level, before);
		raise_contact(funnel, before, contact->level);
	}
}

/* Raises the contacts that are prospects which were won. */
static void
raise_won(Funnel *funnel)
{
	static VapiStatement won = {"SELECT r.prospect_id FROM vapi_internal.prospect r WHERE r.status = 'won'", NULL};
	Portal portal = vapi_store_open(&won, 0, NULL, true);

	for (;;)
	{
		SPI_cursor_fetch(portal, true, 10000);
		if (SPI_processed == 0)
			break;
		for (uint64 i = 0; i < SPI_processed; i++)
		{
			const Contact *contact;
			int64 key;
			int level;
			bool isnull;

			key = CONTACT_KEY(
				DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull)),
				VAPI_CONTACT_PROSPECT);
			contact = contacts_lookup(funnel->contacts, key);
			level = contact == NULL ? settled_level(funnel, key) : contact->level;
			if (level > 0)
				raise_contact(funnel, level, LEVEL_WON);
		}
		SPI_freetuptable(SPI_tuptable);
	}
	SPI_cursor_close(portal);
}

/* How far a call got. */
static Level
call_level(const VapiTally *tally, const VapiTallyHour *hour, int row)
{
	int flags = (int) vapi_column_get(&hour->facts[VAPI_FACT_FLAGS], row);
	VapiAmount score;

	if (!(flags & VAPI_FACT_REACHED))
		return LEVEL_CALLED;
	if (flags & VAPI_FACT_SUCCEEDS)
		return LEVEL_SUCCESSFUL;
	score = vapi_tally_fact_amount(tally, hour, VAPI_FACT_SCORE, row);
	return vapi_tally_qualifies(tally, score) ? LEVEL_QUALIFIED : LEVEL_REACHED;
}

static void *
begin_funnel(int64 calls)
{
	Funnel *funnel = palloc0(sizeof(Funnel));

	/* Most calls are with somebody else, and to let a table grow takes as long as to fill it. */
	funnel->contacts = contacts_create(CurrentMemoryContext, (uint32) Min(calls, 1000000), NULL);
	return funnel;
}

/*
 * A contact that is a text, as a word's number: one that no word of the table has, so that it is the same in all
 * questions that go on from a state.
 */
static int64
text_contact(const VapiTally *tally, const VapiFactText *text, int64 place)
{
	char *word = psprintf(" %s", vapi_facts_text(text, place));
	int64 number = vapi_rollup_word(tally->words, word);

	pfree(word);
	return number;
}

static void
count_funnel(const VapiTally *tally, const void *question, void *state, const VapiTallyHour *hour)
{
	Funnel *funnel = state;

	for (int row = 0; row < hour->count; row++)
	{
		int64 kind = vapi_column_get(&hour->facts[VAPI_FACT_CONTACT_KIND], row);
		int64 contact_id = vapi_column_get(&hour->facts[VAPI_FACT_CONTACT], row);
		Contact *contact;
		Level level;
		bool found;

		if (kind == VAPI_CONTACT_NONE || !vapi_tally_counts(tally, hour, row))
			continue;
		if (kind == VAPI_CONTACT_TEXT)
			contact_id = text_contact(tally, &hour->text, contact_id);
		level = call_level(tally, hour, row);
		contact = contacts_insert(funnel->contacts, CONTACT_KEY(contact_id, kind), &found);
		if (!found || contact->level < level)
			contact->level = (uint8) level;
	}
}

/* The contacts in a table that is no larger than they need: calls were more. */
static void
settle_funnel(void *state)
{
	Funnel *funnel = state;
	contacts_hash *former = funnel->contacts;
	contacts_iterator iterator;
	const Contact *contact;

	count_contacts(funnel);
	funnel->contacts = contacts_create(CurrentMemoryContext, former->members, NULL);
	contacts_start_iterate(former, &iterator);
	while ((contact = contacts_iterate(former, &iterator)) != NULL)
	{
		bool found;

		contacts_insert(funnel->contacts, contact->key, &found)->level = contact->level;
	}
	contacts_destroy(former);
}

static void *
fork_funnel(const void *settled)
{
	Funnel *funnel = begin_funnel(64);

	funnel->settled = settled;
	memcpy(funnel->counts, funnel->settled->counts, sizeof(funnel->counts));
	return funnel;
}

static const VapiTallyKind funnel_kind = {
	.name = "funnel",
	.begin = begin_funnel,
	.count = count_funnel,
	.settle = settle_funnel,
	.fork = fork_funnel,
};

PG_FUNCTION_INFO_V1(vapi_sales_tally_funnel);

/* SQL: vapi_internal.tally_funnel(lower timestamptz, upper timestamptz, filter jsonb) */
Datum
vapi_sales_tally_funnel(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	VapiStoreSection section;
	VapiTally tally;
	Funnel *funnel;

	InitMaterializedSRF(fcinfo, 0);
	vapi_store_enter(&section);
	vapi_tally_open_arguments(fcinfo, 2, false, &tally);
	funnel = vapi_tally_count(&tally, &funnel_kind, NULL, NULL, 0);
	count_contacts(funnel);
	raise_won(funnel);
	for (int level = LEVEL_CALLED; level <= LEVEL_WON; level++)
	{
		bool nulls[2] = {false};
		Datum values[2] = {Int32GetDatum(level), Int64GetDatum(funnel->counts[level])};

		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	vapi_store_leave(&section);
	return (Datum) 0;
}
