#pragma once

/* feed/charset_internal.h - the tables of charset.c. */

#include "feed/text.h"

typedef enum CharsetKind {
    CHARSET_ASCII,
    CHARSET_LATIN_1,
    CHARSET_UTF_8,
    CHARSET_UTF_16_LE,
    CHARSET_UTF_16_BE,
    CHARSET_UTF_32_LE,
    CHARSET_UTF_32_BE,
    CHARSET_TABLE, /* one byte a character */
    CHARSET_HZ,    /* GB 2312 in seven bits: RFC 1843 */
    CHARSET_ICONV, /* several bytes a character: the C library's */
} CharsetKind;

typedef struct CharsetTable {
    const char *name;
    bool whole; /* 256 characters, not 128 */
    const char *chars;
} CharsetTable;

typedef struct CharsetName {
    const char *name;
    CharsetKind kind;
    int table;
    const char *iconv;
} CharsetName;

extern const CharsetTable charset_tables[];
extern const CharsetName charset_names[];
extern const size_t charset_names_n;
