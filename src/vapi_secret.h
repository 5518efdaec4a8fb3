/*
 * Secrets are files: secrets_directory/<database>/<name>, else
 * secrets_directory/<name>.
 */
#ifndef VAPI_SECRET_H
#define VAPI_SECRET_H

#include "vapi_compat.h"

/*
 * The content of the secret file, without final white space, palloc'd in the
 * current context; the caller wipes it with vapi_secret_wipe. Errors
 * (ERRCODE_VAPI_SECRET, with DETAIL and HINT, never with content):
 * secrets_directory unset, file missing, empty, larger than 64 kB, not a regular
 * file, writable by group or accessible by others (mode beyond 0640), or
 * owned by neither root nor the server's user; a value with a control
 * character. missing_ok: NULL instead of the error for a missing file or an
 * unset directory. database is MyDatabaseId's name; needs a transaction or a
 * connected worker only for that name, which the caller passes.
 */
extern char *vapi_secret_read(const char *database, const char *name, bool missing_ok);

/* Overwrites and frees a secret. NULL is allowed. */
extern void vapi_secret_wipe(char *secret);

/* Modification stamp of the file a read would use (mtime, size, inode mixed); 0 when there is none. */
extern uint64 vapi_secret_stamp(const char *database, const char *name);

#endif
