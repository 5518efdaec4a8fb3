/*
 * The sentence around some words of a text, short enough to be shown. Pure.
 */
#ifndef VAPI_QUOTE_H
#define VAPI_QUOTE_H

#include "vapi_pure.h"

/* Longest quote, in bytes. */
#define VAPI_QUOTE_BYTES 300

/*
 * Widens bytes start to end of a text of length bytes of UTF-8 to their
 * sentence, in place. Cut at characters where that is longer than
 * VAPI_QUOTE_BYTES. Looks no farther than that, so its time is bounded.
 */
extern void vapi_quote_widen(const char *text, int length, int *start, int *end);

#endif
