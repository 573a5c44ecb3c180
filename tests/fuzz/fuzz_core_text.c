/* fuzz: the short texts of core: series keys, symbols, venues, decimals, timeframes, flags. Whatever parses, prints,
 * and what it prints parses to the same value; what is refused leaves the output alone. */

#include "base/num.h"
#include "core/instrument.h"
#include "core/series.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok) {
    if (!ok)
        abort();
}

static void series_key(Str text) {
    SeriesKey key = { 0 }, again, zero = { 0 };
    if (!series_key_parse(text, &key)) {
        require(series_key_eq(&key, &zero));
        return;
    }
    Arena arena = { 0 };
    require(series_key_parse(series_key_text(&arena, &key), &again));
    require(series_key_eq(&key, &again));
    require(timeframe_valid(key.timeframe));
    arena_done(&arena);
}

static void names(Str text) {
    Symbol symbol, symbol_again;
    Venue venue, venue_again;
    if (symbol_parse(text, &symbol)) {
        require(str_eq(symbol_str(&symbol), text));
        require(symbol_parse(symbol_str(&symbol), &symbol_again) && symbol_eq(symbol, symbol_again));
    }
    if (venue_parse(text, &venue))
        require(venue_parse(venue_str(&venue), &venue_again) && venue_eq(venue, venue_again));
}

static void decimal(Str text) {
    Decimal d, again;
    char out[NUM_TEXT_MAX];
    if (!decimal_parse(text, &d))
        return;
    require(d.scale >= 0 && d.scale <= 18);
    size_t n = decimal_format(d, out);
    require(n <= NUM_TEXT_MAX && decimal_parse(str_n(out, n), &again));
    require(d.mantissa == again.mantissa && d.scale == again.scale && decimal_cmp(d, again) == 0);
    double ours = decimal_to_f64(d), base;
    require(num_parse_f64(text, &base) && (ours == base)); /* base/num reads all that decimal reads */
}

static void timeframe(Str text) {
    Timeframe tf;
    char out[TIMEFRAME_TEXT_MAX];
    if (timeframe_parse(text, &tf))
        require(timeframe_valid(tf) && str_eq(timeframe_text(tf, out), text));
}

static void flags(Str text) {
    uint8_t f, again;
    char out[CANDLE_FLAGS_TEXT_MAX];
    if (candle_flags_parse(text, &f))
        require(candle_flags_parse(str_n(out, candle_flags_format(f, out)), &again) && f == again);
}

/* Any two numbers are a time and a count. */
static void grid(const uint8_t *data, size_t size) {
    int64_t t, n;
    if (size < 18)
        return;
    memcpy(&t, data, 8);
    memcpy(&n, data + 8, 8);
    Timeframe tf = { data[16], data[17] };
    if (!timeframe_valid(tf))
        return;
    Time open = timeframe_floor(tf, time_ms(t));
    require(open.ms <= t);
    timeframe_step(tf, time_ms(t), n);
    require(timeframe_next(tf, time_ms(t)).ms > t || t > INT64_MAX - 400 * (int64_t)MS_PER_DAY);
    require(timeframe_count(tf, time_ms(MIN(t, n)), time_ms(MAX(t, n))) >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    Str text = str_n((const char *)data, size);
    series_key(text);
    names(text);
    decimal(text);
    timeframe(text);
    flags(text);
    grid(data, size);
    return 0;
}
