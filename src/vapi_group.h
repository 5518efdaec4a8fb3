/*
 * Groups of columns, what the merge decides as a whole: their shape, their
 * values, and which of two is newer; and a batch from within. Only for the batch
 * (vapi_batch.h) and who takes it to another process (vapi_parcel.h).
 */
#ifndef VAPI_GROUP_H
#define VAPI_GROUP_H

#include "vapi_compat.h"

#include "vapi_map.h"

/* What a column holds, and so how it is converted and compared. */
typedef enum ColumnKind
{
	COLUMN_TEXT,
	COLUMN_NUMERIC,
	COLUMN_TIME,
	COLUMN_BOOL,
	COLUMN_COUNT, /* an integer, -1: none */
	COLUMN_JSONB
} ColumnKind;

/* An observation and what follows from it alone. */
typedef struct Source
{
	VapiObservation o;
	const char *customer_e164;
	const char *lead_id;
	const char *ended_family;
	const char *ended_status;
	const char *reached; /* "true", "false" or NULL */
	const char *settled;
	int64 updated_at;
} Source;

typedef struct FieldColumn
{
	const char *name;
	ColumnKind kind;
	size_t offset; /* in Source */
} FieldColumn;

#define GROUP_MAX_COLUMNS 4

/*
 * A group is present when its first column is; the first column (or its hash)
 * breaks ties between equal versions, the others follow from it.
 */
typedef struct FieldGroup
{
	const char *name;
	bool hashed;
	FieldColumn columns[GROUP_MAX_COLUMNS];
} FieldGroup;

/* No table has more groups. */
#define MAX_GROUPS 26

/* A group's converted columns; version 0: absent. */
typedef struct FieldGroupValue
{
	int64 version;
	int64 hash;
	Datum values[GROUP_MAX_COLUMNS];
	bool nulls[GROUP_MAX_COLUMNS];
} FieldGroupValue;

/* A table that the merge writes; its groups in the order of the bits of a set of groups. */
typedef struct GroupTable
{
	const char *relation;
	const FieldGroup *groups;
	int count;
} GroupTable;

#define GROUP_TABLES 2

/* By VapiBatchTable. */
extern const GroupTable vapi_group_tables[GROUP_TABLES];

typedef struct VapiBatchValues
{
	FieldGroupValue groups[GROUP_TABLES][MAX_GROUPS];
} VapiBatchValues;

struct VapiBatch
{
	MemoryContext context;
	struct VapiBatchRow *rows;
	int count;
	int allocated;
};

/* (version, value) > (version, value), the merge's one rule. */
extern bool vapi_group_is_newer(const FieldGroup *group, const FieldGroupValue *a, const FieldGroupValue *b);

#endif
