#pragma once

/* api/live.h - series that change, as the gateway's live API sees a role: the messages a client may send, as tables, and
 * what is asked of the role to answer them.
 *
 * A sequence is the revision of a series: it grows with each commit that changes it, survives restarts, and is what a
 * client comes back with. Threads: resolve and view run on lanes, many at once; the listener runs on whatever thread
 * commits. */

#include "api/op.h"
#include "core/article.h"
#include "core/series.h"

/* --- what a client may send --- */

typedef struct LiveSubscribe {
    Str op, id, channel, exchange, symbol, timeframe, provider;
    int64_t limit, from_seq;
} LiveSubscribe;

typedef struct LiveUnsubscribe {
    Str op, id, series;
} LiveUnsubscribe;

typedef struct LivePlain { /* ping, list */
    Str op, id;
} LivePlain;

enum { LIVE_ID_MAX = 64, LIVE_ROWS_MAX = 1000, LIVE_NO_SEQ = -1 };

extern const Shape live_subscribe_shape, live_unsubscribe_shape, live_plain_shape;

/* --- what is asked of the role --- */

typedef enum LiveKind {
    LIVE_SNAPSHOT, /* the newest rows */
    LIVE_RESUMED,  /* every row that changed after the sequence the client came with; maybe none */
} LiveKind;

typedef struct LiveView {
    LiveKind kind;
    int64_t seq;   /* the rows hold every commit up to it, and may hold later ones */
    Candles rows;  /* in cx->arena */
    Time from, to; /* of LIVE_RESUMED: in [from, to) there is nothing but these rows; from > to: nothing changed */
} LiveView;

typedef struct LiveCommit {
    const SeriesKey *key;
    int64_t seq;         /* 0: not told (a removal); the series is to be viewed again */
    const Candles *rows; /* what was saved; NULL: view the series again */
    bool changed;        /* false: no row did */
} LiveCommit;
typedef void LiveListener(void *arg, const LiveCommit *c);

typedef struct LiveSource {
    void *role;
    /* The stored series a subscription means. 0, ERR_NOT_FOUND, ERR_CONFLICT (several), with words. */
    int (*resolve)(void *role, Ctx *cx, const LiveSubscribe *s, SeriesKey *out);
    /* after LIVE_NO_SEQ, or one that the change log does not reach back to: a snapshot. */
    int (*view)(void *role, Ctx *cx, const SeriesKey *key, int64_t after, size_t limit, LiveView *out);
    /* One listener; NULL takes it away. Not while other threads commit. */
    void (*listen)(void *role, LiveListener *fn, void *arg);
} LiveSource;

/* --- the channel "news": articles and scores as they are stored --- */

typedef struct LiveNewsSubscribe {
    Str op, id, channel, source, ticker;
} LiveNewsSubscribe;
enum { LIVE_NEWS_SOURCE_MAX = 64, LIVE_NEWS_TICKER_MAX = 32 };
extern const Shape live_news_subscribe_shape;

typedef struct LiveNews {
    Str source; /* of an article; empty: for whoever listens */
    StrList tickers;
    Str text; /* the message, written */
} LiveNews;

typedef struct LiveNewsEar {
    void (*heard)(void *arg, const LiveNews *n); /* on the committing thread; quick */
    bool (*wanted)(void *arg);                   /* does anybody listen? Any thread */
    void *arg;
} LiveNewsEar;

typedef struct LiveNewsSource {
    void *role;
    void (*listen)(void *role, const LiveNewsEar *ear); /* copied; NULL takes it away. Not while other threads commit */
} LiveNewsSource;
