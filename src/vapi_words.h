/*
 * Spoken English as a row of words: lower case, contractions written out
 * ("won't" is will, not), fillers and stuttered words left out, each with its
 * place in the text. Words of a vocabulary have a number, so that all that
 * follows compares numbers; so have lexemes, by which inflections of a word are
 * the same. Pure.
 */
#ifndef VAPI_WORDS_H
#define VAPI_WORDS_H

#include "vapi_pure.h"

/* Longer words are in no vocabulary. */
#define VAPI_WORD_MAX 40

/* What a vocabulary's lexemes have before them, and no word has. */
#define VAPI_LEXEME_MARK '~'

typedef struct VapiVocabulary VapiVocabulary;

/*
 * Writes the lexeme of a word of length bytes, in lower case, to lexeme, which
 * has room for VAPI_WORD_MAX bytes, and returns its length; 0: the word has
 * none, since it is in every text ("the").
 */
typedef size_t (*VapiStemmer)(const char *word, size_t length, char *lexeme);

/*
 * An empty vocabulary, palloc'd; it grows in the context that it was made in.
 * Without a stemmer each word is its lexeme.
 */
extern VapiVocabulary *vapi_vocabulary_create(VapiStemmer stemmer);

/* The number (from 1) of a word of length bytes, which is added unless it is there; 0 when it is too long or empty. */
extern int vapi_vocabulary_add(VapiVocabulary *vocabulary, const char *word, size_t length);

/* The number of a word, 0 when it is not there. */
extern int vapi_vocabulary_find(const VapiVocabulary *vocabulary, const char *word, size_t length);

/*
 * The number of the lexeme of a word, which is added unless it is there; a
 * number of its own, that of no word. 0 when the word is too long or empty.
 */
extern int vapi_vocabulary_add_lexeme(VapiVocabulary *vocabulary, const char *word, size_t length);

/*
 * To be called after the last word and lexeme and before the first text:
 * gives each word the lexeme that it has, if that was added.
 */
extern void vapi_vocabulary_finish(VapiVocabulary *vocabulary);

/* The number of the lexeme of a word or lexeme; 0: none was added that it has. */
extern int vapi_vocabulary_lexeme(const VapiVocabulary *vocabulary, int number);

/* The largest number given. */
extern int vapi_vocabulary_count(const VapiVocabulary *vocabulary);

/* The word of a number from 1 to the largest one; of a lexeme with VAPI_LEXEME_MARK before it. */
extern const char *vapi_vocabulary_word(const VapiVocabulary *vocabulary, int number);

/* What a word is, beside its number; the later ones are set by vapi_amounts.h. */
typedef enum VapiWordFlag
{
	VAPI_WORD_DIGITS = 1 << 0,	 /* begins with a digit */
	VAPI_WORD_DOLLARS = 1 << 1,	 /* a currency sign stood before it */
	VAPI_WORD_PERCENT = 1 << 2,	 /* a per cent sign follows */
	VAPI_WORD_QUOTED = 1 << 3,	 /* inside quotation marks */
	VAPI_WORD_CAPITAL = 1 << 4,	 /* begins with a capital letter */
	VAPI_WORD_NUMBER = 1 << 5,	 /* part of a number */
	VAPI_WORD_MONEY = 1 << 6,	 /* part of a sum of money */
	VAPI_WORD_CLOCK = 1 << 7,	 /* part of a time of day */
	VAPI_WORD_DAY = 1 << 8,		 /* part of a day or date */
	VAPI_WORD_DURATION = 1 << 9, /* part of a span of time */
	VAPI_WORD_STEMMED = 1 << 10, /* not in the vocabulary: its number is that of its lexeme */
	VAPI_WORD_PART = 1 << 11,	 /* a part of the day: "in the evening" */
} VapiWordFlag;

typedef struct VapiWord
{
	int number; /* in the vocabulary, or of its lexeme; 0: neither is there */
	int start;	/* bytes of the text; parts of a contraction share them */
	int end;
	int flags;	  /* VapiWordFlag */
	char stop;	  /* the mark that ends it: , . ? ! or 0 */
	double value; /* of a number, else 0 */
} VapiWord;

/* Reused from text to text; zero it before the first. */
typedef struct VapiWords
{
	VapiWord *words;
	int count;
	int capacity;
} VapiWords;

/*
 * Reads length bytes into words, from the first word on; linear in length.
 * Bytes that are no UTF-8 are letters.
 */
extern void vapi_words_read(VapiWords *words, const VapiVocabulary *vocabulary, const char *text, int length);

/*
 * Reads a phrase for comparison with words: the same, but new words are added
 * to the vocabulary.
 */
extern void vapi_words_read_phrase(VapiWords *words, VapiVocabulary *vocabulary, const char *text, int length);

/* Frees what words hold. */
extern void vapi_words_free(VapiWords *words);

#endif
