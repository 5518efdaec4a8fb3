/*
 * The plan's Phase 1 on tables of the user's own (vapi_internal.call_mirror):
 * what touches such a table runs as its owner, security-restricted, so that
 * its triggers, defaults and constraints never run with our rights.
 */
#ifndef VAPI_EXTEND_H
#define VAPI_EXTEND_H

#include "vapi_compat.h"

/*
 * Takes at most that many changes (or, when all calls have to be gone over,
 * calls) to each extended table, in the caller's transaction; returns how many
 * in all, 0 when none waits, none can be written now, or another session is
 * at it. What goes wrong with a table, or with a call in it, is noted in
 * vapi_internal.mirror_error. ereports cancels (57014) and failures of our own
 * tables only. Makes deferrable constraints immediate for the rest of the
 * transaction. Waits 2 s for a lock and takes at most 60 s a table.
 */
extern int vapi_extend_step(int most);

#endif
