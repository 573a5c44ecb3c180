#pragma once

/* core/article_query.h - what a person types to find articles, as a tree.
 *
 *     bitcoin etf            both words, anywhere
 *     "interest rate"        these words in this order
 *     regulat*               every word that begins so (2 letters at least)
 *     bitcoin OR ethereum    either; AND binds closer than OR; NOT x and -x leave out
 *     title:halving          the word in the title; also summary: and text:
 *     (a OR b) -c            groups
 *
 * AND, OR and NOT are operators in capitals only. Other signs separate words as core/words.h does; a query without one
 * word is refused, as is one that only leaves out. Whatever bytes come: the answer is a tree within the limits below, or
 * words for the person who typed it. Pure; any thread. */

#include "base/ctx.h"

enum {
    QUERY_TEXT_MAX = 1024, /* bytes */
    QUERY_TERMS_MAX = 32,  /* words and phrases */
    QUERY_DEPTH_MAX = 16,
    QUERY_PHRASE_MAX = 24, /* words of a phrase */
    QUERY_PREFIX_MIN = 2,  /* letters before a '*' */
};

typedef enum QueryKind { QUERY_TERM, QUERY_AND, QUERY_OR, QUERY_NOT } QueryKind;

/* Where a term is looked for, as bits. */
enum { ARTICLE_IN_TITLE = 1, ARTICLE_IN_SUMMARY = 2, ARTICLE_IN_TEXT = 4, ARTICLE_IN_ALL = 7 };

typedef struct QueryNode QueryNode;
struct QueryNode {
    QueryKind kind;
    /* QUERY_TERM: folded words, one, or several of a phrase */
    Str *words;
    size_t n_words;
    bool prefix;     /* the last word is the beginning of one */
    unsigned fields; /* ARTICLE_IN_… */
    /* QUERY_AND, QUERY_OR: both; QUERY_NOT: left without right */
    QueryNode *left, *right;
};

typedef struct ParsedQuery {
    QueryNode *root;
    const QueryNode *terms[QUERY_TERMS_MAX]; /* those that an article may be found by, in order of writing */
    size_t n_terms;
} ParsedQuery;

/* 0, or ERR_INVALID at field "q" with words that name the place. The tree lies in cx->arena. */
int article_query_parse(Ctx *cx, Str text, ParsedQuery *out);
