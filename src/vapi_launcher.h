/*
 * The launcher: a background worker, started with the server where the library
 * is preloaded, that keeps a permanent worker (vapi_resident.h) in each database
 * of vapi_sales.databases. It is connected to no database itself.
 */
#ifndef VAPI_LAUNCHER_H
#define VAPI_LAUNCHER_H

#include "vapi_compat.h"

/* Registers the launcher; for _PG_init, while the postmaster loads libraries. */
extern void vapi_launcher_init(void);

/* Entry of the launcher. SIGHUP has it read the list again. */
extern PGDLLEXPORT void vapi_sales_launcher_main(Datum argument);

#endif
