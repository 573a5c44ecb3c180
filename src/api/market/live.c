/* api/market/live.c - the market role as a source of the live API.
 *
 * Coming back after a cut: the change log says which open times of the series were touched after the client's sequence;
 * those rows, as they are now, are all it missed. The log has no index by series (it is written twenty thousand times a
 * second and asked for this alone), so its newest entries are looked through, back to a bound. */

#include "api/market/live.h"

#include "api/market/handlers.h"

enum {
    LOG_PAGE = 2000,    /* entries a step */
    LOG_REACH = 100000, /* entries looked through at most */
    RESUME_ROWS = 5000, /* a client that missed more gets a snapshot */
};

/* Where the log ends, from `end` on: it only grows, so the last answer is a good place to start from. */
static int log_end(CandleStore *store, Ctx *cx, int64_t *end) {
    size_t n = 1;
    int64_t step = 1;
    SeriesChange *v;
    int r = 0;
    while (r == 0 && n > 0) { /* gallop */
        r = candle_store_changes(store, cx, *end + step, 1, &v, &n);
        if (r == 0 && n > 0) {
            *end = v[0].sequence;
            step *= 2;
        }
    }
    int64_t lo = *end, hi = *end + step; /* none above hi */
    while (r == 0 && lo < hi) {
        int64_t mid = lo + (hi - lo + 1) / 2;
        r = candle_store_changes(store, cx, mid - 1, 1, &v, &n);
        if (r == 0 && n > 0)
            lo = v[0].sequence;
        else
            hi = mid - 1;
    }
    *end = lo;
    return r;
}

typedef struct Missed {
    int64_t after, upto; /* revisions (after, upto] of the series are wanted */
    int64_t found;
    Time from, to; /* what they touched */
} Missed;

static void note(Missed *m, const SeriesChange *c) {
    if (c->revision <= m->after || c->revision > m->upto)
        return;
    m->found++;
    m->from.ms = MIN(m->from.ms, c->from.ms);
    m->to.ms = MAX(m->to.ms, c->to.ms);
}

/* Looks through the newest part of the log; true when all of the missed revisions were there. */
static int look_back(CandleStore *store, Ctx *cx, int64_t series_id, Missed *m, bool *all) {
    int64_t end = 0;
    int r = log_end(store, cx, &end);
    int64_t wanted = m->upto - m->after, above = end;
    while (r == 0 && m->found < wanted && above > 0 && end - above < LOG_REACH) {
        int64_t below = MAX(above - LOG_PAGE, 0);
        SeriesChange *v;
        size_t n;
        r = candle_store_changes(store, cx, below, LOG_PAGE, &v, &n);
        for (size_t i = 0; r == 0 && i < n && v[i].sequence <= above; i++)
            if (v[i].series_id == series_id)
                note(m, &v[i]);
        above = below;
    }
    *all = r == 0 && m->found == wanted;
    return r;
}

/* 0 and *resumed, when the rows that changed after `after` are known and few. */
static int resume(CandleStore *store, Ctx *cx, const SeriesInfo *info, int64_t after, LiveView *out, bool *resumed) {
    *resumed = false;
    if (after < 0 || after > info->revision || info->revision - after > RESUME_ROWS)
        return 0;
    Missed m = { .after = after, .upto = info->revision, .from = TIME_MAX, .to = TIME_MIN };
    bool all = true, more = false;
    int r = after < info->revision ? look_back(store, cx, info->id, &m, &all) : 0;
    if (r != 0 || !all)
        return r;
    Candles rows = { 0 };
    if (m.found) {
        CandleQuery q = { .from = m.from, .to = m.to, .limit = RESUME_ROWS };
        r = candle_store_read(store, cx, &info->key, &q, &rows, &more);
    }
    if (r != 0 || more)
        return r < 0 ? r : 0;
    *out = (LiveView){ .kind = LIVE_RESUMED, .seq = info->revision, .rows = rows, .from = m.from, .to = m.to };
    *resumed = true;
    return 0;
}

static int view(void *role, Ctx *cx, const SeriesKey *key, int64_t after, size_t limit, LiveView *out) {
    CandleStore *store = market_store(((MarketLive *)role)->market);
    SeriesInfo info; /* before the rows: they hold at least what its revision says */
    int r = candle_store_info(store, cx, key, &info);
    if (r == STORE_NO_SERIES)
        return err_set(cx, ERR_NOT_FOUND, "the series is no longer stored");
    bool resumed = false;
    if (r == 0)
        r = resume(store, cx, &info, after, out, &resumed);
    if (r != 0 || resumed)
        return r;
    Candles rows = { 0 };
    bool more;
    CandleQuery newest = { .from = TIME_MIN, .to = TIME_MAX, .limit = limit, .newest = true };
    r = candle_store_read(store, cx, key, &newest, &rows, &more);
    if (r == STORE_NO_SERIES)
        return err_set(cx, ERR_NOT_FOUND, "the series is no longer stored");
    if (r == 0)
        *out = (LiveView){ .kind = LIVE_SNAPSHOT, .seq = info.revision, .rows = rows };
    return r;
}

static int resolve(void *role, Ctx *cx, const LiveSubscribe *s, SeriesKey *out) {
    SeriesKey key;
    SeriesInfo info;
    int r = market_api_key(cx, s->exchange, s->symbol, s->timeframe, s->provider, &key);
    if (r == 0)
        r = market_api_outcome(cx, &key, market_resolve(((MarketLive *)role)->market, cx, &key, &info));
    if (r == 0)
        *out = info.key;
    return r;
}

/* --- commits --- */

/* What a commit's rows do not tell exactly, because real candles stood in their way, is viewed again. */
static void on_commit(void *arg, const StoreCommit *c) {
    const MarketLive *m = arg;
    m->fn(m->arg,
          &(LiveCommit){
              .key = c->key, .seq = c->revision, .rows = c->kept_real ? NULL : c->rows, .changed = c->changed });
}

static void listen(void *role, LiveListener *fn, void *arg) {
    MarketLive *m = role;
    m->fn = fn;
    m->arg = arg;
    candle_store_unwatch(market_store(m->market), &m->watch);
    m->watch = (CandleStoreWatch){ .heard = on_commit, .arg = m };
    if (fn)
        candle_store_watch(market_store(m->market), &m->watch);
}

void market_live_init(MarketLive *m, MarketService *market, LiveSource *out) {
    *m = (MarketLive){ .market = market };
    *out = (LiveSource){ .role = m, .resolve = resolve, .view = view, .listen = listen };
}
