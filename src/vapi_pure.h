/*
 * What the pure modules stand on: they compile with and without the server
 * (unit tests and fuzzers define FRONTEND), so they may use palloc, which
 * exists on both sides, but never ereport, elog or a memory context.
 */
#ifndef VAPI_PURE_H
#define VAPI_PURE_H

#ifdef FRONTEND
#include "postgres_fe.h"

#include "common/fe_memutils.h"
#else
#include "postgres.h"
#endif

#endif
