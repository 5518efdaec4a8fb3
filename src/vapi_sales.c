#include "vapi_compat.h"

#include "vapi_guc.h"

PG_MODULE_MAGIC;

PGDLLEXPORT void _PG_init(void);

void
_PG_init(void)
{
	vapi_guc_init();
}
