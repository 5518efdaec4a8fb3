/*
 * CSV as spreadsheets write it (RFC 4180): fields in double quotes may hold
 * separators, quotes (doubled) and line breaks; lines end with LF, CR LF or CR.
 */
#ifndef VAPI_CSV_H
#define VAPI_CSV_H

#include "vapi_pure.h"

/* A text on its way; separator is what its first line has most of: , ; or tab. */
typedef struct VapiCsv
{
	const char *next;
	const char *end;
	char separator;
} VapiCsv;

/* Finds the separator and passes over a byte order mark. */
extern void vapi_csv_begin(VapiCsv *csv, const char *text, size_t length);

/* What a field ends with. */
typedef enum VapiCsvEnd
{
	VAPI_CSV_FIELD, /* another field follows in the line */
	VAPI_CSV_LINE,	/* it was the line's last */
	VAPI_CSV_QUOTE, /* the text ends inside quotes */
} VapiCsvEnd;

/* Is there another line? */
extern bool vapi_csv_has_line(const VapiCsv *csv);

/*
 * The next field, without its quotes, into buffer, which has room for what is
 * left of the text; *length is its length. Never fails and allocates nothing.
 */
extern VapiCsvEnd vapi_csv_field(VapiCsv *csv, char *buffer, size_t *length);

#endif
