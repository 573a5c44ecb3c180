#pragma once

/* services/cache/answers.h - whole answers kept, and never told when they are no longer so.
 *
 * An answer is bytes made of the rows of a range of one series (or of anything at all: series empty). It is kept under
 * its question's key; a hit reads no store (FLW-10). It is told only while nothing it was made of has changed
 * (change_log.h): after a write is acknowledged no older answer is told (CAC-13), and a new candle spoils only answers
 * whose range covers it (CAC-09). Of many who ask the same at once one loads and all get it (CAC-15).
 *
 *     int r = answers_find(a, cx, key, &ticket, &answer);
 *     if (r == ANSWER_LOAD) {
 *         ... read, make the bytes ...
 *         ok ? answers_keep(a, cx, &ticket, &made, &answer) : answers_give_up(a, &ticket);
 *     }
 *
 * An answer may hold the revision of its series as a number in its text; a change outside its range makes that number
 * grow while the rest stays, so it is written anew on the way out: an answer always says the revision at which it is true.
 *
 * Threads: any; waiting for another's load blocks, so never from a loop. */

#include "services/cache/change_log.h"
#include "services/cache/multi_cache.h"

typedef struct Answers Answers;

/* Who knows the store: asked before something of another process's life is believed. */
typedef struct AnswersSource {
    /* A number that changes when a series comes or goes. */
    int (*structure)(void *arg, Ctx *cx, uint64_t *out);
    /* The series' revision now; ERR_NOT_FOUND when there is none. */
    int (*revision)(void *arg, Ctx *cx, Str series, int64_t *out);
    void *arg;
} AnswersSource;

typedef struct AnswersOptions {
    MultiCacheOptions cache; /* values are set here */
    AnswersSource source;    /* NULL functions: nothing of another life is believed */
    uint64_t seed;           /* of tables, and the name of this process's life: not 0 */
} AnswersOptions;

Answers *answers_new(const AnswersOptions *o);
Answers *answers_free(Answers *a);
MultiCache *answers_cache(Answers *a);

/* What an answer was made of. */
typedef struct AnswerMade {
    CacheKind kind;
    bool immutable; /* nothing can change it but a correction of the past: it may live long */
    Str series;     /* "" = of everything */
    Time from, to;  /* rows it speaks of, [from, to) */
    int64_t revision;
    size_t revision_at, revision_n; /* where the revision stands in bytes; n 0 = nowhere */
    Str bytes;
    uint32_t flags; /* the caller's */
} AnswerMade;

/* What is told: head, the revision, tail; a plain answer is all head. Valid until answer_done. */
typedef struct Answer {
    Str head, tail;
    Str series;       /* it was made of; "" = of anything */
    int64_t revision; /* to be written between them when tail is not empty */
    uint32_t flags;
    CacheLevel level; /* where it was; CACHE_NOWHERE = just made, by us or by who we waited for */
    int64_t age_ms;
    CacheBlob *blob;
} Answer;
void answer_done(Answer *answer);

typedef struct AnswerTicket {
    Str key;                   /* borrowed */
    uint64_t label, structure; /* private: of the store before the load */
    void *load;                /* private */
} AnswerTicket;

enum { ANSWER_LOAD = 1 };
/* 0 with *out; ANSWER_LOAD: the caller loads, and ends with keep or give_up exactly once. Who waits, waits for the other's
 * load, which has a deadline of its own; ErrCode when the caller's time was over by then. */
int answers_find(Answers *a, Ctx *cx, Str key, AnswerTicket *ticket, Answer *out);
/* Keeps it, if nothing changed since find, and gives it to those who wait. */
void answers_keep(Answers *a, Ctx *cx, AnswerTicket *ticket, const AnswerMade *made);
void answers_give_up(Answers *a, AnswerTicket *ticket);

/* From the store's listener, before the writer has its answer. */
void answers_changed(Answers *a, Ctx *cx, const Change *c);
/* A change that failed may have happened all the same: no answer of the series is told any more. */
void answers_doubt(Answers *a, Str series);
/* By an administrator; how many entries went. */
size_t answers_clear(Answers *a, Ctx *cx);
/* The same of the answers whose key matches (cache_key_match). */
size_t answers_purge(Answers *a, Ctx *cx, Str pattern);
