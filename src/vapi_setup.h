/*
 * Set-up: what Vapi's assistants, squads and phone numbers are configured to
 * do, and changes of their servers. What is right or wrong is judged in SQL
 * (sql/34_setup_functions.sql).
 */
#ifndef VAPI_SETUP_H
#define VAPI_SETUP_H

#include "vapi_compat.h"

#include "utils/jsonb.h"

/*
 * All return palloc'd jsonb without secrets.
 *
 * A fact is {"object": what Vapi shows, cut to what set-up looks at,
 * "secret": do its server's requests authenticate themselves in some way, null
 * when Vapi does not tell, "secretHidden": by a secret that Vapi does not
 * show, "credential": by what a shared secret must not be added to,
 * "urlHidden": its server's URL had something that is not shown}.
 */

/*
 * {"publicUrl", "allowPrivateHosts", "requestsPerMinute", "pageSize",
 * "webhookSecret": "set", "missing" or why it cannot be read}.
 */
extern Jsonb *vapi_setup_settings(void);

/*
 * {"assistants": [fact], "squads": [fact], "phoneNumbers": [fact],
 * "clockSkewMs": Vapi's clock minus ours}; each list is missing when it could
 * not be read, and "failure" {"sqlstate", "message", "detail", "hint"} says
 * why. store: into the mirror, too, unless they belong to another
 * organisation. In the caller's transaction; ereports 25006 in a read-only
 * one, 57014, and what is no answer of Vapi.
 */
extern Jsonb *vapi_setup_facts(bool store);

/*
 * PATCH of one object (kind "assistant" or "phone-number"). Of patch's member
 * "server" what is not given stays as it is at Vapi; secret: the content of
 * secret file webhook_secret is sent with it. Returns the fact of the answer.
 * ereports as vapi_client_request, ERRCODE_VAPI_SECRET, 22032; an error never
 * quotes the secret or a header.
 */
extern Jsonb *vapi_setup_patch(const char *kind, const char *id, Jsonb *patch, bool secret);

#endif
