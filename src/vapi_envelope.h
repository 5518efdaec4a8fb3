/*
 * Small JSON of vendors, read and written with cJSON: error bodies and
 * request envelopes. Call payloads never pass here (vapi_json.h keeps big
 * numbers and rejects what jsonb rejects).
 */
#ifndef VAPI_ENVELOPE_H
#define VAPI_ENVELOPE_H

#include "vapi_compat.h"

/*
 * The human part of an error answer: NestJS {"message": string | [string],
 * "error", "statusCode"}, else the start of a text body; HTML bodies become
 * "an HTML page". Masked by vapi_error_text; palloc'd; never NULL.
 */
extern char *vapi_envelope_error(const char *body, size_t length, const char *content_type);

#endif
