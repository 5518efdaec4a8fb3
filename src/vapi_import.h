/*
 * The walk of an import: page after page from Vapi, newest to oldest, into the
 * merge. HTTP outside any transaction, then one short transaction a page.
 */
#ifndef VAPI_IMPORT_H
#define VAPI_IMPORT_H

#include "vapi_compat.h"

#include "vapi_client.h"
#include "vapi_sync.h"

/* Told after each page and each wait; what is NULL or what the walk waits for, wait_ms how long. */
typedef void (*VapiImportProgress)(void *arg, const VapiRun *run, const char *what, int wait_ms);

typedef struct VapiImport VapiImport;

/* An import of the run, with a client of its own; all of it lives in run->context. Needs no transaction. */
extern VapiImport *vapi_import_open(VapiRun *run, const char *database, VapiImportProgress progress, void *arg);

/*
 * Walks to the end from where the run's cursor stands, one transaction a
 * page. What cannot be read becomes a gap (run->has_gap). ereports
 * ERRCODE_VAPI_ORG_CHANGED, what vapi_client_request and SQL ereport, and
 * 57014 for a cancel; what was committed stays. The process must be a worker
 * outside any transaction.
 */
extern void vapi_import_walk(VapiImport *import);

/* The import's client, for what else the run asks Vapi. */
extern VapiClient *vapi_import_client(VapiImport *import);

/* Brings the client's statistics into run->counters. */
extern void vapi_import_count(VapiImport *import);

#endif
