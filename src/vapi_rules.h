/*
 * How phrase rules are kept; for the modules that read and match them only.
 * Pure.
 */
#ifndef VAPI_RULES_H
#define VAPI_RULES_H

#include "vapi_words.h"

#define VAPI_MAX_CLASSES 192
#define VAPI_MAX_ELEMENTS 16
#define VAPI_MAX_CHOICES 24
/* Words that * and ** stand for, at most. */
#define VAPI_SHORT_GAP 3
#define VAPI_LONG_GAP 8

typedef uint64 VapiClassBits[VAPI_MAX_CLASSES / 64];

/* An alternative: the number of a word, or below 0 that of a class less one. */
typedef int VapiChoice;

typedef enum VapiElementKind
{
	VAPI_ELEMENT_WORD,
	VAPI_ELEMENT_GAP,
	VAPI_ELEMENT_START,
	VAPI_ELEMENT_END
} VapiElementKind;

typedef struct VapiElement
{
	uint8 kind;
	uint8 choices;
	uint8 gap;
	bool optional;
	bool name; /* a name will do */
	int flags; /* VapiWordFlag of amounts that will do */
	VapiChoice *choice;
} VapiElement;

typedef struct VapiRule
{
	char *pattern;
	int finding;
	int minds; /* VapiHitFlag that it does not mind */
	bool bare;
	int count;
	int needs[2]; /* elements that must be in the sentence, too: numbers of VapiPhrases' shapes; -1: none */
	bool plain;	  /* begins with two words that must be there, side by side */
	VapiElement *elements;
} VapiRule;

/* What tells whether a rule is worth a look, without looking at it. */
typedef struct VapiEntry
{
	int rule;
	int16 finding;
	int16 needs[2]; /* where the rule has none, the number after all shapes, whose bit is always set */
} VapiEntry;

typedef struct VapiBucket
{
	VapiEntry *entries;
	int count;
	int capacity;
} VapiBucket;

/* The kinds of amount that elements take, and a name. */
#define VAPI_AMOUNT_KINDS 6

struct VapiPhrases
{
	VapiVocabulary *vocabulary;
	char *class_names[VAPI_MAX_CLASSES];
	int classes;
	VapiClassBits *bits; /* by number of the word */
	int bits_capacity;
	int *lexemes;  /* by number of the word */
	int *siblings; /* the next word of the same lexeme; 0: no more */
	VapiRule *rules;
	int count;
	int capacity;
	int apart;				/* findings from this on have lists of their own */
	VapiBucket *buckets[2]; /* rules by the number of their first word */
	int bucket_count;
	VapiBucket flagged[2]; /* rules that begin with an amount or a name */
	/*
	 * Which of the rules' needed elements ("shapes") a word fits: a row of bits
	 * by its number, or none where row is 0.
	 */
	const VapiElement **shapes;
	int shape_count;
	int shape_words; /* of a row */
	int *row;
	uint64 *rows;
	int row_count;
	int row_capacity;
	uint64 *amount_rows; /* of words with that flag, and of names */
	VapiWords scratch;
	int negator;
	int hedge;
	int reporter;
	int pronoun;
	int asker;
};

/* Is the word with that number of the class? */
static inline bool
vapi_has_class(const struct VapiPhrases *phrases, int number, int class)
{
	return number > 0 && class >= 0 && number < phrases->bits_capacity &&
		   (phrases->bits[number][class / 64] >> (class % 64) & 1) != 0;
}

/* Is the word with that number what the alternative names: a word, a lexeme, or one of a class? */
static inline bool
vapi_is_choice(const struct VapiPhrases *phrases, VapiChoice choice, int number)
{
	if (choice < 0)
		return vapi_has_class(phrases, number, -1 - choice);
	return choice == number || (number > 0 && number < phrases->bucket_count && phrases->lexemes[number] == choice);
}

#endif
