/*
 * The step that keeps recordings here before Vapi deletes them. A recording
 * comes into a temporary file, outside any transaction and piece by piece, and
 * from there into its parts in one transaction: there is the whole of it or
 * nothing, whatever ends the worker, and no audio is in memory as a whole.
 */
#ifndef VAPI_ARCHIVE_H
#define VAPI_ARCHIVE_H

#include "vapi_compat.h"

#include "vapi_step.h"

/* Is vapi_sales.archive_recordings off? */
extern bool vapi_archive_off(void);

/*
 * Notes which recordings are to be kept (vapi_internal.archive_choose), then
 * fetches those that are due, the oldest calls first, as long as there is time;
 * counts the recordings that it has stored. What is the matter with one recording
 * puts that one off; what keeps all from being fetched is ereported, as is 53100
 * and the like for the temporary file. Beyond vapi_sales.archive_quota nothing is
 * stored. Nothing without an API key.
 */
extern void vapi_archive_take(VapiStepWork *work);

#endif
