#include "vapi_compat.h"

#include "fmgr.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "vapi_conversation.h"
#include "vapi_jsonb.h"
#include "vapi_reason.h"
#include "vapi_score.h"

/* The argument as a tree, NULL for SQL NULL. */
static VapiJson *
tree_argument(FunctionCallInfo fcinfo, int argument)
{
	return PG_ARGISNULL(argument) ? NULL : vapi_jsonb_to_tree(PG_GETARG_JSONB_P(argument));
}

static char *
text_argument(FunctionCallInfo fcinfo, int argument)
{
	return PG_ARGISNULL(argument) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(argument));
}

/* -1 for SQL NULL. */
static double
number_argument(FunctionCallInfo fcinfo, int argument)
{
	return PG_ARGISNULL(argument) ? -1 : PG_GETARG_FLOAT8(argument);
}

/* The turns of messages, else of the transcript that is the next argument; the messages, NULL when it was the other. */
static const VapiJson *
read_turns(FunctionCallInfo fcinfo, int argument, VapiTurns *turns)
{
	const VapiJson *messages = tree_argument(fcinfo, argument);
	char *transcript;

	vapi_turns_of_messages(turns, messages);
	if (turns->count > 0)
		return messages;
	transcript = text_argument(fcinfo, argument + 1);
	if (transcript == NULL)
		return messages;
	vapi_turns_of_transcript(turns, transcript);
	return NULL;
}

PG_FUNCTION_INFO_V1(vapi_sales_score_conversation);

/*
 * SQL: vapi_internal.score_conversation(version, messages, transcript, ended_reason, reached, seconds, judged,
 * structured_outputs, structured_data). Memory is the caller's, and freed with it.
 */
Datum
vapi_sales_score_conversation(PG_FUNCTION_ARGS)
{
	VapiTurns turns = {0};
	VapiScoreSources sources = {text_argument(fcinfo, 3), PG_ARGISNULL(4) || PG_GETARG_BOOL(4),
								number_argument(fcinfo, 5), number_argument(fcinfo, 6), tree_argument(fcinfo, 7),
								tree_argument(fcinfo, 8)};

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	(void) read_turns(fcinfo, 1, &turns);
	return vapi_score_call(PG_GETARG_INT32(0), &turns, &sources);
}

PG_FUNCTION_INFO_V1(vapi_sales_read_conversation);

/*
 * SQL: vapi_internal.read_conversation(messages, transcript, categories, terms, voicemail, went_silent, reached,
 * seconds, judged, interruptions, latency). Memory is the caller's, and freed with it.
 */
Datum
vapi_sales_read_conversation(PG_FUNCTION_ARGS)
{
	VapiTurns turns = {0};
	const VapiJson *messages;
	VapiQualityFacts facts = {number_argument(fcinfo, 8),
							  number_argument(fcinfo, 7),
							  PG_ARGISNULL(9) ? -1 : PG_GETARG_INT32(9),
							  number_argument(fcinfo, 10),
							  PG_ARGISNULL(6) || PG_GETARG_BOOL(6),
							  !PG_ARGISNULL(4) && PG_GETARG_BOOL(4),
							  !PG_ARGISNULL(5) && PG_GETARG_BOOL(5),
							  {-1, -1, -1, -1}};

	if (PG_ARGISNULL(2) || PG_ARGISNULL(3))
		PG_RETURN_NULL();
	messages = read_turns(fcinfo, 0, &turns);
	return vapi_conversation_read(&turns, messages, PG_GETARG_ARRAYTYPE_P(2), PG_GETARG_ARRAYTYPE_P(3), &facts);
}

PG_FUNCTION_INFO_V1(vapi_sales_read_call);

/*
 * SQL: vapi_internal.read_call(version, messages, transcript, ended_reason, reached, seconds, judged,
 * structured_outputs, structured_data, categories, terms, interruptions, latency), which parses the messages
 * once for both. Memory is the caller's, and freed with it.
 */
Datum
vapi_sales_read_call(PG_FUNCTION_ARGS)
{
	TupleDesc columns;
	VapiTurns turns = {0};
	const VapiJson *messages = read_turns(fcinfo, 1, &turns);
	VapiScoreSources sources = {text_argument(fcinfo, 3), PG_ARGISNULL(4) || PG_GETARG_BOOL(4),
								number_argument(fcinfo, 5), number_argument(fcinfo, 6), tree_argument(fcinfo, 7),
								tree_argument(fcinfo, 8)};
	VapiQualityFacts facts = {sources.judged,
							  sources.seconds,
							  PG_ARGISNULL(11) ? -1 : PG_GETARG_INT32(11),
							  number_argument(fcinfo, 12),
							  sources.human,
							  sources.ended_reason != NULL &&
								  strcmp(vapi_reason_classify(sources.ended_reason)->family, "voicemail") == 0,
							  sources.ended_reason != NULL && strcmp(sources.ended_reason, "silence-timed-out") == 0,
							  {-1, -1, -1, -1}};
	Datum values[2] = {0};
	bool nulls[2] = {PG_ARGISNULL(0), PG_ARGISNULL(9) || PG_ARGISNULL(10)};

	if (get_call_result_type(fcinfo, NULL, &columns) != TYPEFUNC_COMPOSITE)
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH), errmsg("read_call returns a record")));
	if (!nulls[0])
		values[0] = vapi_score_call(PG_GETARG_INT32(0), &turns, &sources);
	if (!nulls[1])
		values[1] = vapi_conversation_read(&turns, messages, PG_GETARG_ARRAYTYPE_P(9),
										   PG_GETARG_ARRAYTYPE_P(10), &facts);
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(columns), values, nulls));
}
