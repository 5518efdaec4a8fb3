/*
 * Observations as text, "source=4|call_id=...|...", with only what is present:
 * so a comparison also sees what should not be there.
 */
#ifndef OBSERVATION_H
#define OBSERVATION_H

#include "lib/stringinfo.h"
#include "vapi_map.h"
#include "vapi_reason.h"

/* Appends a tree as JSON-like text without what is dropped. */
static void
append_tree(StringInfo out, const VapiJson *json)
{
	static const char *const words[] = {"null", "false", "true"};
	const char *separator = "";

	if (json->type <= VAPI_JSON_TRUE)
		appendStringInfoString(out, words[json->type]);
	else if (json->type == VAPI_JSON_NUMBER)
		appendStringInfoString(out, json->text);
	else if (json->type == VAPI_JSON_STRING)
		appendStringInfo(out, "'%s'", json->text);
	else
	{
		appendStringInfoChar(out, json->type == VAPI_JSON_ARRAY ? '[' : '{');
		for (const VapiJson *child = json->child; child != NULL; child = child->next)
		{
			if (child->dropped)
				continue;
			appendStringInfoString(out, separator);
			if (child->key != NULL)
				appendStringInfo(out, "%s:", child->key);
			append_tree(out, child);
			separator = ",";
		}
		appendStringInfoChar(out, json->type == VAPI_JSON_ARRAY ? ']' : '}');
	}
}

/* Appends an observation; with_trees: also what its trees hold, else how many members or elements they have. */
static void
append_observation(StringInfo out, const VapiObservation *observation, bool with_trees)
{
	const VapiObservation *o = observation;
	char buffer[VAPI_TIME_SIZE];
	const struct
	{
		const char *name;
		const char *value;
	} texts[] = {
		{"call_id", o->call_id},
		{"org_id", o->org_id},
		{"type", o->type},
		{"name", o->name},
		{"assistant_id", o->assistant_id},
		{"assistant_version", o->assistant_version},
		{"squad_id", o->squad_id},
		{"phone_number_id", o->phone_number_id},
		{"customer_id", o->customer_id},
		{"customer_number", o->customer_number},
		{"customer_name", o->customer_name},
		{"campaign_id", o->campaign_id},
		{"status", o->vapi_status},
		{"reported_duration", o->reported_duration},
		{"ended_reason", o->ended_reason},
		{"ended_message", o->ended_message},
		{"cost", o->cost},
		{"summary", o->summary},
		{"success", o->success_evaluation},
		{"outcome", o->reported_outcome},
		{"score", o->reported_score},
		{"transcript", o->transcript},
		{"mono", o->recording_mono},
		{"stereo", o->recording_stereo},
		{"customer", o->recording_customer},
		{"assistant", o->recording_assistant},
		{"video", o->recording_video},
	};
	const struct
	{
		const char *name;
		int64 value;
	} times[] = {
		{"created_at", o->created_at},
		{"updated_at", o->updated_at},
		{"started_at", o->started_at},
		{"ended_at", o->ended_at},
	};
	const struct
	{
		const char *name;
		const VapiJson *value;
	} trees[] = {
		{"messages", o->messages},
		{"analysis", o->analysis},
		{"structured_outputs", o->structured_outputs},
		{"scorecards", o->scorecards},
		{"performance", o->performance_metrics},
		{"transfers", o->transfers},
		{"metadata", o->metadata},
		{"variables", o->variable_values},
		{"costs", o->cost_items},
		{"breakdown", o->cost_breakdown},
		{"raw", o->raw},
	};

	appendStringInfo(out, "source=%d|ms=" INT64_FORMAT, (int) o->source, o->source_ms);
	for (size_t i = 0; i < lengthof(texts); i++)
	{
		if (texts[i].value != NULL)
			appendStringInfo(out, "|%s=%s", texts[i].name, texts[i].value);
	}
	for (size_t i = 0; i < lengthof(times); i++)
	{
		if (times[i].value != VAPI_TIME_NONE)
			appendStringInfo(out, "|%s=%s", times[i].name, vapi_time_format(times[i].value, buffer));
	}
	if (o->ended_reason != NULL)
		appendStringInfo(out, "|family=%s/%s", vapi_reason_classify(o->ended_reason)->family,
						 vapi_reason_classify(o->ended_reason)->status);
	if (o->turns >= 0 || o->user_turns >= 0)
		appendStringInfo(out, "|turns=%d/%d", o->turns, o->user_turns);
	for (size_t i = 0; i < lengthof(trees); i++)
	{
		if (trees[i].value == NULL)
			continue;
		appendStringInfo(out, "|%s=", trees[i].name);
		if (with_trees)
			append_tree(out, trees[i].value);
		else
			appendStringInfo(out, "%d", vapi_json_count(trees[i].value));
	}
}

#endif
