/*
 * Telephone numbers in E.164, by libphonenumber. That is C++, so it lives in
 * a module of its own (src/phone), loaded on first need.
 */
#ifndef VAPI_PHONE_H
#define VAPI_PHONE_H

#include "vapi_compat.h"

/*
 * Palloc'd E.164 form ("+13035550100") of number, read in region (ISO 3166
 * alpha-2) when it has no +; NULL when it is no possible number, or
 * has letters other than of an extension, which is dropped. Without the
 * module (built with PHONE=no) only what is already E.164 (+ and 8 to 15
 * digits, white space and -().  ignored) passes; a WARNING says so once per
 * session. May ereport only for lack of memory.
 */
extern char *vapi_phone_e164(const char *number, const char *region);

#endif
