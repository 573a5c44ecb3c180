/* app/events.c - see events.h.
 *
 * Each consumer has a thread, because a collection or a backtest may take minutes and must not hold up the others; one
 * more relays the outboxes, lets the bus do what it has to do now and then, and shares the embedded log with the processes
 * of the other roles (adapters/bus/share.h). */

#include "app/events.h"

#include "adapters/bus/share.h"
#include "api/backtest/backtest_api.h"
#include "services/events/events.h"

#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

enum { CONSUMERS_MAX = 16, ROUTES_MAX = 16, LOOK_MS = 250, AGAIN_MS = 1000, WAIT_MS = 500 };

typedef struct EventThread {
    EventRuntime *runtime;
    ConsumerOptions options; /* no queue: the relay */
    pthread_t id;
    bool running;
} EventThread;

struct EventRuntime {
    Platform *p;
    EventThread threads[CONSUMERS_MAX];
    EventRoute routes[ROUTES_MAX];
    size_t n;
    BusShare *share; /* of the relay's thread */
    bool share_told; /* that it could not be opened */
    atomic_bool stop;
    pthread_mutex_t lock;
    pthread_cond_t woken;
};

/* --- handlers: the market's (MSG-24, MSG-41) --- */

static int bad(Ctx *cx, const char *field, const char *words) {
    return err_set_at(cx, ERR_INVALID, str_c(field), "%s: %s", field, words);
}

static int text_of(Ctx *cx, const Event *e, const char *name, Str *out) {
    return event_body_text(cx->arena, e->body, str_c(name), out) ? 0 : bad(cx, name, "is missing");
}

static int time_of(Ctx *cx, const Event *e, const char *name, Time *out) {
    Str text;
    int r = text_of(cx, e, name, &text);
    if (r == 0 && !time_parse_iso(text, out, NULL))
        r = bad(cx, name, "an ISO-8601 time is needed");
    return r;
}

static int key_of(Ctx *cx, const Event *e, SeriesKey *key) {
    Str venue, symbol, timeframe;
    *key = (SeriesKey){ 0 };
    if (!event_body_text(cx->arena, e->body, S("exchange"), &venue))
        venue = S("binance");
    int r = text_of(cx, e, "symbol", &symbol);
    if (r == 0)
        r = text_of(cx, e, "timeframe", &timeframe);
    if (r)
        return r;
    if (!venue_parse(venue, &key->venue))
        return bad(cx, "exchange", "no such exchange");
    if (!symbol_parse(symbol, &key->symbol))
        return bad(cx, "symbol", "no symbol");
    return timeframe_parse(timeframe, &key->timeframe) ? 0 : bad(cx, "timeframe", "no such timeframe");
}

static int on_collection_request(void *arg, Ctx *cx, const Delivery *d) {
    Platform *p = arg;
    SeriesKey key;
    MarketEnsure ensure = { .key = &key };
    MarketEnsured done;
    int r = key_of(cx, &d->event, &key);
    if (r == 0)
        r = time_of(cx, &d->event, "start_date", &ensure.from);
    if (r == 0)
        r = time_of(cx, &d->event, "end_date", &ensure.to);
    if (r == 0 && !time_before(ensure.from, ensure.to))
        r = bad(cx, "end_date", "is not after start_date");
    if (r == 0)
        r = market_ensure(p->market, cx, &ensure, &done);
    if (r == MARKET_NO_VENUE)
        return err_set_at(cx, ERR_NOT_FOUND, S("exchange"), "nothing collects from " STR_FMT,
                          STR_ARG(venue_str(&key.venue)));
    if (r == MARKET_NO_SYMBOL)
        return err_set_at(cx, ERR_NOT_FOUND, S("symbol"), STR_FMT " has no " STR_FMT, STR_ARG(venue_str(&key.venue)),
                          STR_ARG(symbol_str(&key.symbol)));
    return MIN(r, 0);
}

/* What this process has told itself, and what no service waits for yet: heard, counted, done. */
static int on_nothing(void *arg, Ctx *cx, const Delivery *d) {
    UNUSED(arg);
    UNUSED(cx);
    UNUSED(d);
    return 0;
}

/* --- handlers: backtesting (MSG-25) --- */

static int tell_result(Platform *p, Ctx *cx, const Event *e, Str backtest_id) {
    Buf b;
    JsonWriter w;
    buf_init(&b, 4096);
    json_writer_init(&w, &b, false);
    json_object(&w);
    json_put_str(&w, "backtest_id", backtest_id);
    json_put_bool(&w, "success", true);
    json_object_end(&w);
    EventDraft d = { .type = S("backtest_completed"),
                     .source = S("backtest"),
                     .body = buf_str(&b),
                     .priority = -1,
                     .id = str_fmt(cx->arena, "backtest_completed:" STR_FMT, STR_ARG(str_first(e->id, 150))) };
    int r = event_publish(p->events, cx, &d, NULL);
    buf_done(&b);
    return MIN(r, 0);
}

/* The effect is made once by the backtest's id: one that is there already was made by this request before. */
static int on_backtest_request(void *arg, Ctx *cx, const Delivery *d) {
    Platform *p = arg;
    const Event *e = &d->event;
    BacktestRequestIn in;
    StoredBacktest kept;
    Str capital, out_json;
    shape_init(op_backtest_run.in, cx, &in);
    int r = text_of(cx, e, "backtest_id", &in.backtest_id);
    if (r == 0)
        r = text_of(cx, e, "symbol", &in.symbol);
    if (r == 0)
        r = text_of(cx, e, "timeframe", &in.timeframe);
    if (r == 0)
        r = text_of(cx, e, "strategy_type", &in.strategy_type);
    if (r == 0)
        r = time_of(cx, e, "start_date", &in.start_date);
    if (r == 0)
        r = time_of(cx, e, "end_date", &in.end_date);
    if (r == 0)
        r = text_of(cx, e, "initial_capital", &capital);
    if (r)
        return r;
    JsonReader number;
    json_reader_init(&number, capital, cx->arena, 1);
    json_read_f64(&number, &in.initial_capital);
    event_body_text(cx->arena, e->body, S("exchange"), &in.exchange);
    if (event_body_text(cx->arena, e->body, S("strategy_params"), &out_json))
        in.parameters.json = out_json;
    r = backtest_service_get(p->backtest, cx, in.backtest_id, &kept);
    if (r == BACKTEST_NO_SUCH) {
        r = shape_validate(op_backtest_run.in, cx, &in);
        void *out = arena_zalloc(cx->arena, op_backtest_run.out->size);
        if (r == 0)
            r = op_backtest_run.run(p->backtest, cx, &in, out);
    }
    return r < 0 ? r : tell_result(p, cx, e, in.backtest_id);
}

/* --- threads --- */

static void wait_ms(EventRuntime *rt, int64_t ms) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    int64_t ns = t.tv_nsec + ms % MS_PER_SECOND * NS_PER_MS;
    t.tv_sec += ms / MS_PER_SECOND + ns / NS_PER_SECOND;
    t.tv_nsec = ns % NS_PER_SECOND;
    pthread_mutex_lock(&rt->lock);
    while (!rt->stop && pthread_cond_timedwait(&rt->woken, &rt->lock, &t) == 0)
        ;
    pthread_mutex_unlock(&rt->lock);
}

static void begin(EventRuntime *rt, Ctx *cx, Arena *arena) {
    ctx_init(cx, arena, rt->p->clock);
    cx->cancel = &rt->stop;
    cx->principal = (Principal){ ROLE_ADMIN, S("events") };
    cx->slow = slow_log_watch(rt->p->slow);
    cx->operation = "events";
}

static void *consume_main(void *arg) {
    EventThread *t = arg;
    EventRuntime *rt = t->runtime;
    EventConsumer *c = NULL;
    char name[16];
    snprintf(name, sizeof name, "ev-" STR_FMT, STR_ARG(str_first(t->options.queue, 12)));
    pthread_setname_np(pthread_self(), name);
    while (!rt->stop) {
        Arena arena = { 0 };
        Ctx cx;
        ConsumedEvents got = { 0 };
        begin(rt, &cx, &arena);
        int r = c ? 0 : event_consumer_open(rt->p->events, &cx, &t->options, &c);
        if (r == 0)
            r = event_consume(c, &cx, WAIT_MS, &got);
        arena_done(&arena);
        if (r < 0 || got.later) /* the bus is away, or what is asked for cannot be done now */
            wait_ms(rt, AGAIN_MS);
    }
    event_consumer_close(c);
    return NULL;
}

static size_t relay_all(EventRuntime *rt, Ctx *cx) {
    Outbox *v[] = { rt->p->store ? candle_store_outbox(rt->p->store) : NULL,
                    rt->p->news.store ? article_store_outbox(rt->p->news.store) : NULL, rt->p->outbox };
    size_t told = 0;
    for (size_t i = 0; i < ARRAY_LEN(v); i++) {
        size_t n = 0;
        if (v[i])
            event_relay(rt->p->events, cx, v[i], &n);
        told += n;
    }
    return told;
}

/* Tried again and again: the process that this one takes over from may still share it. */
static void share_log(EventRuntime *rt, Ctx *cx) {
    const Platform *p = rt->p;
    if (rt->share || !p->market || p->cfg->events_bus != BUS_LOG || p->cfg->data_store == STORE_MEMORY)
        return;
    int r = bus_share_open(cx, p->bus, platform_bus_socket(cx->arena, p->cfg), p->clock, &rt->share);
    if (r && !rt->share_told)
        LOG_WARNING(p->log, cx, S("the event log is not shared with other processes"),
                    F_STR("reason", str_c(cx->err.text)));
    rt->share_told = r != 0;
    err_clear(cx);
}

static void *relay_main(void *arg) {
    EventRuntime *rt = ((EventThread *)arg)->runtime;
    MonoNs ticked = { 0 };
    pthread_setname_np(pthread_self(), "ev-relay");
    while (!rt->stop) {
        Arena arena = { 0 };
        Ctx cx;
        begin(rt, &cx, &arena);
        size_t told = relay_all(rt, &cx);
        if (mono_ms_between(ticked, clock_mono(rt->p->clock)) >= AGAIN_MS) {
            event_service_tick(rt->p->events, &cx);
            share_log(rt, &cx);
            ticked = clock_mono(rt->p->clock);
        }
        arena_done(&arena);
        if (told == 0)
            wait_ms(rt, LOOK_MS);
    }
    return NULL;
}

static void add(EventRuntime *rt, const char *queue, const EventRoute *routes, size_t n_routes, int prefetch) {
    assert(rt->n < CONSUMERS_MAX);
    rt->threads[rt->n++] = (EventThread){ .runtime = rt,
                                          .options = { .queue = str_c(queue),
                                                       .name = str_c(queue),
                                                       .routes = routes,
                                                       .n_routes = n_routes,
                                                       .prefetch = prefetch } };
}

/* MSG-08. prefetch 1 where work is long: what is urgent overtakes whatever has not begun. */
static void add_consumers(EventRuntime *rt) {
    Platform *p = rt->p;
    EventRoute *r = rt->routes;
    if (p->market) {
        r[0] = (EventRoute){ "data_collection_request", on_collection_request, p };
        r[1] = (EventRoute){ "data_update", on_nothing, p };
        add(rt, "data_collection_queue", r, 2, 1);
        r[2] = (EventRoute){ "*", on_nothing, p };
        add(rt, "storage_queue", r + 2, 1, 0);
        add(rt, "notification_queue", r + 2, 1, 0);
    }
    if (p->prediction.serving) {
        r[9] = (EventRoute){ "*", on_nothing, p };
        add(rt, "prediction_queue", r + 9, 1, 0);
    }
    if (p->backtest) {
        r[3] = (EventRoute){ "backtest_request", on_backtest_request, p };
        r[4] = (EventRoute){ "backtest_completed", on_nothing, p };
        add(rt, "backtest_queue", r + 3, 2, 1);
    }
    if (p->news.news) { /* NWS-06: scores come back; what it has told itself comes by, too */
        r[5] = (EventRoute){ "sentiment_analysis_completed", news_on_sentiment, p->news.news };
        r[6] = (EventRoute){ "*", on_nothing, p };
        add(rt, "news_processing_queue", r + 5, 2, 0);
    }
    if (p->news.sentiment) {
        r[7] = (EventRoute){ "news_collected", sentiment_on_news, p->news.sentiment };
        r[8] = (EventRoute){ "*", on_nothing, p };
        add(rt, "sentiment_analysis_queue", r + 7, 2, 0);
    }
}

EventRuntime *events_start(Platform *p) {
    EventRuntime *rt = mem_new(EventRuntime);
    pthread_condattr_t attr;
    *rt = (EventRuntime){ .p = p };
    pthread_mutex_init(&rt->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&rt->woken, &attr);
    pthread_condattr_destroy(&attr);
    rt->threads[rt->n++] = (EventThread){ .runtime = rt };
    add_consumers(rt);
    for (size_t i = 0; i < rt->n; i++)
        rt->threads[i].running =
            pthread_create(&rt->threads[i].id, NULL, i ? consume_main : relay_main, &rt->threads[i]) == 0;
    return rt;
}

EventRuntime *events_stop(EventRuntime *rt) {
    if (!rt)
        return NULL;
    pthread_mutex_lock(&rt->lock);
    rt->stop = true;
    pthread_cond_broadcast(&rt->woken);
    pthread_mutex_unlock(&rt->lock);
    for (size_t i = 0; i < rt->n; i++)
        if (rt->threads[i].running)
            pthread_join(rt->threads[i].id, NULL);
    bus_share_close(rt->share);
    pthread_cond_destroy(&rt->woken);
    pthread_mutex_destroy(&rt->lock);
    return mem_free(rt);
}
