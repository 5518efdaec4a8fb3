#include "vapi_compat.h"

#include "miscadmin.h"

#include "vapi_guc.h"
#include "vapi_launcher.h"
#include "vapi_wake.h"

PG_MODULE_MAGIC;

PGDLLEXPORT void _PG_init(void);

void
_PG_init(void)
{
	vapi_guc_init();
	if (process_shared_preload_libraries_in_progress)
	{
		vapi_wake_init();
		vapi_launcher_init();
	}
}
