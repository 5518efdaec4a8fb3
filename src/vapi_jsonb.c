#include "vapi_jsonb.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

/* jsonb's own limit of one string, jsonb_util.c JENTRY_OFFLENMASK */
#define JSONB_STRING_MAX 0x0FFFFFFF

/* A string of the tree, which is UTF-8, as a jsonb string in the database's encoding. */
static void
string_value(const char *text, JsonbValue *value)
{
	size_t length = strlen(text);

	if (length > JSONB_STRING_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("string of %zu bytes is too long for jsonb", length)));
	if (GetDatabaseEncoding() != PG_UTF8)
	{
		text = pg_any_to_server(text, (int) length, PG_UTF8);
		length = strlen(text);
	}
	value->type = jbvString;
	value->val.string.val = unconstify(char *, text);
	value->val.string.len = (int) length;
}

/* The value of a node that has no children. */
static void
scalar_value(const VapiJson *json, JsonbValue *value)
{
	switch (json->type)
	{
		case VAPI_JSON_FALSE:
		case VAPI_JSON_TRUE:
			value->type = jbvBool;
			value->val.boolean = json->type == VAPI_JSON_TRUE;
			break;
		case VAPI_JSON_NUMBER:
			value->type = jbvNumeric;
			value->val.numeric = DatumGetNumeric(DirectFunctionCall3(numeric_in, CStringGetDatum(json->text),
																	 ObjectIdGetDatum(InvalidOid),
																	 Int32GetDatum(-1)));
			break;
		case VAPI_JSON_STRING:
			string_value(json->text, value);
			break;
		default:
			value->type = jbvNull;
			break;
	}
}

/* Pushes json and all below it; token says whether it is an element or a member's value. */
static JsonbValue *
push_tree(JsonbParseState **state, const VapiJson *json, JsonbIteratorToken token)
{
	bool object = json->type == VAPI_JSON_OBJECT;
	JsonbValue value;

	check_stack_depth();
	if (!object && json->type != VAPI_JSON_ARRAY)
	{
		scalar_value(json, &value);
		return pushJsonbValue(state, token, &value);
	}

	pushJsonbValue(state, object ? WJB_BEGIN_OBJECT : WJB_BEGIN_ARRAY, NULL);
	for (const VapiJson *child = json->child; child != NULL; child = child->next)
	{
		if (child->dropped)
			continue;
		if (object)
		{
			string_value(child->key, &value);
			pushJsonbValue(state, WJB_KEY, &value);
		}
		push_tree(state, child, object ? WJB_VALUE : WJB_ELEM);
	}
	return pushJsonbValue(state, object ? WJB_END_OBJECT : WJB_END_ARRAY, NULL);
}

Jsonb *
vapi_jsonb_from_tree(const VapiJson *json)
{
	JsonbParseState *state = NULL;
	JsonbValue scalar;

	if (json->type == VAPI_JSON_OBJECT || json->type == VAPI_JSON_ARRAY)
		return JsonbValueToJsonb(push_tree(&state, json, WJB_ELEM));
	scalar_value(json, &scalar);
	return JsonbValueToJsonb(&scalar);
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
