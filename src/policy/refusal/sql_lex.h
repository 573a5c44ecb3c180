#pragma once

/* policy/refusal/sql_lex.h - a value as tokens of SQL, in whatever place of a statement it might come to stand. */

#include "policy/refusal/internal.h"

typedef enum SqlKind {
    SQL_END,
    SQL_STRING,
    SQL_NUMBER,
    SQL_LITERAL,  /* null, true, false */
    SQL_VARIABLE, /* @x, @@version, :x */
    SQL_NAME,
    SQL_LOGIC,   /* and or xor && || */
    SQL_COMPARE, /* = <> < like in between is rlike */
    SQL_ARITH,   /* + - * / % ^ & | ~ ! */
    SQL_SELECT,
    SQL_UNION,  /* union intersect except minus */
    SQL_VERB,   /* insert update delete drop alter create truncate exec declare shutdown … */
    SQL_CLAUSE, /* order group having limit procedure */
    SQL_WORD,   /* the rest of the grammar: from where not exists into … */
    SQL_PROBE,  /* a function that is of use to a prober: sleep benchmark extractvalue … */
    SQL_COMMA,
    SQL_SEMICOLON,
    SQL_COMMENT, /* to the end of the text: tail is what it says */
} SqlKind;

typedef struct SqlToken {
    SqlKind kind;
    Str text;
    bool inside; /* "(" directly before it */
    bool call;   /* "(" directly behind it */
    bool closed; /* ")" directly before it */
} SqlToken;

enum { SQL_TOKENS_MAX = 96 };

typedef struct SqlTokens {
    SqlToken v[SQL_TOKENS_MAX + 4]; /* those behind the last are SQL_END */
    size_t n;
} SqlTokens;

/* From byte `from` on. quote != 0: what lies before `from` ended a string, which is the first token. Parentheses are
 * marks of their neighbours, not tokens. */
void sql_lex(const Plain *t, size_t from, char quote, SqlTokens *out);
bool sql_is(const SqlToken *k, const char *word);
