#pragma once

/* core/article.h - a news article: what every feed, store and reader of news agrees on.
 *
 * Title, summary and text are plain text in UTF-8, without markup, white space folded. An article is known by its id,
 * which is made of its address (or of source and guid where it has none), so that the same article collected twice, by
 * whomever, is the same. The address is canonical (core/article_url.h): tracking parameters are gone.
 *
 * A Str here borrows like any other: whoever made the article says from where. Pure; any thread. */

#include "base/time.h"

/* Ceilings: a longer field is cut at a character by article_clip; more items than these are dropped. */
enum {
    ARTICLE_ID_SIZE = 32, /* characters of every id */
    ARTICLE_URL_MAX = 2048,
    ARTICLE_TITLE_MAX = 1000, /* bytes, as all of these */
    ARTICLE_SUMMARY_MAX = 20 * 1000,
    ARTICLE_TEXT_MAX = 400 * 1000,
    ARTICLE_NAME_MAX = 200,   /* an author, a category, a guid's words */
    ARTICLE_SOURCE_MAX = 64,  /* letters, digits, '-', '_', '.' */
    ARTICLE_LANGUAGE_MAX = 8, /* "en", "pt-br" */
    ARTICLE_LIST_MAX = 32,    /* authors, categories, tickers: each */
};

typedef struct StrList {
    Str *v;
    size_t n;
} StrList;

/* What a model made of an article; model empty: nobody has read it yet. */
typedef struct ArticleSentiment {
    Str model;         /* name and version: "lexicon-1" */
    Str label;         /* "positive", "negative", "neutral" */
    double score;      /* -1 .. 1 */
    double confidence; /* 0 .. 1 */
    Time at;
} ArticleSentiment;

typedef struct Article {
    Str id;                   /* article_id: ARTICLE_ID_SIZE hex digits */
    Str guid;                 /* what its source calls it; empty where it says nothing */
    Str url;                  /* canonical; may be empty */
    Str source;               /* "coindesk" */
    Str title, summary, text; /* text: the whole article where the feed has it */
    Str language;             /* "en"; empty = not known */
    Str image_url;            /* empty = none */
    StrList authors;
    StrList categories;  /* the source's own words */
    StrList tickers;     /* "BTC", "AAPL": core/ticker_tag.h; ascending */
    Time published;      /* what the source says; where it says nothing, when it was first seen */
    Time collected;      /* when it was first stored */
    Time known_at;       /* when the present words were learnt: later than collected after a correction */
    bool date_estimated; /* the source gave no date */
    bool simulated;      /* made by a simulator: nobody published it */
    uint64_t near_hash;  /* of the words: core/near_text.h; 0 = too few of them */
    ArticleSentiment sentiment;
    int64_t revision; /* of the store: grows with every change of this article; 0 = not stored */
} Article;

/* sha256 of the address, or of source and guid, or of source, title and summary; the first half in hex. */
void article_id(const Article *a, char out[ARTICLE_ID_SIZE]);
bool article_id_valid(Str id);
bool article_source_valid(Str source);

/* Cuts what is too long, drops empty and repeated list items, cleans UTF-8 and folds white space; fills id. What an
 * adapter of a feed does with each article it made. Strings then lie in the arena or where they lay before. */
void article_clip(Article *a, Arena *arena);
/* The words that hashes, tags and scores are made of. */
bool article_same_words(const Article *a, const Article *b);
/* A deep copy in the arena. */
Article article_copy(const Article *a, Arena *arena);
StrList str_list_copy(const StrList *l, Arena *arena);
