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

VapiJson *
vapi_jsonb_to_tree(Jsonb *jsonb)
{
	char *text = JsonbToCString(NULL, &jsonb->root, VARSIZE(jsonb));
	VapiJsonReport report;
	VapiJson *json;

	if (GetDatabaseEncoding() != PG_UTF8)
		text = pg_server_to_any(text, (int) strlen(text), PG_UTF8);
	json = vapi_json_parse(text, strlen(text), &report);
	if (json == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("could not read the jsonb value: %s", report.error)));
	return json;
}
