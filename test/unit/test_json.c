/* links: vapi_json vapi_token */
#include "vapi_json.h"

#include "common/jsonapi.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "tap.h"

/* A zero byte inside is possible with an explicit length. */
static VapiJson *
parse_bytes(const char *text, size_t length, VapiJsonReport *report)
{
	/* exactly as long as the text, so that ASAN sees a read behind it */
	char *copy = palloc(length > 0 ? length : 1);
	VapiJson *json;

	memcpy(copy, text, length);
	json = vapi_json_parse(copy, length, report);
	pfree(copy);
	return json;
}

static VapiJson *
parse(const char *text, VapiJsonReport *report)
{
	return parse_bytes(text, strlen(text), report);
}

/* Whether PostgreSQL's own parser accepts the text. */
static bool
postgres_accepts(const char *text)
{
	char *copy = pg_strdup(text);
	JsonLexContext *lexer = makeJsonLexContextCstringLen(copy, (int) strlen(copy), PG_UTF8, false);
	bool accepts = pg_parse_json(lexer, &nullSemAction) == JSON_SUCCESS;

	pfree(lexer);
	pfree(copy);
	return accepts;
}

/* Writes a tree in one line, with the types visible, for comparisons. */
static void
write_tree(StringInfo out, const VapiJson *json)
{
	if (json->key != NULL)
		appendStringInfo(out, "%s=", json->key);
	switch (json->type)
	{
		case VAPI_JSON_NULL:
			appendStringInfoString(out, "null");
			break;
		case VAPI_JSON_FALSE:
			appendStringInfoString(out, "false");
			break;
		case VAPI_JSON_TRUE:
			appendStringInfoString(out, "true");
			break;
		case VAPI_JSON_NUMBER:
			appendStringInfoString(out, json->text);
			break;
		case VAPI_JSON_STRING:
			appendStringInfo(out, "'%s'", json->text);
			break;
		case VAPI_JSON_ARRAY:
		case VAPI_JSON_OBJECT:
			appendStringInfoChar(out, json->type == VAPI_JSON_ARRAY ? '[' : '{');
			for (const VapiJson *child = json->child; child != NULL; child = child->next)
			{
				write_tree(out, child);
				if (child->next != NULL)
					appendStringInfoChar(out, ',');
			}
			appendStringInfoChar(out, json->type == VAPI_JSON_ARRAY ? ']' : '}');
			break;
	}
}

typedef struct TreeCase
{
	const char *text;
	const char *tree;
	int replaced;
} TreeCase;

#define FFFD "\xef\xbf\xbd"

static const TreeCase tree_cases[] = {
	{"{}", "{}", 0},
	{" [ ] ", "[]", 0},
	{"null", "null", 0},
	{"\"a\"", "'a'", 0},
	{"-0.5e-3", "-0.5e-3", 0},
	{"[1,true,false,null,\"\",{\"a\":[{}]}]", "[1,true,false,null,'',{a=[{}]}]", 0},
	{"{\"a\":1,\"b\":{\"c\":[2,3]},\"d\":\"e\"}", "{a=1,b={c=[2,3]},d='e'}", 0},
	{"{\"a\":1,\"a\":2}", "{a=1,a=2}", 0},
	{"[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]", "['\"\\/\b\f\n\r\t']", 0},
	{"[\"\\u0041\\u00e9\\u20ac\\ud83d\\ude00\"]", "['A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80']", 0},
	{"[\"\\uD83D\\uDE00\"]", "['\xf0\x9f\x98\x80']", 0},
	{"{\"k\\u0065y\":1}", "{key=1}", 0},
	{"[9007199254740993]", "[9007199254740993]", 0},
	{"[0.1000000000000000055511151231257827021181583404541015625]",
	 "[0.1000000000000000055511151231257827021181583404541015625]", 0},

	/* what jsonb refuses */
	{"[\"a\\u0000b\"]", "['a" FFFD "b']", 1},
	{"[\"\\\\u0000\"]", "['\\u0000']", 0},
	{"[\"\\\\\\u0000\"]", "['\\" FFFD "']", 1},
	{"[\"\\ud83d\"]", "['" FFFD "']", 1},
	{"[\"\\ude00\"]", "['" FFFD "']", 1},
	{"[\"\\ud83dx\\ude00\"]", "['" FFFD "x" FFFD "']", 2},
	{"[\"\\ud83d\\ud83d\\ude00\"]", "['" FFFD "\xf0\x9f\x98\x80']", 1},
	{"[\"\\ude00\\ud83d\"]", "['" FFFD FFFD "']", 2},
	{"[\"\\ud83d\\u0041\"]", "['" FFFD "A']", 1},
	{"[\"\\ud83d\\\\ude00\"]", "['" FFFD "\\ude00']", 1},
	{"{\"\\u0000\":\"\\u0000\"}", "{" FFFD "='" FFFD "'}", 2},
	{"[\"a\xff\xc3(b\"]", "['a?"
						  "?(b']",
	 2},
	{"[\"\xed\xa0\x80\"]", "['?"
						   "?"
						   "?']",
	 3},
	{"[\"\xc0\x80\"]", "['?"
					   "?']",
	 2},
	{"[\"\xf4\x90\x80\x80\"]", "['?"
							   "?"
							   "?"
							   "?']",
	 4},
	{"[\"\xe2\x82\"]", "['?"
					   "?']",
	 2},
	{"[\"0123456789012345678901234567890123456789\xfe"
	 "0123456789012345678901234567890123456789\"]",
	 "['0123456789012345678901234567890123456789?0123456789012345678901234567890123456789']", 1},

	/* numbers beyond numeric become text; the bounds are numeric's */
	{"[1e999999]", "['1e999999']", 0},
	{"[-1E+131072]", "['-1E+131072']", 0},
	{"[1e131071]", "[1e131071]", 0},
	{"[1e-16383]", "[1e-16383]", 0},
	{"[1e-16384]", "['1e-16384']", 0},
	{"[0.1e-16383]", "['0.1e-16383']", 0},
	{"[1e99999999999999999999]", "['1e99999999999999999999']", 0},
};

/* Texts that are no JSON, and where the error is. */
typedef struct ErrorCase
{
	const char *text;
	const char *error;
	size_t at;
} ErrorCase;

static const ErrorCase error_cases[] = {
	{"", "ends too early", 0},
	{"  ", "ends too early", 2},
	{"{", "ends too early", 1},
	{"[", "ends too early", 1},
	{"[1", "ends too early", 2},
	{"[1,", "ends too early", 3},
	{"{\"a\"", "ends too early", 4},
	{"{\"a\":", "ends too early", 5},
	{"{\"a\":1", "ends too early", 6},
	{"{\"a\":1,", "ends too early", 7},
	{"[1,]", "a value is missing", 3},
	{"[,1]", "a value is missing", 1},
	{"{,}", "a member's name is missing", 1},
	{"{\"a\":1,}", "a member's name is missing", 7},
	{"{1:2}", "a member's name is missing", 1},
	{"{\"a\" 1}", "a colon is missing", 5},
	{"{\"a\":}", "a value is missing", 5},
	{"{\"a\":1 \"b\":2}", "a comma or the end of a list is missing", 7},
	{"[1 2]", "a comma or the end of a list is missing", 3},
	{"[1}", "a comma or the end of a list is missing", 2},
	{"{\"a\":1]", "a comma or the end of a list is missing", 6},
	{"{]", "a member's name is missing", 1},
	{"[}", "a value is missing", 1},
	{"1 2", "something follows the end", 2},
	{"{} x", "a token is invalid or incomplete", 3},
	{"{}{}", "something follows the end", 2},
	{"]", "a value is missing", 0},
	{":", "a value is missing", 0},
	{"[01]", "a token is invalid or incomplete", 1},
	{"[1.]", "a token is invalid or incomplete", 1},
	{"[1e]", "a token is invalid or incomplete", 1},
	{"[+1]", "a token is invalid or incomplete", 1},
	{"[NaN]", "a token is invalid or incomplete", 1},
	{"[Infinity]", "a token is invalid or incomplete", 1},
	{"[tru]", "a token is invalid or incomplete", 1},
	{"[True]", "a token is invalid or incomplete", 1},
	{"['a']", "a token is invalid or incomplete", 1},
	{"[\"a]", "a token is invalid or incomplete", 1},
	{"[\"a\\\"]", "a token is invalid or incomplete", 1},
	{"[\"\\x41\"]", "an escape is invalid", 3},
	{"[\"\\u12g4\"]", "an escape is invalid", 1},
	{"[\"\\u12\"]", "an escape is invalid", 1},
	{"[\"a\nb\"]", "a control character is not escaped", 1},
	{"\\u0000", "a token is invalid or incomplete", 0},
	{"<html></html>", "a token is invalid or incomplete", 0},
	{"\xef\xbb\xbf{}", "a token is invalid or incomplete", 0},
};

static void
test_trees(void)
{
	for (size_t i = 0; i < lengthof(tree_cases); i++)
	{
		VapiJsonReport report;
		VapiJson *json = parse(tree_cases[i].text, &report);
		StringInfoData out;

		initStringInfo(&out);
		if (json != NULL)
			write_tree(&out, json);
		tap_same(out.data, tree_cases[i].tree, "tree");
		tap_ok(report.error == NULL && report.replaced == tree_cases[i].replaced, "%d replaced", report.replaced);
		pfree(out.data);
		vapi_json_free(json);
	}
}

static void
test_errors(void)
{
	VapiJsonReport report;

	for (size_t i = 0; i < lengthof(error_cases); i++)
	{
		VapiJson *json = parse(error_cases[i].text, &report);

		tap_ok(json == NULL, "refused: %s", i < 2 ? "empty" : error_cases[i].error);
		tap_same(report.error, error_cases[i].error, "its reason");
		tap_equal(report.error_at, error_cases[i].at, "its place");
		tap_ok(!postgres_accepts(error_cases[i].text), "PostgreSQL refuses it too");
	}
	tap_ok(parse_bytes("[\"a\0b\"]", 7, &report) == NULL, "a zero byte in a string");
	tap_ok(parse_bytes("[1]\0", 4, &report) == NULL, "a zero byte behind the end");
	tap_ok(parse_bytes("[1\0]", 4, &report) == NULL, "a zero byte between");
}

/* Every prefix of a text and every text with one byte gone gets PostgreSQL's answer. */
static void
test_against_postgres(void)
{
	static const char text[] = "{\"a\":[1,-2.5e+3,true,false,null,\"x\\u00e9\\n\"],\"b\":{},\"c\":[[],{\"d\":\"\"}]} ";
	int wrong = 0;
	int cases = 0;

	for (size_t cut = 0; cut < sizeof(text); cut++)
	{
		for (size_t skip = 0; skip <= cut; skip++)
		{
			char variant[sizeof(text)];
			VapiJsonReport report;
			VapiJson *json;

			memcpy(variant, text, cut);
			variant[cut] = '\0';
			if (skip < cut)
				memmove(variant + skip, variant + skip + 1, cut - skip);
			json = parse(variant, &report);
			if ((json != NULL) != postgres_accepts(variant) && wrong++ < 5)
				printf("# differs: %s\n", variant);
			if ((json == NULL) != (report.error != NULL))
				wrong++;
			vapi_json_free(json);
			cases++;
		}
	}
	tap_ok(wrong == 0 && cases > 2000, "%d mutilated texts, as PostgreSQL judges them", cases);
}

/* A text of that many [ or {"a": around a 1, and their ends. */
static char *
nested(int depth, bool objects)
{
	StringInfoData out;

	initStringInfo(&out);
	for (int i = 0; i < depth; i++)
		appendStringInfoString(&out, objects ? "{\"a\":" : "[");
	appendStringInfoChar(&out, '1');
	for (int i = 0; i < depth; i++)
		appendStringInfoChar(&out, objects ? '}' : ']');
	return out.data;
}

static void
test_depth(void)
{
	for (int objects = 0; objects <= 1; objects++)
	{
		static const int depths[] = {1, 20, VAPI_JSON_MAX_DEPTH, VAPI_JSON_MAX_DEPTH + 1, 300, 100000};

		for (size_t i = 0; i < lengthof(depths); i++)
		{
			char *text = nested(depths[i], objects != 0);
			VapiJsonReport report;
			VapiJson *json = parse(text, &report);

			if (depths[i] <= VAPI_JSON_MAX_DEPTH)
				tap_ok(json != NULL && report.error == NULL, "depth %d", depths[i]);
			else
			{
				tap_ok(json == NULL, "depth %d is refused", depths[i]);
				tap_same(report.error, "nested too deeply", "its reason");
			}
			vapi_json_free(json);
			pfree(text);
		}
	}
}

static void
test_access(void)
{
	static const char text[] =
		"{\"a\":{\"b\":{\"c\":\"deep\",\"n\":1.50}},\"s\":\"x\",\"e\":\"\",\"n\":12,\"z\":null,\"t\":true,"
		"\"twice\":1,\"twice\":\"last\",\"list\":[1,2,3],\"ab\":\"longer name\",\"obj\":{\"x\":1,\"y\":2},\"obj.x\":7}";
	VapiJsonReport report;
	VapiJson *json = parse(text, &report);

	tap_same(vapi_json_string(json, "s"), "x", "a string");
	tap_same(vapi_json_string(json, "e"), NULL, "an empty string is missing");
	tap_same(vapi_json_string(json, "n"), NULL, "a number is no string");
	tap_same(vapi_json_string(json, "z"), NULL, "null is no string");
	tap_same(vapi_json_string(json, "none"), NULL, "a missing string");
	tap_same(vapi_json_number(json, "n"), "12", "a number");
	tap_same(vapi_json_number(json, "s"), NULL, "a string is no number");
	tap_same(vapi_json_string(json, "a.b.c"), "deep", "a path");
	tap_same(vapi_json_number(json, "a.b.n"), "1.50", "a number keeps its digits");
	tap_same(vapi_json_string(json, "a.b.c.d"), NULL, "a path through a string");
	tap_same(vapi_json_string(json, "a.x.c"), NULL, "a path through nothing");
	tap_same(vapi_json_string(json, "list.0"), NULL, "a path through an array");
	tap_same(vapi_json_number(json, "obj.x"), "1", "a dot separates, it is no part of a name");
	tap_same(vapi_json_string(json, "twice"), "last", "the last of two members counts");
	tap_ok(vapi_json_get(json, "a") != NULL && vapi_json_get(json, "a")->type == VAPI_JSON_OBJECT,
		   "a name is not taken for its prefix");
	tap_ok(vapi_json_get(json, "") == NULL && vapi_json_get(NULL, "a") == NULL && vapi_json_path(NULL, "a.b") == NULL,
		   "nothing of nothing");
	tap_equal(vapi_json_count(vapi_json_get(json, "list")), 3, "count of an array");
	tap_equal(vapi_json_count(vapi_json_get(json, "obj")), 2, "count of an object");
	tap_equal(vapi_json_count(vapi_json_get(json, "s")), 0, "count of a scalar");
	tap_equal(vapi_json_count(NULL), 0, "count of nothing");

	vapi_json_get(json, "list")->child->dropped = true;
	tap_equal(vapi_json_count(vapi_json_get(json, "list")), 2, "what is dropped does not count");
	vapi_json_get(json, "s")->dropped = true;
	tap_same(vapi_json_string(json, "s"), NULL, "what is dropped is not found");
	vapi_json_free(json);
	vapi_json_free(NULL);
}

/* Many blocks, long strings between short ones, a root that is one long string. */
static void
test_size(void)
{
	StringInfoData text;
	VapiJsonReport report;
	VapiJson *json;
	int wrong = 0;
	int at = 0;

	initStringInfo(&text);
	appendStringInfoChar(&text, '[');
	for (int i = 0; i < 2000; i++)
	{
		int length = i % 100 == 99 ? 100000 : i % 50;

		appendStringInfo(&text, "%s{\"i\":%d,\"s\":\"", i > 0 ? "," : "", i);
		for (int j = 0; j < length; j++)
			appendStringInfoChar(&text, 'a' + i % 26);
		appendStringInfoString(&text, "\"}");
	}
	appendStringInfoChar(&text, ']');
	json = parse_bytes(text.data, text.len, &report);
	for (VapiJson *item = json == NULL ? NULL : json->child; item != NULL; item = item->next, at++)
	{
		const VapiJson *string = vapi_json_get(item, "s");
		size_t length = at % 100 == 99 ? 100000 : at % 50;

		if (atoi(vapi_json_number(item, "i")) != at || strlen(string->text) != length ||
			(length > 0 && (string->text[0] != 'a' + at % 26 || string->text[length - 1] != 'a' + at % 26)))
			wrong++;
	}
	tap_ok(wrong == 0 && at == 2000, "%d MB of strings", text.len / 1000000);
	vapi_json_free(json);

	resetStringInfo(&text);
	appendStringInfoChar(&text, '"');
	for (int i = 0; i < 3000000; i++)
		appendStringInfoString(&text, "\\n");
	appendStringInfoChar(&text, '"');
	json = parse_bytes(text.data, text.len, &report);
	tap_ok(json != NULL && strlen(json->text) == 3000000, "one long string");
	vapi_json_free(json);
	pfree(text.data);
}

int
main(void)
{
	test_trees();
	test_errors();
	test_against_postgres();
	test_depth();
	test_access();
	test_size();
	return tap_done();
}
