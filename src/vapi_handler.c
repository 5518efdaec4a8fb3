#include "vapi_handler.h"

Jsonb *
vapi_handler_answer(int64 event_id, const char *call_id, const char *type, Jsonb *body)
{
	return NULL;
}
