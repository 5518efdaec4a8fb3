/*
 * The mirror of what calls refer to: assistants, squads, phone numbers.
 */
#ifndef VAPI_MIRROR_H
#define VAPI_MIRROR_H

#include "vapi_compat.h"

#include "vapi_client.h"
#include "vapi_json.h"

typedef enum VapiMirrorKind
{
	VAPI_MIRROR_ASSISTANT,
	VAPI_MIRROR_SQUAD,
	VAPI_MIRROR_PHONE_NUMBER
} VapiMirrorKind;

#define VAPI_MIRROR_KINDS 3

/* A page of objects of a kind, newest first. */
typedef struct VapiMirrorPage
{
	VapiJson *array; /* as Vapi sent it, with secrets */
	int64 date;		 /* Vapi's clock, microseconds since the Unix epoch; VAPI_TIME_NONE: not told */
	int64 before;	 /* where the next page begins */
	bool last;
} VapiMirrorPage;

/*
 * Asks for the page before that time (VAPI_TIME_NONE: the first). Palloc'd in
 * the current context; ereports as vapi_client_request, 22032 for an answer
 * that is no array.
 */
extern VapiMirrorPage vapi_mirror_page(VapiClient *client, VapiMirrorKind kind, int64 before);

/*
 * Takes the secrets out of a page and stores it; the last one also retires
 * what Vapi did not list in any page of that stamp (microseconds since the
 * Unix epoch). In the caller's store section.
 */
extern void vapi_mirror_store(VapiMirrorKind kind, const VapiMirrorPage *page, int64 stamp);

/* Notes that all kinds were read at that stamp; in the caller's store section. */
extern void vapi_mirror_note(int64 stamp);

/* Is it a day since all kinds were read? A transaction of its own. */
extern bool vapi_mirror_due(void);

/*
 * Reads all three kinds from Vapi if that was last done more than a day ago.
 * HTTP outside transactions, one short transaction a page. Returns NULL, or a
 * palloc'd sentence why one could not be read; the others are read all the
 * same. Throws cancels on. The process must be a worker outside any
 * transaction; context is reset, the result is in the current one.
 */
extern char *vapi_mirror_refresh(VapiClient *client, MemoryContext context);

#endif
