/*
 * A page's rows on their way from one process to another: flat, without
 * pointers. Both run the same library.
 */
#ifndef VAPI_PARCEL_H
#define VAPI_PARCEL_H

#include "vapi_compat.h"

#include "vapi_page.h"

/* How many bytes vapi_parcel_write needs for the page, which has its batch. */
extern size_t vapi_parcel_size(const VapiPage *page);

/* Writes the page, all but wanted, to place, which is aligned as palloc does. */
extern void vapi_parcel_write(const VapiPage *page, char *place);

/*
 * The page at place, its batch included, in the current context; texts and
 * values are not copied, so place must stay as it is for as long as the page.
 */
extern void vapi_parcel_read(char *place, VapiPage *page);

#endif
