/* sim/exchange_stream.c - see exchange_stream.h. Facts: the venue's web-socket-streams.md of 2026. */

#include "sim/exchange_stream.h"

#include "sim/exchange_internal.h"

enum {
    STREAMS_MAX = 1024,
    INBOUND_MAX = 5, /* a second */
    PING_MS = 20 * 1000,
    DAY_MS = 24 * 3600 * 1000,
    SHUTDOWN_MS = 60 * 1000,
    MESSAGE_MAX = 256 << 10,
};

typedef struct Sub {
    char name[48]; /* "btcusdt@kline_1m" */
    const Source *source;
    KlineGrid grid;
    Time at;      /* place of the candle that runs */
    bool changed; /* something was pushed of it */
} Sub;

struct ExchangeStream {
    ExchangeSim *x;
    StreamEmit *emit;
    void *arg;
    Arena arena; /* of one call */
    bool combined, over;
    Sub *subs;
    size_t n_subs;
    Time push_at, ping_at, end_at;
    int64_t second, inbound;
    int64_t skip; /* messages left out */
};

static void put(ExchangeStream *s, StreamAct act, Str text, int code) {
    if (s->over)
        return;
    s->over = act == STREAM_CLOSE || act == STREAM_CUT;
    s->emit(s->arg, act, text, code);
}

/* --- subscriptions --- */

static bool parse_stream(ExchangeStream *s, Str name, Time now, Sub *out) {
    Str rest = name, symbol;
    static const Str kline = STR_INIT("kline_");
    *out = (Sub){ 0 };
    if (name.n >= sizeof out->name || !str_next(&rest, '@', &symbol) || !str_starts(rest, kline))
        return false;
    Str upper = str_upper(&s->arena, symbol);
    if (str_eq(upper, symbol) || !timeframe_parse(str_from(rest, kline.n), &out->grid.tf)) /* lower case only */
        return false;
    out->source = exchange_find(s->x, upper, now);
    memcpy(out->name, name.p, name.n);
    out->at = timeframe_floor(out->grid.tf, now);
    return true;
}

static Sub *find_sub(ExchangeStream *s, Str name) {
    for (size_t i = 0; i < s->n_subs; i++)
        if (str_eq(str_c(s->subs[i].name), name))
            return &s->subs[i];
    return NULL;
}

static bool subscribe(ExchangeStream *s, Str name, Time now) {
    Sub sub;
    if (!parse_stream(s, name, now, &sub))
        return false;
    if (find_sub(s, name))
        return true;
    if (s->n_subs == STREAMS_MAX) {
        put(s, STREAM_CLOSE, S("too many streams"), 1008);
        return true;
    }
    if (sub.source) /* of an unknown symbol nothing ever comes, as at the venue */
        s->subs[s->n_subs++] = sub;
    return true;
}

static void unsubscribe(ExchangeStream *s, Str name) {
    Sub *sub = find_sub(s, name);
    if (sub)
        *sub = s->subs[--s->n_subs];
}

typedef struct Command {
    Str method, id;
    Str params[STREAMS_MAX];
    size_t n;
} Command;

static bool read_command(ExchangeStream *s, Str text, Command *c) {
    JsonReader r;
    Str key;
    c->id = S("null");
    json_reader_init(&r, text, &s->arena, 8);
    json_open_object(&r);
    while (json_object_next(&r, &key) > 0) {
        if (str_eq(key, S("method"))) {
            json_read_str(&r, &c->method);
        } else if (str_eq(key, S("id"))) {
            json_skip_raw(&r, &c->id);
        } else if (str_eq(key, S("params"))) {
            json_open_array(&r);
            while (json_array_next(&r) > 0)
                if (c->n == STREAMS_MAX)
                    json_fail(&r, "too many");
                else
                    json_read_str(&r, &c->params[c->n++]);
        } else {
            json_skip(&r);
        }
    }
    return json_finish(&r) == 0;
}

static void run_command(ExchangeStream *s, Str text, Time now) {
    Command *c = arena_new(&s->arena, Command);
    bool known = true;
    if (!read_command(s, text, c)) {
        put(s, STREAM_TEXT, S("{\"code\":3,\"msg\":\"Invalid JSON: expected value\"}"), 0);
        return;
    }
    if (str_eq(c->method, S("SUBSCRIBE"))) {
        for (size_t i = 0; i < c->n; i++)
            known &= subscribe(s, c->params[i], now);
    } else if (str_eq(c->method, S("UNSUBSCRIBE"))) {
        for (size_t i = 0; i < c->n; i++)
            unsubscribe(s, c->params[i]);
    } else if (str_eq(c->method, S("LIST_SUBSCRIPTIONS"))) {
        Buf b;
        buf_init(&b, MESSAGE_MAX);
        BUF_LIT(&b, "{\"result\":[");
        for (size_t i = 0; i < s->n_subs; i++)
            buf_printf(&b, "%s\"%s\"", i ? "," : "", s->subs[i].name);
        buf_printf(&b, "],\"id\":" STR_FMT "}", STR_ARG(c->id));
        put(s, STREAM_TEXT, buf_str(&b), 0);
        buf_done(&b);
        return;
    } else {
        put(s, STREAM_TEXT, S("{\"code\":2,\"msg\":\"Invalid request: unknown variant\"}"), 0);
        return;
    }
    put(s, STREAM_TEXT,
        known ? str_fmt(&s->arena, "{\"result\":null,\"id\":" STR_FMT "}", STR_ARG(c->id))
              : S("{\"code\":2,\"msg\":\"Invalid request: invalid stream\"}"),
        0);
}

void exchange_stream_input(ExchangeStream *s, Str text, Time now) {
    int64_t second = floor_div(now.ms, MS_PER_SECOND);
    s->inbound = second == s->second ? s->inbound + 1 : 1;
    s->second = second;
    if (s->inbound > INBOUND_MAX)
        put(s, STREAM_CLOSE, S("Too many requests"), 1008);
    else if (!s->over)
        run_command(s, text, now);
    arena_reset(&s->arena);
}

/* --- candles --- */

static void put_field(Buf *b, const char *key, double v) {
    buf_printf(b, ",\"%s\":\"", key);
    put_decimal(b, v);
    buf_put_c(b, '"');
}

static void write_kline(ExchangeStream *s, const Sub *sub, const Kline *k, Time now, bool closed, Buf *b) {
    char tf[TIMEFRAME_TEXT_MAX];
    double quote = kline_quote_volume(k);
    const char *symbol = sub->source->listing.symbol.s;
    if (s->combined)
        buf_printf(b, "{\"stream\":\"%s\",\"data\":", sub->name);
    buf_printf(
        b, "{\"e\":\"kline\",\"E\":%lld,\"s\":\"%s\",\"k\":{\"t\":%lld,\"T\":%lld,\"s\":\"%s\",\"i\":\"" STR_FMT "\"",
        (long long)now.ms, symbol, (long long)k->open_ms, (long long)k->close_ms, symbol,
        STR_ARG(timeframe_text(sub->grid.tf, tf)));
    buf_printf(b, ",\"f\":%lld,\"L\":%lld", (long long)(k->trades ? k->open_ms / 100 : -1),
               (long long)(k->trades ? k->open_ms / 100 + k->trades - 1 : -1));
    put_field(b, "o", k->c.open);
    put_field(b, "c", k->c.close);
    put_field(b, "h", k->c.high);
    put_field(b, "l", k->c.low);
    put_field(b, "v", k->c.volume);
    buf_printf(b, ",\"n\":%lld,\"x\":%s", (long long)k->trades, closed ? "true" : "false");
    put_field(b, "q", quote);
    put_field(b, "V", k->c.volume / 2);
    put_field(b, "Q", quote / 2);
    BUF_LIT(b, ",\"B\":\"0\"}}");
    if (s->combined)
        buf_put_c(b, '}');
}

static void shut_down(ExchangeStream *s, Time now) {
    Str event = str_fmt(&s->arena, "{\"e\":\"serverShutdown\",\"E\":%lld}", (long long)now.ms);
    if (s->combined)
        event = str_fmt(&s->arena, "{\"stream\":\"!serverShutdown\",\"data\":" STR_FMT "}", STR_ARG(event));
    put(s, STREAM_TEXT, event, 0);
    s->end_at = time_ms(MIN(s->end_at.ms, now.ms + SHUTDOWN_MS));
}

static void push_kline(ExchangeStream *s, const Sub *sub, const Kline *k, Time now, bool closed) {
    Buf b;
    unsigned fits = FAULTS_OF_STREAM & ~(closed ? 0 : 1u << FAULT_WS_TWICE);
    FaultHit f = faults_next(&s->x->faults, fits, S("/stream"), symbol_str(&sub->source->listing.symbol));
    s->x->stats.faults += f.kind != FAULT_NONE;
    if (f.kind == FAULT_WS_CLOSE || f.kind == FAULT_WS_DAY) {
        put(s, f.kind == FAULT_WS_DAY ? STREAM_CLOSE : STREAM_CUT, S("24 hours are over"), 1000);
        return;
    }
    if (f.kind == FAULT_WS_GAP)
        s->skip = f.n;
    if (f.kind == FAULT_WS_PING)
        put(s, STREAM_PING, S(""), 0);
    if (f.kind == FAULT_WS_SHUTDOWN)
        shut_down(s, now);
    if (s->skip > 0) {
        s->skip--;
        return;
    }
    buf_init(&b, 4096);
    write_kline(s, sub, k, now, closed, &b);
    put(s, STREAM_TEXT, buf_str(&b), 0);
    if (f.kind == FAULT_WS_TWICE)
        put(s, STREAM_TEXT, buf_str(&b), 0);
    buf_done(&b);
}

/* The candle whose place is `open`, as it looks at `now`; false when it has none, or none yet. */
static bool kline_of(const Sub *sub, Time open, Time now, Kline *out) {
    Time next = timeframe_step(sub->grid.tf, open, 1);
    return source_next(sub->source, sub->grid, open, now, out) && out->open_ms < next.ms;
}

/* Candles that have ended since, then the one that runs. */
static void push_sub(ExchangeStream *s, Sub *sub, Time now) {
    Time running = timeframe_floor(sub->grid.tf, now);
    Kline k;
    for (; sub->at.ms < running.ms && !s->over; sub->at = timeframe_step(sub->grid.tf, sub->at, 1))
        if (kline_of(sub, sub->at, now, &k))
            push_kline(s, sub, &k, now, true);
    if (!s->over && kline_of(sub, running, now, &k))
        push_kline(s, sub, &k, now, false);
}

void exchange_stream_run(ExchangeStream *s, Time now) {
    if (!s->over && s->end_at.ms <= now.ms)
        put(s, STREAM_CLOSE, S("24 hours are over"), 1000);
    if (!s->over && s->ping_at.ms <= now.ms) {
        put(s, STREAM_PING, str_fmt(&s->arena, "%lld", (long long)now.ms), 0);
        s->ping_at = time_add_ms(now, PING_MS);
    }
    if (!s->over && s->push_at.ms <= now.ms) {
        for (size_t i = 0; i < s->n_subs && !s->over; i++)
            push_sub(s, &s->subs[i], now);
        s->push_at = time_ms((floor_div(now.ms, s->x->stream_ms) + 1) * s->x->stream_ms);
    }
    arena_reset(&s->arena);
}

Time exchange_stream_due(const ExchangeStream *s) {
    if (s->over)
        return TIME_MAX;
    return time_ms(MIN(MIN(s->push_at.ms, s->ping_at.ms), s->end_at.ms));
}

/* --- life --- */

ExchangeStream *exchange_stream_new(ExchangeSim *x, Str target, Time now, StreamEmit *emit, void *arg) {
    Str query = target, path, one;
    if (!str_next(&query, '?', &path))
        return NULL;
    bool combined = str_eq(path, S("/stream")), named = str_starts(path, S("/ws/"));
    if (!combined && !named && !str_eq(path, S("/ws")))
        return NULL;
    ExchangeStream *s = mem_new(ExchangeStream);
    *s = (ExchangeStream){ .x = x, .emit = emit, .arg = arg, .combined = combined };
    s->subs = mem_new_n(Sub, STREAMS_MAX);
    s->push_at = time_ms((floor_div(now.ms, x->stream_ms) + 1) * x->stream_ms);
    s->ping_at = time_add_ms(now, PING_MS);
    s->end_at = time_add_ms(now, DAY_MS);
    Str names = named ? str_from(path, 4) : str_starts(query, S("streams=")) ? str_from(query, 8) : (Str){ 0 };
    while (names.n && str_next(&names, '/', &one))
        subscribe(s, one, now);
    arena_reset(&s->arena);
    return s;
}

ExchangeStream *exchange_stream_free(ExchangeStream *s) {
    if (s) {
        arena_done(&s->arena);
        mem_free(s->subs);
    }
    return mem_free(s);
}
