/*
 * Trees to jsonb and back to text, inside the server.
 */
#ifndef VAPI_JSONB_H
#define VAPI_JSONB_H

#include "vapi_compat.h"

#include "utils/jsonb.h"
#include "vapi_json.h"

/*
 * The tree without its dropped nodes as jsonb, palloc'd in the current
 * context. ereports 54000 when a string or the whole is beyond jsonb's limits.
 */
extern Jsonb *vapi_jsonb_from_tree(const VapiJson *json);

/*
 * The tree of what is already stored or was given as an argument; what
 * vapi_json_parse makes of its text, without the detour. Current context.
 * ereports 54000 beyond VAPI_JSON_MAX_DEPTH.
 */
extern VapiJson *vapi_jsonb_to_tree(Jsonb *jsonb);

#endif
