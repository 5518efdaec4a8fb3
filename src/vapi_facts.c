#include "vapi_compat.h"

#include "utils/builtins.h"
#include "utils/memutils.h"

#include "vapi_facts.h"

/* First byte of a packed value: a later shape gets another, and is folded anew. */
#define PACKED_SHAPE 2

/* Bytes before the columns: shape and count; and before a column's data: base and width. */
#define HEAD_SIZE (1 + sizeof(uint32))
#define COLUMN_HEAD_SIZE (sizeof(int64) + 1)

#define FIRST_ROOM 64

/* Digits before the point of what is an amount: then a sum of billions of them in units is far from int128's end. */
#define WHOLE_DIGITS 9

const int64 vapi_powers_of_ten[VAPI_SCALE_MOST + 2] = {
	INT64CONST(1),
	INT64CONST(10),
	INT64CONST(100),
	INT64CONST(1000),
	INT64CONST(10000),
	INT64CONST(100000),
	INT64CONST(1000000),
	INT64CONST(10000000),
	INT64CONST(100000000),
	INT64CONST(1000000000),
	INT64CONST(10000000000),
	INT64CONST(100000000000),
	INT64CONST(1000000000000),
	INT64CONST(10000000000000),
	INT64CONST(100000000000000),
	INT64CONST(1000000000000000),
	INT64CONST(10000000000000000),
	INT64CONST(100000000000000000),
	INT64CONST(1000000000000000000),
	0,
};

void
vapi_fact_rows_init(VapiFactRows *rows, int columns)
{
	rows->columns = columns;
	rows->count = 0;
	rows->room = FIRST_ROOM;
	rows->values = palloc(sizeof(int64) * columns * rows->room);
	initStringInfo(&rows->text);
}

void
vapi_fact_rows_reset(VapiFactRows *rows)
{
	rows->count = 0;
	resetStringInfo(&rows->text);
}

int64
vapi_fact_rows_text(VapiFactRows *rows, const char *text)
{
	int64 place = rows->text.len;

	appendBinaryStringInfo(&rows->text, text, (int) strlen(text) + 1);
	return place;
}

int64 *
vapi_fact_rows_add(VapiFactRows *rows)
{
	if (rows->count == rows->room)
	{
		if (rows->room > INT_MAX / 4)
			ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("too many calls for one question")));
		rows->room *= 2;
		rows->values = repalloc_huge(rows->values, sizeof(int64) * rows->columns * rows->room);
	}
	return rows->values + (size_t) rows->columns * rows->count++;
}

/* Bytes that a distance needs. */
static int
width_of(uint64 distance)
{
	if (distance == 0)
		return 0;
	if (distance <= PG_UINT8_MAX)
		return 1;
	if (distance <= PG_UINT16_MAX)
		return 2;
	return distance <= PG_UINT32_MAX ? 4 : 8;
}

/* Smallest value of a column, and the width for the distances from it. */
static int
measure(const VapiFactRows *rows, int column, int64 *base)
{
	const int64 *value = rows->values + column;
	int64 most;

	*base = most = rows->count > 0 ? *value : 0;
	for (int i = 0; i < rows->count; i++, value += rows->columns)
	{
		*base = Min(*base, *value);
		most = Max(most, *value);
	}
	return width_of((uint64) most - (uint64) *base);
}

static char *
pack_column(const VapiFactRows *rows, int column, int64 base, int width, char *to)
{
	const int64 *value = rows->values + column;

	memcpy(to, &base, sizeof(base));
	to += sizeof(base);
	*to++ = (char) width;
	for (int i = 0; width > 0 && i < rows->count; i++, value += rows->columns, to += width)
	{
		uint64 distance = (uint64) *value - (uint64) base;

		switch (width)
		{
			case 1:
				*(uint8 *) to = (uint8) distance;
				break;
			case 2:
				memcpy(to, &(uint16){(uint16) distance}, sizeof(uint16));
				break;
			case 4:
				memcpy(to, &(uint32){(uint32) distance}, sizeof(uint32));
				break;
			default:
				memcpy(to, &distance, sizeof(distance));
		}
	}
	return to;
}

bytea *
vapi_fact_rows_pack(const VapiFactRows *rows)
{
	int64 *bases = palloc(sizeof(int64) * rows->columns);
	int *widths = palloc(sizeof(int) * rows->columns);
	uint32 count = (uint32) rows->count;
	size_t size = VARHDRSZ + HEAD_SIZE + rows->text.len;
	bytea *packed;
	char *to;

	for (int i = 0; i < rows->columns; i++)
	{
		widths[i] = measure(rows, i, &bases[i]);
		size += COLUMN_HEAD_SIZE + (size_t) widths[i] * rows->count;
	}
	if (size > MaxAllocSize)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("too many calls for one question")));
	packed = palloc(size);
	SET_VARSIZE(packed, size);
	to = VARDATA(packed);
	*to++ = PACKED_SHAPE;
	memcpy(to, &count, sizeof(count));
	to += sizeof(count);
	for (int i = 0; i < rows->columns; i++)
		to = pack_column(rows, i, bases[i], widths[i], to);
	memcpy(to, rows->text.data, rows->text.len);
	to += rows->text.len;
	Assert(to == (char *) packed + size);
	pfree(bases);
	pfree(widths);
	return packed;
}

static bool
is_width(int width)
{
	return width == 0 || width == 1 || width == 2 || width == 4 || width == 8;
}

pg_noreturn static void
refuse_packed(void)
{
	ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED), errmsg("a row of the rollups cannot be read"),
					errhint("DELETE FROM vapi_internal.rollup; background work makes them again.")));
}

int
vapi_facts_unpack(const bytea *packed, VapiColumn *columns, int count, VapiFactText *text)
{
	const char *at = VARDATA_ANY(packed);
	const char *end = at + VARSIZE_ANY_EXHDR(packed);
	uint32 rows;

	if (end - at < (ptrdiff_t) HEAD_SIZE || *at != PACKED_SHAPE)
		refuse_packed();
	memcpy(&rows, at + 1, sizeof(rows));
	at += HEAD_SIZE;
	for (int i = 0; i < count; i++)
	{
		if (end - at < (ptrdiff_t) COLUMN_HEAD_SIZE)
			refuse_packed();
		memcpy(&columns[i].base, at, sizeof(int64));
		columns[i].width = at[sizeof(int64)];
		at += COLUMN_HEAD_SIZE;
		columns[i].data = at;
		if (!is_width(columns[i].width) || (uint64) (end - at) < (uint64) rows * columns[i].width)
			refuse_packed();
		at += (size_t) rows * columns[i].width;
	}
	text->data = at;
	text->length = end - at;
	if (rows > INT_MAX || (text->length > 0 && end[-1] != '\0'))
		refuse_packed();
	return (int) rows;
}

void
vapi_column_read(const VapiColumn *column, int rows, int64 *values)
{
	int64 base = column->base;

	/* A loop for each width: the compiler makes many of its rounds one. */
	switch (column->width)
	{
		case 0:
			for (int i = 0; i < rows; i++)
				values[i] = base;
			break;
		case 1:
			for (int i = 0; i < rows; i++)
				values[i] = base + ((const uint8 *) column->data)[i];
			break;
		default:
			for (int i = 0; i < rows; i++)
				values[i] = vapi_column_get(column, i);
	}
}

const char *
vapi_facts_text(const VapiFactText *text, int64 place)
{
	if (place < 0 || place >= text->length)
		refuse_packed();
	return text->data + place;
}

VapiAmount
vapi_amount_of_numeric(Numeric number, const char **word)
{
	VapiAmount amount = {0, 0};
	char *text = DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(number)));
	const char *at = text + (*text == '-');
	int digits = 0;
	int whole = 0;
	bool point = false;

	*word = NULL;
	for (; *at != '\0'; at++)
	{
		if (*at == '.')
		{
			point = true;
			continue;
		}
		digits += digits > 0 || *at != '0';
		whole += digits > 0 && !point;
		if (*at < '0' || *at > '9' || digits > VAPI_SCALE_MOST || whole > WHOLE_DIGITS ||
			(point && amount.scale == VAPI_SCALE_MOST))
		{
			*word = text;
			amount.scale = VAPI_SCALE_WORD;
			return amount;
		}
		amount.value = amount.value * 10 + (*at - '0');
		amount.scale += point;
	}
	if (*text == '-')
		amount.value = -amount.value;
	pfree(text);
	return amount;
}

Numeric
vapi_numeric_of_text(const char *text)
{
	return DatumGetNumeric(
		DirectFunctionCall3(numeric_in, CStringGetDatum(text), ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
}

Numeric
vapi_units_numeric(int128 units, int scale)
{
	/* sign, 39 digits, point, end */
	char digits[48];
	char *at = digits + sizeof(digits) - 1;
	uint128 rest = units < 0 ? -(uint128) units : (uint128) units;

	rest /= (uint128) vapi_powers_of_ten[VAPI_SCALE_MOST - scale];
	*at = '\0';
	for (int i = 0; i < scale || rest > 0 || i == scale; i++)
	{
		if (i == scale && scale > 0)
			*--at = '.';
		*--at = (char) ('0' + (int) (rest % 10));
		rest /= 10;
	}
	if (units < 0)
		*--at = '-';
	return vapi_numeric_of_text(at);
}

Numeric
vapi_amount_numeric(VapiAmount amount)
{
	return vapi_units_numeric(vapi_amount_units(amount), amount.scale);
}

double
vapi_amount_double(VapiAmount amount)
{
	/* Both exact, so the quotient is the nearest to the number, as SQL's is. */
	if (amount.value > -(INT64CONST(1) << 53) && amount.value < (INT64CONST(1) << 53))
		return (double) amount.value / (double) vapi_powers_of_ten[amount.scale];
	return DatumGetFloat8(DirectFunctionCall1(numeric_float8, NumericGetDatum(vapi_amount_numeric(amount))));
}
