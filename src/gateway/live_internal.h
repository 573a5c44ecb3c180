#pragma once

/* gateway/live_internal.h - shared by live_*.c only. */

#include "base/list.h"
#include "base/map.h"
#include "base/vec.h"
#include "gateway/live.h"

#include <pthread.h>

enum {
    LIVE_SERIES_MAX = 128,  /* bytes of a series' name */
    LIVE_DELTA_ROWS = 500,  /* a commit of more rows is told as a snapshot */
    LIVE_HOLE_MS = 250,     /* how long a revision may be missing before everybody gets a snapshot */
    LIVE_MARK = 64 << 10,   /* bytes queued past which deltas are conflated */
    LIVE_RESUME = 16 << 10, /* bytes queued below which they leave again */
    LIVE_MESSAGE_MAX = 256 << 10,
    LIVE_ROW_BYTES = 128, /* what a conflated row counts for in a client's share of memory, and is as text */
};

/* One commit on its way to subscribers: made on the committing thread, then the loop's. */
typedef struct LiveDelta {
    LoopMail mail;
    struct LiveTopic *topic;
    int refs;
    int64_t seq;
    Candles rows;   /* heap */
    WsFrame *frame; /* NULL: no row changed */
    bool view_again;
} LiveDelta;

typedef VEC(LiveDelta *) LiveDeltas;

/* A series somebody subscribes to. Found under the hub's lock, by any thread; the rest is the loop's. */
typedef struct LiveTopic {
    struct LiveTopic *next; /* of the same hash */
    struct LiveHub *hub;
    SeriesKey key;
    char name[LIVE_SERIES_MAX];
    int users; /* under the lock: subscriptions, views under way, letters under way */
    /* the loop's */
    ListNode subs;
    int64_t seq;       /* published up to; LIVE_NO_SEQ until a view says where to begin */
    int loading;       /* views under way */
    LiveDeltas held;   /* came before their turn, ascending */
    LiveDeltas recent; /* published while a view is under way: it may be older than they are */
    MonoNs held_since;
} LiveTopic;

typedef struct LiveConn LiveConn;

typedef struct LiveSub {
    ListNode in_topic, in_conn;
    LiveConn *conn;   /* NULL: ended while a view was under way */
    LiveTopic *topic; /* NULL until it is resolved */
    int64_t seq;      /* told up to */
    int64_t limit;
    bool loading, view_again;
    Candles pending; /* conflated: what the client has yet to be told, heap; n 0: nothing */
    int64_t pending_seq;
    char id[LIVE_ID_MAX + 1];
} LiveSub;

struct LiveConn {
    LiveHub *hub;
    WsSocket *ws;
    ListNode node, subs;
    int n_subs;
    bool slow;
    MonoNs slow_since;
    char key_id[KEY_ID + 1]; /* of the key it came in by; empty: of none that can be revoked */
    size_t pending_bytes;
    int64_t tokens; /* thousandths of a message */
    MonoNs tokens_at;
    bool news, news_missed; /* listens to the channel; has to be told that it missed some */
    char news_source[LIVE_NEWS_SOURCE_MAX * 4 + 1], news_ticker[LIVE_NEWS_TICKER_MAX * 4 + 1];
};

/* A view under way: made on the loop, filled on a lane, back on the loop. */
typedef struct LiveLoad {
    LoopMail mail;
    ListNode node; /* in the hub's queue */
    LiveHub *hub;
    LiveSub *sub;
    LiveTopic *topic;
    Arena arena;
    Ctx cx;
    LiveSubscribe asked; /* of a new subscription */
    const char *reason;
    int64_t after;
    LiveView view;
    WsFrame *frame; /* the view, written on the lane */
    bool kept;      /* the topic was known when it began: what was published meanwhile is kept in topic->recent */
    int err;
} LiveLoad;

typedef struct LiveMetrics {
    Gauge *connections, *subscriptions;
    Counter *deltas, *conflated, *snapshots, *resumed, *closed_slow, *closed_rate, *messages;
} LiveMetrics;

struct LiveHub {
    LiveHubOptions o;
    pthread_mutex_t lock; /* topics and their users */
    Map topics;
    atomic_int n_news;   /* who listens to the channel */
    atomic_int n_topics; /* a commit that nobody wants costs one look at it */
    ListNode conns;
    int n_conns;
    bool closed;
    int in_flight;  /* loads and letters; under the lock */
    ListNode loads; /* views that wait for their turn */
    int n_loading;
    bool handing;
    LoopTimer tick;
    MonoNs beat_at;
    LiveMetrics metrics;
};

/* live_hub.c */
/* The topic of the series, made if need be, with one user more. Any thread. */
LiveTopic *live_topic_get(LiveHub *h, const SeriesKey *key);
void live_topic_hold(LiveTopic *t);
void live_topic_put(LiveTopic *t); /* one user fewer; the loop's */
void live_topic_take(LiveTopic *t, LiveDelta *d);
/* Where a view says the topic may begin, and what was published while it was read. */
void live_topic_begin(LiveTopic *t, int64_t seq);
void live_topic_loaded(LiveTopic *t);
void live_topic_view_again(LiveTopic *t, const char *reason);

void live_hub_unref(LiveHub *h); /* a load or a letter has come home */

/* live_news.c */
void live_news_listen(LiveHub *h, bool on);
void live_news_subscribe(LiveConn *c, Ctx *cx, Str message);
bool live_news_end(LiveConn *c);     /* true: it did listen */
bool live_news_drained(LiveConn *c); /* true: it is behind still */

/* live_conn.c */
void live_sub_tell(LiveSub *s, LiveDelta *d); /* sends, or conflates */
void live_sub_forget(LiveSub *s);             /* drops what is conflated */
void live_sub_end(LiveSub *s);
void live_sub_free(LiveSub *s);
LiveSub *live_sub_of(const LiveConn *c, const LiveTopic *t, const LiveSub *but);
bool live_send_text(LiveConn *c, Buf *text); /* frees it; false: it did not fit */
void live_send_error(LiveConn *c, Str id, const Ctx *cx);
void live_conn_behind(LiveConn *c);
void live_conn_check(LiveConn *c, MonoNs now); /* too slow for too long? */

/* live_load.c */
void live_sub_begin(LiveSub *s, const LiveSubscribe *in); /* a new one: finds its series */
void live_sub_load(LiveSub *s, const char *reason);       /* a snapshot */
void live_loads_run(LiveHub *h);
void live_loads_drop(LiveHub *h); /* the hub closes: every connection has ended */

/* live_text.c: messages. All go into `out`, which holds one message. */
typedef struct LiveRows {
    const char *type; /* "snapshot", "resumed", "delta" */
    const char *series;
    const char *id;     /* "" = none */
    const char *reason; /* NULL = none */
    int64_t seq;
    bool conflated;
    Time from, to; /* from < to: the rows are all there is in [from, to) */
} LiveRows;
void live_write_rows(Buf *out, const LiveRows *head, const Candles *rows);
void live_write_hello(Buf *out, const LiveOptions *o, Time now);
void live_write_heartbeat(Buf *out, Time now);
void live_write_plain(Buf *out, const char *type, Str id, Time now);
void live_write_unsubscribed(Buf *out, Str id, const char *series, Str reason);
void live_write_list(Buf *out, Str id, const LiveConn *c);
void live_write_error(Buf *out, Str id, const Ctx *cx);
