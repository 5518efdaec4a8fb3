#include "vapi_jsonb.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/numeric.h"

/* jsonb's own limit of one string, jsonb_util.c JENTRY_OFFLENMASK */
#define JSONB_STRING_MAX 0x0FFFFFFF

/* Digits that a number may have to be read as an integer and shifted. */
#define SHORT_DIGITS 14

/* A member of an object on its way into jsonb. */
typedef struct Member
{
	const char *key; /* in the database's encoding */
	size_t length;
	const VapiJson *value;
	int order;
} Member;

/* Objects of that many members need no memory of their own. */
#define FEW_MEMBERS 24

static JEntry write_value(StringInfo buffer, const VapiJson *json);

pg_noreturn static void
report_too_large(const char *what)
{
	ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("%s is too large for jsonb", what)));
}

/* A string of the tree, which is UTF-8, in the database's encoding. */
static const char *
server_text(const char *text, size_t *length)
{
	*length = strlen(text);
	if (*length > JSONB_STRING_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("string of %zu bytes is too long for jsonb", *length)));
	if (GetDatabaseEncoding() != PG_UTF8)
	{
		text = pg_any_to_server(text, (int) *length, PG_UTF8);
		*length = strlen(text);
	}
	return text;
}

/* A number token; the usual short ones without numeric's own parser. */
static Numeric
read_number(const char *token)
{
	const char *p = token + (*token == '-');
	int64 value = 0;
	int digits = 0;
	int scale = -1; /* digits after the point; -1: no point */

	for (; digits <= SHORT_DIGITS && ((*p >= '0' && *p <= '9') || (*p == '.' && scale < 0)); p++)
	{
		if (*p == '.')
		{
			scale = 0;
			continue;
		}
		value = value * 10 + (*p - '0');
		digits++;
		if (scale >= 0)
			scale++;
	}
	if (*p != '\0' || digits > SHORT_DIGITS)
		return DatumGetNumeric(DirectFunctionCall3(numeric_in, CStringGetDatum(token), ObjectIdGetDatum(InvalidOid),
												   Int32GetDatum(-1)));
	if (*token == '-')
		value = -value;
	return scale > 0 ? int64_div_fast_to_numeric(value, scale) : int64_to_numeric(value);
}

/* jsonb aligns numbers and containers to four bytes; returns how many it took. */
static int
align(StringInfo buffer)
{
	int padding = INTALIGN(buffer->len) - buffer->len;

	if (padding > 0)
		appendBinaryStringInfo(buffer, "\0\0\0", padding);
	return padding;
}

/* Writes entry i of a container; at every JB_OFFSET_STRIDE-th stands where its value ends, else how long it is. */
static void
put_entry(StringInfo buffer, int entries, int i, JEntry entry, size_t *total)
{
	*total += entry & JENTRY_OFFLENMASK;
	if (*total > JENTRY_OFFLENMASK)
		report_too_large("an array or object");
	if (i % JB_OFFSET_STRIDE == 0)
		entry = (entry & JENTRY_TYPEMASK) | (JEntry) *total | JENTRY_HAS_OFF;
	memcpy(buffer->data + entries + i * sizeof(JEntry), &entry, sizeof(JEntry));
}

/* Writes a container's header and room for its entries; returns where these are. */
static int
begin_container(StringInfo buffer, uint32 header, int entry_count)
{
	int entries;

	if ((size_t) entry_count > MaxAllocSize / sizeof(JEntry))
		report_too_large("an array or object");
	appendBinaryStringInfo(buffer, (char *) &header, sizeof(header));
	enlargeStringInfo(buffer, entry_count * (int) sizeof(JEntry));
	entries = buffer->len;
	buffer->len += entry_count * (int) sizeof(JEntry);
	return entries;
}

/* jsonb's order of keys: by length, then by bytes; of equal ones the last comes first, which counts. */
static int
compare_members(const void *a, const void *b)
{
	const Member *x = a;
	const Member *y = b;
	int order;

	if (x->length != y->length)
		return x->length < y->length ? -1 : 1;
	order = memcmp(x->key, y->key, x->length);
	return order != 0 ? order : y->order - x->order;
}

/* Sorts the members; most objects are too small for qsort to pay. */
static void
sort_members(Member *members, int count)
{
	if (count > FEW_MEMBERS)
	{
		qsort(members, count, sizeof(Member), compare_members);
		return;
	}
	for (int i = 1; i < count; i++)
	{
		Member member = members[i];
		int j = i;

		for (; j > 0 && compare_members(&members[j - 1], &member) > 0; j--)
			members[j] = members[j - 1];
		members[j] = member;
	}
}

static void
write_object(StringInfo buffer, const VapiJson *json)
{
	Member few[FEW_MEMBERS];
	Member *members = few;
	int count = 0;
	int distinct = 0;
	int entries;
	size_t total = 0;

	for (const VapiJson *child = json->child; child != NULL; child = child->next)
	{
		if (child->dropped)
			continue;
		if (count == FEW_MEMBERS)
		{
			int all = vapi_json_count(json);

			if ((size_t) all > MaxAllocSize / sizeof(Member))
				report_too_large("an object");
			members = palloc(sizeof(Member) * all);
			memcpy(members, few, sizeof(few));
		}
		members[count].key = server_text(child->key, &members[count].length);
		members[count].value = child;
		members[count].order = count;
		count++;
	}
	sort_members(members, count);
	for (int i = 0; i < count; i++)
	{
		if (distinct == 0 || members[distinct - 1].length != members[i].length ||
			memcmp(members[distinct - 1].key, members[i].key, members[i].length) != 0)
			members[distinct++] = members[i];
	}

	entries = begin_container(buffer, (uint32) distinct | JB_FOBJECT, distinct * 2);
	for (int i = 0; i < distinct; i++)
	{
		appendBinaryStringInfo(buffer, members[i].key, (int) members[i].length);
		put_entry(buffer, entries, i, JENTRY_ISSTRING | (JEntry) members[i].length, &total);
	}
	for (int i = 0; i < distinct; i++)
		put_entry(buffer, entries, distinct + i, write_value(buffer, members[i].value), &total);
	if (members != few)
		pfree(members);
}

static void
write_array(StringInfo buffer, const VapiJson *json)
{
	int count = vapi_json_count(json);
	int entries = begin_container(buffer, (uint32) count | JB_FARRAY, count);
	size_t total = 0;
	int i = 0;

	for (const VapiJson *child = json->child; child != NULL; child = child->next)
		if (!child->dropped)
			put_entry(buffer, entries, i++, write_value(buffer, child), &total);
}

/* Writes a value and all below it; returns its entry: type and length, with the bytes it was aligned by. */
static JEntry
write_value(StringInfo buffer, const VapiJson *json)
{
	int start = buffer->len;

	switch (json->type)
	{
		case VAPI_JSON_FALSE:
			return JENTRY_ISBOOL_FALSE;
		case VAPI_JSON_TRUE:
			return JENTRY_ISBOOL_TRUE;
		case VAPI_JSON_STRING:
		{
			size_t length;
			const char *text = server_text(json->text, &length);

			appendBinaryStringInfo(buffer, text, (int) length);
			return JENTRY_ISSTRING | (JEntry) length;
		}
		case VAPI_JSON_NUMBER:
		{
			Numeric number = read_number(json->text);

			align(buffer);
			appendBinaryStringInfo(buffer, (char *) number, (int) VARSIZE_ANY(number));
			pfree(number);
			return JENTRY_ISNUMERIC | (JEntry) (buffer->len - start);
		}
		case VAPI_JSON_OBJECT:
		case VAPI_JSON_ARRAY:
			check_stack_depth();
			align(buffer);
			if (json->type == VAPI_JSON_OBJECT)
				write_object(buffer, json);
			else
				write_array(buffer, json);
			if ((size_t) (buffer->len - start) > JENTRY_OFFLENMASK)
				report_too_large("an array or object");
			return JENTRY_ISCONTAINER | (JEntry) (buffer->len - start);
		default:
			return JENTRY_ISNULL;
	}
}

/*
 * Written as jsonb stores it, in one pass: the server's own way over a tree of
 * JsonbValues took twice the time, a tenth of an import.
 */
Jsonb *
vapi_jsonb_from_tree(const VapiJson *json)
{
	StringInfoData buffer;

	initStringInfo(&buffer);
	buffer.len = VARHDRSZ;
	if (json->type == VAPI_JSON_OBJECT || json->type == VAPI_JSON_ARRAY)
		(void) write_value(&buffer, json);
	else
	{
		int entries = begin_container(&buffer, 1 | JB_FARRAY | JB_FSCALAR, 1);
		size_t total = 0;

		put_entry(&buffer, entries, 0, write_value(&buffer, json), &total);
	}
	SET_VARSIZE(buffer.data, buffer.len);
	return (Jsonb *) buffer.data;
}

/* A node of that value below parent; its text is a zero-terminated copy. */
static VapiJson *
add_node(VapiJson *parent, const char *key, VapiJsonType type)
{
	VapiJson *json = palloc0(sizeof(VapiJson));

	json->type = type;
	json->key = key;
	if (parent == NULL)
		return json;
	if (parent->last != NULL)
		parent->last->next = json;
	else
		parent->child = json;
	parent->last = json;
	return json;
}

static VapiJson *
add_scalar(VapiJson *parent, const char *key, const JsonbValue *value)
{
	VapiJson *json;

	switch (value->type)
	{
		case jbvString:
			json = add_node(parent, key, VAPI_JSON_STRING);
			json->text = pnstrdup(value->val.string.val, value->val.string.len);
			return json;
		case jbvNumeric:
			json = add_node(parent, key, VAPI_JSON_NUMBER);
			json->text = DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value->val.numeric)));
			return json;
		case jbvBool:
			return add_node(parent, key, value->val.boolean ? VAPI_JSON_TRUE : VAPI_JSON_FALSE);
		default:
			return add_node(parent, key, VAPI_JSON_NULL);
	}
}

VapiJson *
vapi_jsonb_to_tree(Jsonb *jsonb)
{
	JsonbIterator *iterator = JsonbIteratorInit(&jsonb->root);
	VapiJson *containers[VAPI_JSON_MAX_DEPTH];
	VapiJson *root = NULL;
	const char *key = NULL;
	int depth = 0;
	JsonbIteratorToken token;
	JsonbValue value;

	Assert(GetDatabaseEncoding() == PG_UTF8);
	while ((token = JsonbIteratorNext(&iterator, &value, false)) != WJB_DONE)
	{
		VapiJson *parent = depth > 0 ? containers[depth - 1] : NULL;

		switch (token)
		{
			case WJB_KEY:
				key = pnstrdup(value.val.string.val, value.val.string.len);
				break;
			case WJB_VALUE:
			case WJB_ELEM:
				parent = add_scalar(parent, key, &value);
				root = root == NULL ? parent : root;
				key = NULL;
				break;
			case WJB_BEGIN_ARRAY:
			case WJB_BEGIN_OBJECT:
				/* a scalar is kept as an array of one, which is not there */
				if (token == WJB_BEGIN_ARRAY && value.val.array.rawScalar)
					break;
				if (depth == VAPI_JSON_MAX_DEPTH)
					ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
									errmsg("could not read the jsonb value: nested deeper than %d levels",
										   VAPI_JSON_MAX_DEPTH)));
				containers[depth] =
					add_node(parent, key, token == WJB_BEGIN_ARRAY ? VAPI_JSON_ARRAY : VAPI_JSON_OBJECT);
				root = root == NULL ? containers[depth] : root;
				depth++;
				key = NULL;
				break;
			default:
				/* nor does that array end */
				depth = Max(depth - 1, 0);
				break;
		}
	}
	return root;
}
