#pragma once

/* services/market/follow_internal.h - shared by follow.c and follow_rest.c only. */

#include "base/list.h"
#include "services/market/follow.h"
#include "services/market/internal.h"

enum { FOLLOW_AGAIN_MS = 5000 }; /* between two questions for the same place */

typedef struct FollowSeries {
    SeriesKey key; /* with its provider */
    Time next;     /* the place whose last word is awaited */
    bool doubt;    /* it may have been missed: REST is to be asked */
    bool asked;    /* REST: the answer is not here yet */
    bool flows;
    bool unknown;   /* to the venue: not asked for again */
    int fails;      /* in a row */
    int64_t ask_at; /* monotonic ms: not before */
} FollowSeries;

typedef struct FollowWord { /* a last word that waits for its commit */
    size_t series;
    Candle candle;
} FollowWord;

struct MarketFollow {
    MarketFollowOptions o;
    FollowSeries *v;
    int64_t grace_ms, catch_up_ms;
    bool started, told; /* told: of an interruption, in this step */
    MarketFollowStats stats;
    /* Of one step, in its arena: */
    FollowWord *words;
    size_t n_words, cap_words;
    MarketFollowEvent *running;
    size_t n_running, cap_running;
    /* Questions to REST on their way; the step's thread makes them and takes the answers. */
    atomic_bool give_up;
    pthread_mutex_t lock;
    pthread_cond_t came;
    ListNode answers; /* under the lock, as the count */
    int n_asked;
};

int64_t follow_now_ms(Ctx *cx);
Time follow_end_of(const FollowSeries *s);
void follow_publish(MarketFollow *l, Ctx *cx, const MarketFollowEvent *v, size_t n);
Coverage follow_coverage(const MarketFollow *l, Ctx *cx, Time from, Time to, const char *how);

/* follow_rest.c */
void follow_rest_init(MarketFollow *l);
void follow_rest_done(MarketFollow *l); /* waits for the questions on their way, which give up */
/* Candles that are over and not closed, by the clock or because something was missed: asks for them, and takes what has
 * been answered. */
int follow_catch_up(MarketFollow *l, Ctx *cx);
