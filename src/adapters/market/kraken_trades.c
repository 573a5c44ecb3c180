/* adapters/market/kraken_trades.c - see kraken_trades.h. */

#include "adapters/market/kraken_trades.h"

#include "base/num.h"

#include <math.h>

enum { SCALE = 18 };

void trade_candles_init(TradeCandles *b, Timeframe tf, Time from) {
    assert(timeframe_on_grid(tf, from));
    *b = (TradeCandles){ .timeframe = tf, .price = NAN, .next = from };
}

static unsigned __int128 scaled(Decimal d) {
    unsigned __int128 v = (unsigned __int128)MAX(d.mantissa, 0);
    for (int i = d.scale; i < SCALE; i++)
        v *= 10;
    return v;
}

/* The decimal's digits are read as text, which rounds once. */
static double volume_f64(unsigned __int128 v) {
    char text[48];
    size_t at = sizeof text;
    double out = 0;
    for (int digits = 0; v > 0 || digits <= SCALE; digits++, v /= 10) {
        if (digits == SCALE)
            text[--at] = '.';
        text[--at] = (char)('0' + (int)(v % 10));
    }
    bool ok = num_parse_f64(str_n(text + at, sizeof text - at), &out);
    assert(ok);
    UNUSED(ok);
    return out;
}

static void put(const Candle *c, Candles *out, Arena *arena) {
    candles_reserve(out, arena, out->n + 1);
    candles_push(out, c);
}

static void close_running(TradeCandles *b, Candles *out, Arena *arena) {
    b->candle.volume = volume_f64(b->volume);
    put(&b->candle, out, arena);
    b->next = timeframe_next(b->timeframe, b->candle.open_time);
    b->running = false;
}

/* Flat candles for the places before `to`. */
static void fill(TradeCandles *b, Time to, Candles *out, Arena *arena) {
    for (; time_before(b->next, to); b->next = timeframe_step(b->timeframe, b->next, 1)) {
        if (isnan(b->price))
            continue;
        Candle flat = { .open_time = b->next, .open = b->price, .high = b->price, .low = b->price, .close = b->price };
        put(&flat, out, arena);
    }
}

void trade_candles_add(TradeCandles *b, const KrakenTrade *t, Candles *out, Arena *arena) {
    Time open = timeframe_floor(b->timeframe, t->at);
    if (time_before(open, b->next)) {
        if (!b->running && out->n == 0)
            b->price = t->price;
        return;
    }
    if (b->running && b->candle.open_time.ms != open.ms)
        close_running(b, out, arena);
    if (!b->running) {
        fill(b, open, out, arena);
        b->candle = (Candle){ .open_time = open, .open = t->price, .high = t->price, .low = t->price };
        b->volume = 0;
        b->running = true;
    }
    b->candle.high = fmax(b->candle.high, t->price);
    b->candle.low = fmin(b->candle.low, t->price);
    b->candle.close = b->price = t->price;
    b->volume += scaled(t->volume);
}

void trade_candles_until(TradeCandles *b, Time until, Candles *out, Arena *arena) {
    if (b->running && !time_before(until, timeframe_next(b->timeframe, b->candle.open_time)))
        close_running(b, out, arena);
    if (!b->running)
        fill(b, timeframe_floor(b->timeframe, until), out, arena);
}
