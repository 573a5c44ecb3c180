/* adapters/market/binance_stream.c - see binance_stream.h. */

#include "adapters/market/binance_stream.h"

#include "adapters/market/venue_parse.h"

static const int64_t MICROS_FROM = INT64_C(100000000000000);

static int64_t to_ms(int64_t t) {
    return t >= MICROS_FROM ? t / 1000 : t;
}

static void read_kline(JsonReader *r, BinanceStreamText *m) {
    Str key, text = { 0 };
    bool closed = false, timed = false;
    int64_t open_time = 0;
    unsigned seen = 0;
    static const char names[] = "ohlcv";
    double *numbers[] = { &m->candle.open, &m->candle.high, &m->candle.low, &m->candle.close, &m->candle.volume };
    json_open_object(r);
    while (json_object_next(r, &key) > 0) {
        const char *at = key.n == 1 ? strchr(names, key.p[0]) : NULL;
        if (at && *at) {
            json_read_f64(r, numbers[at - names]);
            seen |= 1u << (at - names);
        } else if (str_eq(key, S("t"))) {
            json_read_i64(r, &open_time);
            timed = true;
        } else if (str_eq(key, S("i")) && json_read_str(r, &text) == 0) {
            if (!timeframe_parse(text, &m->timeframe))
                json_fail(r, "an interval that is no timeframe");
        } else if (str_eq(key, S("s")) && json_read_str(r, &text) == 0) {
            if (!symbol_parse(text, &m->symbol))
                json_fail(r, "a symbol whose name has letters that ours may not have");
        } else if (str_eq(key, S("x"))) {
            json_read_bool(r, &closed);
        } else {
            json_skip(r);
        }
    }
    m->candle.open_time = time_ms(to_ms(open_time));
    m->candle.flags = closed ? 0 : CANDLE_OPEN;
    if (!timed || seen != 31 || !m->timeframe.unit || !m->symbol.s[0] || !venue_time_ok(m->candle.open_time.ms))
        json_fail(r, "a kline without all of its fields");
}

static void read_object(JsonReader *r, BinanceStreamText *m, int depth);

static void read_error(JsonReader *r, BinanceStreamText *m) {
    Str key;
    m->kind = BINANCE_STREAM_REFUSAL;
    if (json_peek(r) != JSON_OBJECT) {
        json_skip(r);
        return;
    }
    json_open_object(r);
    while (json_object_next(r, &key) > 0)
        if (str_eq(key, S("msg")) && json_peek(r) == JSON_STRING)
            json_read_str(r, &m->words);
        else
            json_skip(r);
}

static void read_field(JsonReader *r, Str key, BinanceStreamText *m, int depth) {
    Str event;
    if (str_eq(key, S("data")) && depth == 0 && json_peek(r) == JSON_OBJECT) {
        read_object(r, m, 1);
    } else if (str_eq(key, S("k")) && json_peek(r) == JSON_OBJECT) {
        m->kind = BINANCE_STREAM_KLINE;
        read_kline(r, m);
    } else if (str_eq(key, S("e")) && json_peek(r) == JSON_STRING) {
        if (json_read_str(r, &event) == 0 && str_eq(event, S("serverShutdown")))
            m->kind = BINANCE_STREAM_SHUTDOWN;
    } else if (str_eq(key, S("E"))) {
        json_read_i64(r, &m->at.ms);
    } else if (str_eq(key, S("id")) && json_peek(r) == JSON_NUMBER) {
        json_read_i64(r, &m->id);
    } else if (str_eq(key, S("result")) && m->kind == BINANCE_STREAM_OTHER) {
        m->kind = BINANCE_STREAM_ANSWER;
        json_skip(r);
    } else if (str_eq(key, S("error"))) {
        read_error(r, m);
    } else if (str_eq(key, S("msg")) && json_peek(r) == JSON_STRING) {
        m->kind = BINANCE_STREAM_REFUSAL;
        json_read_str(r, &m->words);
    } else {
        json_skip(r);
    }
}

static void read_object(JsonReader *r, BinanceStreamText *m, int depth) {
    Str key;
    json_open_object(r);
    while (json_object_next(r, &key) > 0)
        read_field(r, key, m, depth);
}

int binance_parse_stream(Ctx *cx, Str text, BinanceStreamText *out) {
    JsonReader r;
    BinanceStreamText m = { 0 };
    json_reader_init(&r, text, cx->arena, VENUE_DEPTH_MAX);
    read_object(&r, &m, 0);
    m.at.ms = to_ms(m.at.ms);
    if (!venue_time_ok(m.at.ms))
        json_fail(&r, "an event whose time makes no sense");
    if (json_finish(&r) != 0)
        return venue_bad_json(cx, &r, "stream");
    *out = m;
    return 0;
}

Str binance_stream_name(Arena *a, Symbol symbol, Timeframe tf) {
    char text[TIMEFRAME_TEXT_MAX];
    return str_fmt(a, STR_FMT "@kline_" STR_FMT, STR_ARG(str_lower(a, symbol_str(&symbol))),
                   STR_ARG(timeframe_text(tf, text)));
}
