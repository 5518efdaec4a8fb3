/*
 * What PostgreSQL wants to see in a library that it loads; apart from the C++
 * file, so that neither side's headers meet the other's.
 */
#include "postgres.h"

#include "fmgr.h"

#if PG_VERSION_NUM < 160000
#undef PGDLLEXPORT
#define PGDLLEXPORT __attribute__((visibility("default")))
#endif

PG_MODULE_MAGIC;
