/*
 * SPI, the way this extension uses it: statements prepared once a process,
 * run as the extension's owner with a safe search_path.
 */
#ifndef VAPI_STORE_H
#define VAPI_STORE_H

#include "vapi_compat.h"

#include "executor/spi.h"
#include "utils/jsonb.h"

/* One statement, prepared at its first use in this process. Declare it static. */
typedef struct VapiStatement
{
	const char *sql;
	SPIPlanPtr plan;
} VapiStatement;

/* Longest parameter list of a statement. */
#define VAPI_STORE_MAX_PARAMETERS 96

/* A parameter: its type, value and whether it is NULL. */
typedef struct VapiParameter
{
	Oid type;
	Datum value;
	bool isnull;
} VapiParameter;

/* Parameters of one type each; their values are palloc'd in the current context. */
extern VapiParameter vapi_parameter_text(const char *text); /* NULL: SQL NULL */
extern VapiParameter vapi_parameter_int8(int64 value);
extern VapiParameter vapi_parameter_bool(bool value);
extern VapiParameter vapi_parameter_time(int64 unix_us);	   /* timestamptz; VAPI_TIME_NONE: SQL NULL */
extern VapiParameter vapi_parameter_jsonb(const Jsonb *jsonb); /* NULL: SQL NULL */
extern VapiParameter vapi_parameter_text_array(const char *const *items, int count);
extern VapiParameter vapi_parameter_int8_array(const int64 *items, int count);

/* Microseconds since the Unix epoch to a TimestampTz, and back. */
extern int64 vapi_store_timestamp(int64 unix_us);
extern int64 vapi_store_unix_time(int64 timestamp);

/* Now, in microseconds since the Unix epoch. */
extern int64 vapi_store_now(void);

/*
 * From now on pulse is called after every statement of this process and at
 * vapi_store_pulse: a chance for other work that must not wait until all is
 * stored. It runs no SQL and does not ereport. NULL: no longer.
 */
extern void vapi_store_set_pulse(void (*pulse)(void *arg), void *arg);

/* For who works long between two statements. */
extern void vapi_store_pulse(void);

/*
 * Executes the statement; SPI must be connected and a snapshot active. It is
 * planned to find rows by their indexes, whatever the planner knows of the
 * tables: plans are kept, and one made while a table was empty would go on
 * reading all of it.
 * Returns SPI_processed; the rows are in SPI_tuptable. ereports what SQL
 * ereports, XX000 for an SPI failure.
 */
extern uint64 vapi_store_execute(VapiStatement *statement, int count, const VapiParameter *parameters);

/* The same for a SELECT in a STABLE function: it sees what the caller's query sees. */
extern uint64 vapi_store_read(VapiStatement *statement, int count, const VapiParameter *parameters);

/*
 * The same for a SELECT whose rows are fetched bit by bit: a portal for
 * SPI_cursor_fetch. as_caller: it sees what the caller's query sees, else what
 * is there now. Closed by SPI_cursor_close, or with the transaction.
 */
extern Portal vapi_store_open(VapiStatement *statement, int count, const VapiParameter *parameters, bool as_caller);

/*
 * The same for a SELECT that follows a lock: it sees what the lock's former
 * holders committed also under REPEATABLE READ, where the transaction's own
 * snapshot is older.
 */
extern uint64 vapi_store_look(VapiStatement *statement, int count, const VapiParameter *parameters);

/*
 * Enters and leaves our SPI section: connects, switches to the extension's
 * owner (SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION) with
 * search_path pg_catalog, pg_temp. On error the transaction's abort undoes
 * it. Sections may nest.
 */
typedef struct VapiStoreSection
{
	Oid saved_user;
	int saved_context;
	int saved_guc_level;
} VapiStoreSection;

extern void vapi_store_enter(VapiStoreSection *section);
extern void vapi_store_leave(VapiStoreSection *section);

/*
 * Runs step in a subtransaction. NULL: it stands; else the error, a copy in the
 * current context, that undid it: any, a cancel included, so the caller throws
 * on what is not his (ReThrowError). Memory context and resource owner are
 * afterwards as before. Needs a transaction.
 */
extern ErrorData *vapi_store_attempt(void (*step)(void *arg), void *arg);

/*
 * Copy in context of the jsonb in that column (from 1) of SPI_tuptable's first
 * row; NULL for SQL NULL. There must be a row.
 */
extern Jsonb *vapi_store_jsonb(int column, MemoryContext context);

/* Oid of the extension's owner; 55000 with a HINT when it is not installed in this database. Needs a transaction. */
extern Oid vapi_store_owner(void);

/*
 * Is the extension installed in this database? After vapi_store_bind: is it
 * still that one? Needs a transaction; never ereports but for broken catalogs.
 */
extern bool vapi_store_is_installed(void);

/*
 * Binds this process to the extension as it is installed now: a section
 * ereports 55000 once it was dropped, even when it was created again, and holds
 * up a DROP until its transaction ends. For workers only: a backend that waits
 * for one must not hold that lock. Needs a transaction; ereports as above.
 */
extern void vapi_store_bind(void);

/* A short transaction for a worker: start, snapshot, section; and its commit. Not inside a user's transaction. */
extern void vapi_store_begin(VapiStoreSection *section, const char *activity);
extern void vapi_store_commit(VapiStoreSection *section);

/* The same for what is done again when a crash loses it: it does not wait for the disk. */
extern void vapi_store_commit_soon(VapiStoreSection *section);

#endif
