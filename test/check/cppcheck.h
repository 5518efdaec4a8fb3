/*
 * cppcheck does not read PostgreSQL's headers: these are the macros without
 * which it cannot follow the code.
 */
#define PG_TRY() if (1)
#define PG_CATCH() else
#define PG_FINALLY()
#define PG_END_TRY()
#define PG_FUNCTION_INFO_V1(name) extern int no_such_variable
#define PG_MODULE_MAGIC extern int no_such_variable
#define PGDLLEXPORT
#define pg_attribute_noreturn()
#define pg_attribute_printf(f, a)
#define lengthof(array) (sizeof(array) / sizeof((array)[0]))
#define foreach(cell, list) for (cell = 0; cell != 0; cell++)
#define INT64_FORMAT "%lld"
#define UINT64_FORMAT "%llu"
