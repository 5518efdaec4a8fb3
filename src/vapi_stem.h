/*
 * Lexemes of English words, by the dictionary that to_tsvector('english', ...)
 * uses for them.
 */
#ifndef VAPI_STEM_H
#define VAPI_STEM_H

#include "vapi_words.h"

/*
 * A VapiStemmer: what ts_lexize('pg_catalog.english_stem', word) gives. Reads
 * catalogs where the session has not used the dictionary yet, so it needs a
 * transaction; ereports 42704 where somebody has dropped it. Leaves nothing in
 * the current memory context.
 */
extern size_t vapi_stem_english(const char *word, size_t length, char *lexeme);

#endif
