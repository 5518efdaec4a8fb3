/*
 * The only place that knows PostgreSQL and libcurl versions: old versions get
 * the new name.
 */
#ifndef VAPI_COMPAT_H
#define VAPI_COMPAT_H

#include "postgres.h"

#include <curl/curlver.h>

#include "fmgr.h"

#if PG_VERSION_NUM < 150000
#error "vapi_sales needs PostgreSQL 15 or later"
#endif

/* PostgreSQL 16 hides symbols by itself; with 15 our -fvisibility=hidden needs this. */
#if PG_VERSION_NUM < 160000
#undef PGDLLEXPORT
#define PGDLLEXPORT __attribute__((visibility("default")))

#undef PG_FUNCTION_INFO_V1
#define PG_FUNCTION_INFO_V1(funcname)                                               \
	extern PGDLLEXPORT Datum funcname(PG_FUNCTION_ARGS);                            \
	extern PGDLLEXPORT const Pg_finfo_record *CppConcat(pg_finfo_, funcname)(void); \
	const Pg_finfo_record *CppConcat(pg_finfo_, funcname)(void)                     \
	{                                                                               \
		static const Pg_finfo_record my_finfo = {1};                                \
		return &my_finfo;                                                           \
	}                                                                               \
	extern int no_such_variable
#else
#include "varatt.h"
#endif

/* 18 has C11's word, which stands before the declaration. */
#ifndef pg_noreturn
#define pg_noreturn pg_attribute_noreturn()
#endif

#include "storage/latch.h"
#if PG_VERSION_NUM >= 180000
#include "storage/waiteventset.h"
#endif
#include "utils/guc_tables.h"
#include "utils/wait_event.h"

/*
 * A wait event set that the caller frees with FreeWaitEventSet also on error.
 * 17 registers the set with a resource owner, which we may not have (workers
 * outside a transaction).
 */
static inline WaitEventSet *
vapi_compat_wait_event_set(int events)
{
#if PG_VERSION_NUM >= 170000
	return CreateWaitEventSet(NULL, events);
#else
	return CreateWaitEventSet(CurrentMemoryContext, events);
#endif
}

/* All settings of the session, placeholders too. */
static inline struct config_generic **
vapi_compat_settings(int *count)
{
#if PG_VERSION_NUM >= 160000
	return get_guc_variables(count);
#else
	*count = GetNumConfigOptions();
	return get_guc_variables();
#endif
}

/* The number pg_stat_activity shows as wait_event name; before 17 all extensions share "Extension". */
static inline uint32
vapi_compat_wait_event(const char *name)
{
#if PG_VERSION_NUM >= 170000
	return WaitEventExtensionNew(name);
#else
	(void) name;
	return PG_WAIT_EXTENSION;
#endif
}

/* libcurl 7.87: CURLOPT_QUICK_EXIT, without which a cancel waits for the name resolution. */
#define VAPI_COMPAT_CURL_VERSION 0x075700
#if LIBCURL_VERSION_NUM < VAPI_COMPAT_CURL_VERSION
#error "vapi_sales needs libcurl 7.87 or later"
#endif

#endif
