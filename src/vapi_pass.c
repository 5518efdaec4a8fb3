#include "vapi_compat.h"

#include "vapi_import.h"
#include "vapi_pass.h"

/* Nobody watches but who reads vapi.sync_runs. */
static void
ignore_progress(void *arg, const VapiRun *run, const char *what, int wait_ms)
{
}

void
vapi_pass_walk(VapiRun *run, const char *database)
{
	VapiImport *import = vapi_import_open(run, database, ignore_progress, NULL);

	vapi_import_walk(import);
	vapi_import_count(import);
	vapi_sync_finish(run, run->has_gap ? VAPI_RUN_INCOMPLETE : VAPI_RUN_COMPLETE,
					 run->has_gap ? "some calls could not be read, see vapi.sync_gaps" : NULL);
}
