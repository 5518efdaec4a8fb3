/*
 * The mirror of what calls refer to: assistants, squads, phone numbers.
 */
#ifndef VAPI_MIRROR_H
#define VAPI_MIRROR_H

#include "vapi_compat.h"

#include "vapi_client.h"

/*
 * Reads all three kinds from Vapi if that was last done more than a day ago.
 * HTTP outside transactions, one short transaction a page. Returns NULL, or a
 * palloc'd sentence why one could not be read; the others are read all the
 * same. Throws cancels on. The process must be a worker outside any
 * transaction; context is reset, the result is in the current one.
 */
extern char *vapi_mirror_refresh(VapiClient *client, MemoryContext context);

#endif
