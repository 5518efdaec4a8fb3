/*
 * The step that does what is due in sequences and follow-ups.
 */
#ifndef VAPI_SEQUENCE_H
#define VAPI_SEQUENCE_H

#include "vapi_compat.h"

#include "vapi_step.h"

/*
 * Claims follow-ups that are due, in batches, has them delivered, and asks
 * Vapi for the calls among them: claim and commit, request, store and commit.
 * A request whose outcome is not known is never repeated; its call is looked
 * for instead. Nothing in a copy of the database. work->done counts
 * follow-ups. A worker outside any transaction; ereports what keeps all calls
 * from being made (28000, 08001, VS001, VS002), and what SQL ereports.
 */
extern void vapi_sequence_take(VapiStepWork *work);

#endif
