/* tests/lib/fake_binance.c - see fake_binance.h. */

#include "fake_binance.h"

#include "base/buf.h"
#include "base/num.h"

#include <stdio.h>

static VenueFault next_fault(FakeBinance *v) {
    pthread_mutex_lock(&v->lock);
    VenueFault fault = v->fault_count > 0 ? v->fault : VENUE_WELL;
    v->fault_count -= v->fault_count > 0;
    pthread_mutex_unlock(&v->lock);
    return fault;
}

static int64_t count_weight(FakeBinance *v, Time now, int64_t weight) {
    pthread_mutex_lock(&v->lock);
    int64_t minute = floor_div(now.ms, MS_PER_MINUTE);
    v->weight = minute == v->minute ? v->weight + weight : weight;
    v->minute = minute;
    v->most_weight = MAX(v->most_weight, v->weight);
    int64_t used = v->weight;
    pthread_mutex_unlock(&v->lock);
    return used;
}

/* --- answers --- */

static void put_number(Buf *b, double x) {
    char text[NUM_TEXT_MAX];
    size_t n = num_format_f64(x, text);
    buf_printf(b, ",\"%.*s\"", (int)n, text);
}

static void put_row(const FakeBinance *v, Buf *b, size_t i, bool micros) {
    const Candles *cs = v->candles;
    int64_t open = cs->open_ms[i], close = open + timeframe_ms(v->tf) - 1;
    if (!timeframe_is_fixed(v->tf))
        close = timeframe_next(v->tf, time_ms(open)).ms - 1;
    buf_put_c(b, b->n > 1 ? ',' : ' ');
    buf_printf(b, "[%lld", (long long)(micros ? open * 1000 : open));
    put_number(b, cs->open[i]);
    put_number(b, cs->high[i]);
    put_number(b, cs->low[i]);
    put_number(b, cs->close[i]);
    put_number(b, cs->volume[i]);
    buf_printf(b, ",%lld,\"1\",1,\"1\",\"1\",\"0\"]", (long long)(micros ? close * 1000 + 999 : close));
}

static int64_t param_i64(Str url, const char *name, int64_t otherwise) {
    int64_t x = otherwise;
    return str_to_i64(fake_http_param(url, name), &x) ? x : otherwise;
}

/* Which rows a page has; room for the faults' own. */
typedef struct RowList {
    size_t v[1100], n;
} RowList;

static void spoil(RowList *rows, const FakeBinance *v, VenueFault fault, size_t last, Time now) {
    size_t had = rows->n;
    switch (fault) {
    case VENUE_EMPTY:
        rows->n = last < v->candles->n ? 0 : had;
        return;
    case VENUE_SHORT:
        rows->n -= had / 2;
        return;
    case VENUE_DUPLICATE: /* the first twice, and before it the one before startTime */
        if (had == 0)
            return;
        memmove(rows->v + 2, rows->v, had * sizeof rows->v[0]);
        rows->v[1] = rows->v[2];
        rows->v[0] = rows->v[2] ? rows->v[2] - 1 : 0;
        rows->n = MIN(had + 2, 1000);
        return;
    case VENUE_STRAY:
        for (size_t i = last; i < MIN(last + 2, v->candles->n) && v->candles->open_ms[i] <= now.ms; i++)
            rows->v[rows->n++] = i;
        return;
    case VENUE_UNSORTED:
        for (size_t i = 1; i < had; i += 5) {
            size_t x = rows->v[i];
            rows->v[i] = rows->v[i - 1];
            rows->v[i - 1] = x;
        }
        return;
    default:
        return;
    }
}

static void put_klines(const FakeBinance *v, Buf *b, Str url, Time now, VenueFault fault) {
    const Candles *cs = v->candles;
    int64_t end = MIN(param_i64(url, "endTime", INT64_MAX - 1), now.ms);
    size_t limit = (size_t)CLAMP(param_i64(url, "limit", 500), 1, 1000);
    size_t first = candles_lower_bound(cs, time_ms(param_i64(url, "startTime", 0)));
    size_t last = MIN(candles_lower_bound(cs, time_ms(end + 1)), first + limit);
    RowList rows = { .n = 0 };
    for (size_t i = first; i < last; i++)
        rows.v[rows.n++] = i;
    spoil(&rows, v, fault, last, now);
    buf_put_c(b, '[');
    for (size_t i = 0; i < rows.n; i++)
        put_row(v, b, rows.v[i], fault == VENUE_MICROS);
    buf_put_c(b, ']');
}

static void put_info(const FakeBinance *v, Buf *b, Time now) {
    buf_printf(b, "{\"timezone\":\"UTC\",\"serverTime\":%lld,\"rateLimits\":[", (long long)now.ms);
    if (v->weight_limit)
        buf_printf(b, "{\"rateLimitType\":\"REQUEST_WEIGHT\",\"interval\":\"MINUTE\",\"intervalNum\":1,\"limit\":%lld}",
                   (long long)v->weight_limit);
    buf_printf(b,
               "],\"symbols\":[{\"symbol\":\"%s\",\"status\":\"TRADING\",\"baseAsset\":\"BTC\",\"quoteAsset\":\"USDT\","
               "\"filters\":[{\"filterType\":\"PRICE_FILTER\",\"tickSize\":\"0.01000000\"}]}]}",
               v->symbol.s);
}

/* The refusals that are answers of HTTP; 0 when the fault is none of them. */
static int refuse(const FakeBinance *v, Ctx *cx, VenueFault fault, Time now, HttpResponse *out) {
    UNUSED(v);
    switch (fault) {
    case VENUE_429:
        fake_http_answer(cx, out, 429, "Retry-After: 7\n", S("{\"code\":-1003,\"msg\":\"Too many requests.\"}"));
        return 1;
    case VENUE_418:
        fake_http_answer(cx, out, 418, "Retry-After: 120\n", S("{\"code\":-1003,\"msg\":\"IP banned.\"}"));
        return 1;
    case VENUE_418_WORDS:
        fake_http_answer(cx, out, 418, "",
                         str_fmt(cx->arena, "{\"code\":-1003,\"msg\":\"IP banned until %lld. Use WebSocket.\"}",
                                 (long long)now.ms + 120000));
        return 1;
    case VENUE_403:
        fake_http_answer(cx, out, 403, "content-type: text/html\n", S("<html><h1>403 Forbidden</h1></html>"));
        return 1;
    case VENUE_500:
        fake_http_answer(cx, out, 500, "", S("{\"code\":-1000,\"msg\":\"An unknown error.\"}"));
        return 1;
    default:
        return 0;
    }
}

int fake_binance_serve(void *arg, Ctx *cx, const HttpRequest *req, HttpResponse *out) {
    FakeBinance *v = arg;
    Time now = time_ms(clock_wall(cx->clock).ms + v->ahead_ms);
    bool klines = str_find(req->url, S("/api/v3/klines?")) >= 0, info = str_find(req->url, S("/exchangeInfo")) >= 0;
    int64_t used = count_weight(v, now, klines ? 2 : info ? 20 : 1);
    VenueFault fault = klines ? next_fault(v) : VENUE_WELL;
    if (fault == VENUE_SLOW) {
        clock_sleep_ms(cx->clock, req->total_ms);
        return err_set(cx, ERR_TIMEOUT, "no whole answer in %lld ms", (long long)req->total_ms);
    }
    if (refuse(v, cx, fault, now, out))
        return 0;
    Str symbol = fake_http_param(req->url, "symbol");
    if (symbol.n && !str_eq(symbol, symbol_str(&v->symbol))) {
        fake_http_answer(cx, out, 400, "", S("{\"code\":-1121,\"msg\":\"Invalid symbol.\"}"));
        return 0;
    }
    Buf b;
    buf_init(&b, 1 << 22);
    if (klines)
        put_klines(v, &b, req->url, now, fault);
    else if (info)
        put_info(v, &b, now);
    else
        buf_printf(&b, "{\"serverTime\":%lld}", (long long)now.ms);
    if (fault == VENUE_TRUNCATED)
        b.n /= 2;
    Str headers = str_fmt(cx->arena, "%s%s", v->simulated ? "X-FinSight-Simulated: 1\n" : "",
                          v->counts ? str_fmt(cx->arena, "X-MBX-USED-WEIGHT-1M: %lld\n", (long long)used).p : "");
    fake_http_answer(cx, out, 200, headers.p, buf_str(&b));
    buf_done(&b);
    return 0;
}

void fake_binance_init(FakeBinance *v, Timeframe tf, const Candles *candles) {
    *v = (FakeBinance){ .http = fake_http_new(), .tf = tf, .candles = candles, .weight_limit = 6000, .counts = true };
    symbol_parse(S("BTCUSDT"), &v->symbol);
    pthread_mutex_init(&v->lock, NULL);
    fake_http_serve(v->http, fake_binance_serve, v);
}

void fake_binance_done(FakeBinance *v) {
    fake_http_free(v->http);
    pthread_mutex_destroy(&v->lock);
}

void fake_binance_fault(FakeBinance *v, VenueFault fault, int count) {
    pthread_mutex_lock(&v->lock);
    v->fault = fault;
    v->fault_count = count;
    pthread_mutex_unlock(&v->lock);
}
