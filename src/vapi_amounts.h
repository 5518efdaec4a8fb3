/*
 * Numbers, sums of money, times of day, days and spans of time in a row of
 * words, spoken or in digits: "twelve hundred a month", "Tuesday at ten
 * fifteen", "in three weeks". Pure.
 */
#ifndef VAPI_AMOUNTS_H
#define VAPI_AMOUNTS_H

#include "vapi_words.h"

typedef struct VapiAmounts VapiAmounts;

/* Puts the words of amounts into the vocabulary; palloc'd, for ever good with it. */
extern VapiAmounts *vapi_amounts_create(VapiVocabulary *vocabulary);

/*
 * Sets the flags VAPI_WORD_NUMBER and later, and the value of each number at
 * its first word; linear. text is what the words were read from.
 */
extern void vapi_amounts_mark(const VapiAmounts *amounts, VapiWords *words, const char *text);

/* vapi_amounts_days: there is no time in these words; one that is far away and not counted in days. */
#define VAPI_DAYS_NONE (-1)
#define VAPI_DAYS_LATER 3650

/*
 * How many days it is, at most, to the time that the marked words from first
 * to before last name: "this week" 7, "by the nineteenth" 30, "two months" 60,
 * "next year" VAPI_DAYS_LATER. The last one of several.
 */
extern int vapi_amounts_days(const VapiAmounts *amounts, const VapiWords *words, int first, int last);

#endif
