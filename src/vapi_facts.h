/*
 * What analytics count of calls, packed by columns: an hour of calls is a value
 * of a few kB, and a question reads the columns that it needs.
 *
 * Each column has a base and as many bytes for each row's distance from it as
 * the largest distance needs (frame of reference), so a column whose values are
 * all the same takes nine bytes.
 */
#ifndef VAPI_FACTS_H
#define VAPI_FACTS_H

#include "vapi_compat.h"

#include "lib/stringinfo.h"
#include "utils/numeric.h"

/*
 * Of a call. Words are numbers of vapi_internal.rollup_word, 0: NULL, or places in the text (VAPI_FACT_TEXT_WORD):
 * what somebody wrote or a telephone number is kept there, with the calls, and nowhere else.
 */
typedef enum VapiFactColumn
{
	VAPI_FACT_AT, /* when the call was created, microseconds since the hour began */
	VAPI_FACT_FLAGS,
	VAPI_FACT_DIRECTION,
	VAPI_FACT_TYPE,
	VAPI_FACT_STATUS,
	VAPI_FACT_OUTCOME,
	VAPI_FACT_ENDED_FAMILY,
	VAPI_FACT_ASSISTANT,
	VAPI_FACT_ASSISTANT_VERSION,
	VAPI_FACT_SQUAD,
	VAPI_FACT_PHONE_NUMBER,
	VAPI_FACT_CAMPAIGN,
	VAPI_FACT_DURATION, /* an amount: the column after it is its scale */
	VAPI_FACT_DURATION_SCALE,
	VAPI_FACT_COST,
	VAPI_FACT_COST_SCALE,
	VAPI_FACT_SCORE,
	VAPI_FACT_SCORE_SCALE,
	VAPI_FACT_CONTACT, /* as CONTACT_KIND says */
	VAPI_FACT_CONTACT_KIND,
	VAPI_FACT_ITEMS /* how many cost items are the call's; VAPI_FACTS_BARE: it has no list of them */
} VapiFactColumn;

#define VAPI_FACT_COLUMNS (VAPI_FACT_ITEMS + 1)

/* Of a cost item; a call's items follow those of the calls before it. */
typedef enum VapiItemColumn
{
	VAPI_ITEM_COMPONENT,
	VAPI_ITEM_PROVIDER,
	VAPI_ITEM_COST,
	VAPI_ITEM_COST_SCALE
} VapiItemColumn;

#define VAPI_ITEM_COLUMNS (VAPI_ITEM_COST_SCALE + 1)

/* Bits of VAPI_FACT_FLAGS, as of vapi_internal.call_fact. */
#define VAPI_FACT_ENDED 1
#define VAPI_FACT_REACHED 2
#define VAPI_FACT_JUDGED 4 /* succeeds is not NULL */
#define VAPI_FACT_SUCCEEDS 8

#define VAPI_FACTS_BARE (-1)

typedef enum VapiContactKind
{
	VAPI_CONTACT_NONE,
	VAPI_CONTACT_PROSPECT, /* its id */
	VAPI_CONTACT_NUMBER,   /* digits of an E.164 number */
	VAPI_CONTACT_TEXT	   /* a place in the rows' text: any other number */
} VapiContactKind;

/* A number as SQL has it: value / 10^scale. */
typedef struct VapiAmount
{
	int64 value;
	int scale; /* VAPI_SCALE_NULL, 0 to VAPI_SCALE_MOST, or VAPI_SCALE_WORD: value is a word (packed: its place) */
} VapiAmount;

#define VAPI_SCALE_NULL (-1)
#define VAPI_SCALE_MOST 18
#define VAPI_SCALE_WORD 100

/* A packed column. */
typedef struct VapiColumn
{
	int64 base;
	int width; /* bytes a row: 0, 1, 2, 4 or 8 */
	const char *data;
} VapiColumn;

/* Value of the row, from 0. */
static inline int64
vapi_column_get(const VapiColumn *column, int row)
{
	switch (column->width)
	{
		case 0:
			return column->base;
		case 1:
			return column->base + ((const uint8 *) column->data)[row];
		case 2:
		{
			uint16 distance;

			memcpy(&distance, column->data + 2 * (size_t) row, sizeof(distance));
			return column->base + distance;
		}
		case 4:
		{
			uint32 distance;

			memcpy(&distance, column->data + 4 * (size_t) row, sizeof(distance));
			return column->base + distance;
		}
		default:
		{
			uint64 distance;

			memcpy(&distance, column->data + 8 * (size_t) row, sizeof(distance));
			return (int64) ((uint64) column->base + distance);
		}
	}
}

/* All values of a column of so many rows. */
extern void vapi_column_read(const VapiColumn *column, int rows, int64 *values);

/* Rows on their way into a packed value, in the memory context that is current at vapi_fact_rows_init. */
typedef struct VapiFactRows
{
	int columns;
	int count;
	int room;
	int64 *values; /* a row after the other */
	StringInfoData text;
} VapiFactRows;

extern void vapi_fact_rows_init(VapiFactRows *rows, int columns);
extern void vapi_fact_rows_reset(VapiFactRows *rows);

/* Place for the columns of one more row. ereports 54000 beyond what one allocation holds. */
extern int64 *vapi_fact_rows_add(VapiFactRows *rows);

/* Adds a text; returns its place. ereports 54000 beyond 1 GB. */
extern int64 vapi_fact_rows_text(VapiFactRows *rows, const char *text);

/* A word that stands at a place in the text, and the place of such a word. */
#define VAPI_FACT_TEXT_WORD(place) (-(place) -1)
#define VAPI_FACT_TEXT_PLACE(word) (-(word) -1)

/* The rows as a bytea, palloc'd in the current context. */
extern bytea *vapi_fact_rows_pack(const VapiFactRows *rows);

/* The text of packed rows. */
typedef struct VapiFactText
{
	const char *data;
	int64 length; /* with the ends of its strings */
} VapiFactText;

/*
 * How many rows a packed value has; its columns and text point into it, so it
 * has to be detoasted, and to stay. ereports XX001 for a value that is none of
 * so many columns.
 */
extern int vapi_facts_unpack(const bytea *packed, VapiColumn *columns, int count, VapiFactText *text);

/* The string at that place of the text. ereports XX001 when there is none. */
extern const char *vapi_facts_text(const VapiFactText *text, int64 place);

/*
 * A number of SQL's as an amount; word: its text where no amount is exact
 * (NaN, infinities, more than 18 digits, a billion and more), palloc'd, else NULL; the caller gives
 * it a number.
 */
extern VapiAmount vapi_amount_of_numeric(Numeric number, const char **word);

/* The other way round; not for NULL and words. palloc'd. */
extern Numeric vapi_amount_numeric(VapiAmount amount);

/* As SQL's cast to double precision; not for NULL and words. */
extern double vapi_amount_double(VapiAmount amount);

/* 10 to the power of 0 to VAPI_SCALE_MOST, and after them 0: what NULL, whose scale is -1, is multiplied with. */
extern const int64 vapi_powers_of_ten[];

/* Value in units of 10^-18, 0 for NULL; not for words. */
static inline int128
vapi_amount_units(VapiAmount amount)
{
	return (int128) amount.value * vapi_powers_of_ten[VAPI_SCALE_MOST - amount.scale];
}

/* SQL's number of its text. palloc'd; ereports 22P02 for a text that is none. */
extern Numeric vapi_numeric_of_text(const char *text);

/* As many units as a number with so many decimals; what they would cut off must be zeros. palloc'd. */
extern Numeric vapi_units_numeric(int128 units, int scale);

#endif
