#include "vapi_compat.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "access/table.h"

#include "vapi_csv.h"
#include "vapi_role.h"
#include "vapi_store.h"

/* Fields of a line that are read; what comes after is left out. */
#define MAX_FIELDS 200

PG_FUNCTION_INFO_V1(vapi_sales_csv_lines);

/* SQL: vapi_internal.csv_lines(csv text) */
Datum
vapi_sales_csv_lines(PG_FUNCTION_ARGS)
{
	text *argument = PG_GETARG_TEXT_PP(0);
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	char *buffer = palloc(VARSIZE_ANY_EXHDR(argument) + 1);
	VapiCsv csv = {0};
	int line = 0;

	InitMaterializedSRF(fcinfo, 0);
	vapi_csv_begin(&csv, VARDATA_ANY(argument), VARSIZE_ANY_EXHDR(argument));
	while (vapi_csv_has_line(&csv))
	{
		Datum fields[MAX_FIELDS];
		Datum values[2];
		bool nulls[2] = {false, false};
		VapiCsvEnd end = VAPI_CSV_FIELD;
		int count = 0;
		bool empty = true;

		CHECK_FOR_INTERRUPTS();
		line++;
		while (end == VAPI_CSV_FIELD)
		{
			size_t length;

			end = vapi_csv_field(&csv, buffer, &length);
			empty = empty && length == 0;
			if (count < MAX_FIELDS)
				fields[count++] = PointerGetDatum(cstring_to_text_with_len(buffer, (int) length));
		}
		if (end == VAPI_CSV_QUOTE)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("line %d of the CSV does not end", line),
					 errdetail("A double quote is not closed."),
					 errhint("Inside quotes a double quote is written twice.")));
		/* An empty line is no row. */
		if (empty && count <= 1)
			continue;
		values[0] = Int32GetDatum(line);
		values[1] = PointerGetDatum(construct_array(fields, count, TEXTOID, -1, false, TYPALIGN_INT));
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}

PG_FUNCTION_INFO_V1(vapi_sales_read_linked);

/*
 * SQL: vapi_internal.read_linked(target regclass, columns text[]). The table's
 * owner reads it: a view's functions or a policy must not run with our rights.
 */
Datum
vapi_sales_read_linked(PG_FUNCTION_ARGS)
{
	Oid target = PG_GETARG_OID(0);
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Relation relation = table_open(target, AccessShareLock);
	Oid owner = relation->rd_rel->relowner;
	Datum *columns;
	bool *nulls;
	int count;
	StringInfoData sql;
	VapiRoleStatement statement = {0};
	VapiStoreSection section;

	InitMaterializedSRF(fcinfo, 0);
	initStringInfo(&sql);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), TEXTOID, -1, false, TYPALIGN_INT, &columns, &nulls, &count);
	appendStringInfoString(&sql, "SELECT ARRAY[");
	for (int i = 0; i < count; i++)
		appendStringInfo(&sql, "%s%s%s%s", i > 0 ? ", " : "", nulls[i] ? "NULL" : "t.",
						 nulls[i] ? "" : quote_identifier(TextDatumGetCString(columns[i])), nulls[i] ? "" : "::text");
	appendStringInfo(&sql, "]::text[] FROM %s AS t",
					 quote_qualified_identifier(get_namespace_name(RelationGetNamespace(relation)),
												RelationGetRelationName(relation)));
	statement.sql = sql.data;
	vapi_store_enter(&section);
	vapi_role_run(owner, "pg_catalog, pg_temp", &statement, 1);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		Datum values[2];
		bool isnull[2] = {false, false};

		CHECK_FOR_INTERRUPTS();
		values[0] = Int64GetDatum((int64) i + 1);
		values[1] = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull[1]);
		tuplestore_putvalues(result->setResult, result->setDesc, values, isnull);
	}
	vapi_store_leave(&section);
	table_close(relation, NoLock);
	return (Datum) 0;
}
