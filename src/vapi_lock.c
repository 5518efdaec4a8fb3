#include "vapi_compat.h"

#include "catalog/namespace.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/lsyscache.h"

#include "vapi_lock.h"
#include "vapi_store.h"

/* "vapi"; also in sql/20_merge_functions.sql, vapi_merge.c, vapi_prospect.c, vapi_extend.c. */
#define CLASS_SINGLE 1986097257

/* The tag that pg_advisory_lock(int, int) uses. */
static void
set_tag(LOCKTAG *tag, uint32 class, uint32 object)
{
	SET_LOCKTAG_ADVISORY(*tag, MyDatabaseId, class, object, 2);
}

void
vapi_lock_transaction(int32 object)
{
	LOCKTAG tag;

	set_tag(&tag, CLASS_SINGLE, (uint32) object);
	(void) LockAcquire(&tag, ExclusiveLock, false, false);
}

void
vapi_lock_transaction_shared(int32 object)
{
	LOCKTAG tag;

	set_tag(&tag, CLASS_SINGLE, (uint32) object);
	(void) LockAcquire(&tag, ShareLock, false, false);
}

void
vapi_lock_session(int32 object)
{
	LOCKTAG tag;

	set_tag(&tag, CLASS_SINGLE, (uint32) object);
	(void) LockAcquire(&tag, ExclusiveLock, true, false);
}

void
vapi_lock_release(int32 object)
{
	LOCKTAG tag;

	set_tag(&tag, CLASS_SINGLE, (uint32) object);
	(void) LockRelease(&tag, ExclusiveLock, true);
}

/* The tag of a lock in the class of a table of ours. */
static void
set_table_tag(LOCKTAG *tag, const char *table, uint32 object)
{
	set_tag(tag, get_relname_relid(table, get_namespace_oid("vapi_internal", false)), object);
}

bool
vapi_lock_run(int64 run_id)
{
	LOCKTAG tag;

	set_table_tag(&tag, "sync_run", (uint32) run_id);
	return LockAcquire(&tag, ExclusiveLock, true, true) != LOCKACQUIRE_NOT_AVAIL;
}

void
vapi_lock_run_release(int64 run_id)
{
	LOCKTAG tag;

	set_table_tag(&tag, "sync_run", (uint32) run_id);
	(void) LockRelease(&tag, ExclusiveLock, true);
}

bool
vapi_lock_step(const char *step)
{
	LOCKTAG tag;

	set_table_tag(&tag, "step_state", hash_bytes((const unsigned char *) step, (int) strlen(step)));
	return LockAcquire(&tag, ExclusiveLock, true, true) != LOCKACQUIRE_NOT_AVAIL;
}

void
vapi_lock_step_release(const char *step)
{
	LOCKTAG tag;

	set_table_tag(&tag, "step_state", hash_bytes((const unsigned char *) step, (int) strlen(step)));
	(void) LockRelease(&tag, ExclusiveLock, true);
}

int
vapi_lock_run_holder(int64 run_id)
{
	/* Not GetLockConflicts: it leaves out who is between two transactions. */
	static VapiStatement statement = {
		"SELECT l.pid FROM pg_locks l, pg_database d"
		" WHERE d.datname = current_database() AND l.database = d.oid AND l.locktype = 'advisory'"
		" AND l.classid = 'vapi_internal.sync_run'::regclass AND l.objid = ($1 & 4294967295)::oid AND l.objsubid = 2"
		" AND l.granted",
		NULL};
	VapiParameter parameter = vapi_parameter_int8(run_id);
	bool isnull;

	if (vapi_store_execute(&statement, 1, &parameter) == 0)
		return 0;
	return DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
}
