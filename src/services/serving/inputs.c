/* services/serving/inputs.c - the candles and the news of a request, asked for at the same time: what the request waits
 * for is the longer of the two (FLW-12). And what was read last of each series, for when the market does not answer. */

#include "services/serving/internal.h"

enum { KEPT_SERIES = 32, KEPT_ROWS = 2000, SENTIMENT_MS = 1000, SENTIMENT_DAYS = 1 };

/* --- what was read last --- */

typedef struct KeptSeries {
    char *name; /* owned: as it was asked for */
    SeriesKey key;
    Candles rows; /* on the heap */
    int64_t revision;
    bool simulated;
    int64_t used;
} KeptSeries;

struct KeptCandles {
    pthread_mutex_t lock;
    KeptSeries v[KEPT_SERIES];
    size_t n;
    int64_t turn;
};

KeptCandles *kept_candles_new(void) {
    KeptCandles *k = mem_new(KeptCandles);
    pthread_mutex_init(&k->lock, NULL);
    return k;
}

KeptCandles *kept_candles_free(KeptCandles *k) {
    if (!k)
        return NULL;
    for (size_t i = 0; i < k->n; i++) {
        mem_free(k->v[i].name);
        candles_done_heap(&k->v[i].rows);
    }
    pthread_mutex_destroy(&k->lock);
    return mem_free(k);
}

/* With the lock held: of that name; else, if wanted, a free one in its place or that of the longest unused. */
static KeptSeries *find_kept(KeptCandles *k, Str name, bool make) {
    KeptSeries *old = NULL;
    for (size_t i = 0; i < k->n; i++) {
        if (str_eq(str_c(k->v[i].name), name))
            return &k->v[i];
        old = !old || k->v[i].used < old->used ? &k->v[i] : old;
    }
    if (!make)
        return NULL;
    KeptSeries *s = k->n < KEPT_SERIES ? &k->v[k->n++] : old;
    mem_free(s->name);
    s->name = mem_new_n(char, name.n + 1);
    memcpy(s->name, name.p, name.n);
    s->rows.n = 0;
    return s;
}

static void keep(KeptCandles *k, Str name, const SourceCandles *got) {
    size_t n = MIN(got->rows.n, (size_t)KEPT_ROWS);
    pthread_mutex_lock(&k->lock);
    KeptSeries *s = find_kept(k, name, true);
    bool fewer = s->rows.n > n && s->revision == got->revision; /* a shorter reading of what is there */
    s->used = ++k->turn;
    if (!fewer) {
        candles_reserve_heap(&s->rows, n);
        s->rows.n = 0;
        candles_append(&s->rows, &got->rows, got->rows.n - n, n);
        s->key = got->key;
        s->revision = got->revision;
        s->simulated = got->simulated;
    }
    pthread_mutex_unlock(&k->lock);
}

static bool take_kept(KeptCandles *k, Ctx *cx, Str name, size_t most, SourceCandles *out) {
    pthread_mutex_lock(&k->lock);
    const KeptSeries *s = find_kept(k, name, false);
    if (s) {
        size_t n = MIN(s->rows.n, most);
        *out = (SourceCandles){ .key = s->key, .revision = s->revision, .simulated = s->simulated };
        candles_init(&out->rows, cx->arena, n);
        candles_append(&out->rows, &s->rows, s->rows.n - n, n);
    }
    pthread_mutex_unlock(&k->lock);
    return s != NULL;
}

/* --- the news, meanwhile --- */

struct SentimentAsk {
    SentimentSource *source;
    Symbol symbol;
    Arena arena;
    Ctx cx;
    SentimentNow now;
    int code;
    pthread_mutex_t lock;
    pthread_cond_t ended;
    bool done, asked;
};

static void ask_sentiment(void *arg, int err) {
    SentimentAsk *a = arg;
    Time to = time_add_ms(clock_wall(a->cx.clock), 1);
    a->code = err ? err
                  : sentiment_source_get(a->source, &a->cx, a->symbol, time_add_ms(to, -SENTIMENT_DAYS * MS_PER_DAY),
                                         to, &a->now);
    pthread_mutex_lock(&a->lock);
    a->done = true;
    pthread_cond_signal(&a->ended);
    pthread_mutex_unlock(&a->lock);
}

SentimentAsk *sentiment_begin(Serving *s, Ctx *cx, const PredictAsk *ask) {
    SentimentAsk *a;
    if (!s->o.sentiment)
        return NULL;
    a = mem_new(SentimentAsk);
    *a = (SentimentAsk){ .source = s->o.sentiment, .symbol = ask->key.symbol };
    ctx_init(&a->cx, &a->arena, cx->clock);
    a->cx.cancel = cx->cancel;
    a->cx.principal = cx->principal;
    a->cx.deadline = mono_add_ms(clock_mono(cx->clock), ctx_left_ms(cx, SENTIMENT_MS));
    pthread_mutex_init(&a->lock, NULL);
    pthread_cond_init(&a->ended, NULL);
    a->asked = s->o.lane && lane_post(s->o.lane, &(LaneJob){ .run = ask_sentiment, .arg = a }) == 0;
    return a;
}

/* The source keeps to the deadline it was given; one without a lane is asked here. */
void sentiment_end(SentimentAsk *a, Inputs *out) {
    if (!a)
        return;
    if (!a->asked)
        ask_sentiment(a, 0);
    pthread_mutex_lock(&a->lock);
    while (!a->done)
        pthread_cond_wait(&a->ended, &a->lock);
    pthread_mutex_unlock(&a->lock);
    out->has_sentiment = a->code == 0;
    out->sentiment_failed = a->code < 0;
    out->sentiment = a->now;
    pthread_cond_destroy(&a->ended);
    pthread_mutex_destroy(&a->lock);
    arena_done(&a->arena);
    mem_free(a);
}

/* --- the candles --- */

static Str asked_name(Ctx *cx, const SeriesKey *key) {
    return series_key_text(cx->arena, key);
}

static int read_given(Ctx *cx, const PredictAsk *ask, size_t most, SourceCandles *out) {
    const Candles *rows = ask->rows;
    size_t n = MIN(rows->n, most);
    if (rows->n == 0 || !candles_sorted_unique(rows))
        return err_set_at(cx, ERR_INVALID, S("candles"), "candles ascend by their open time, each once, one at least");
    *out = (SourceCandles){ .key = ask->key, .rows = candles_view(rows, rows->n - n, n) };
    return 0;
}

static int no_series(Ctx *cx, const SeriesKey *key) {
    return err_set_at(cx, ERR_NOT_FOUND, S("symbol"),
                      "no candles of %s are stored in that timeframe; collect them, or send them along", key->symbol.s);
}

int inputs_read(Serving *s, Ctx *cx, const PredictAsk *ask, size_t most, Inputs *out) {
    SourceQuery q = { .key = ask->key, .from = TIME_MIN, .to = TIME_MAX, .most = most, .newest = true };
    if (ask->rows)
        return read_given(cx, ask, most, &out->market);
    Str name = asked_name(cx, &ask->key);
    int r = s->o.candles ? candle_source_get(s->o.candles, cx, &q, &out->market)
                         : err_set(cx, ERR_UNAVAILABLE, "there is no market to ask");
    if (r == SOURCE_NO_SERIES || (r == 0 && out->market.rows.n == 0))
        return no_series(cx, &ask->key);
    if (r == 0) {
        out->kept = false;
        keep(s->kept, name, &out->market);
        return 0;
    }
    if (r == ERR_INVALID || r == ERR_CANCELLED || ctx_check(cx) != 0)
        return r;
    if (!take_kept(s->kept, cx, name, most, &out->market))
        return err_set(cx, ERR_UNAVAILABLE, "the candles of %s cannot be read, and none were before: %s",
                       ask->key.symbol.s, str_cz(cx->arena, str_c(cx->err.text)));
    LOG_WARNING(s->o.log, cx, S("the market does not answer; candles read before are taken"), F_STR("series", name),
                F_STR("reason", str_c(cx->err.text)));
    err_clear(cx);
    out->kept = true;
    return 0;
}
