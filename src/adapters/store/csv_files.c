/* adapters/store/csv_files.c - see csv_files.h. */

#include "adapters/store/csv_files.h"

#include "base/csv.h"
#include "base/num.h"

#include <math.h>

const char CSV_CHANGES_HEADER[] = "sequence,series_id,revision,from_ms,to_ms,at_ms\r\n";

static const char *const PRICES[] = { "", "~bid", "~ask", "~mid", "~mark", "~index" };
static const char *const ADJUSTMENTS[] = { "", "+splits", "+all" };

static Str escape(Arena *a, Str name) {
    static const char hex[] = "0123456789ABCDEF";
    char *out = arena_alloc(a, name.n * 3 + 1);
    size_t n = 0;
    for (size_t i = 0; i < name.n; i++) {
        uint8_t c = (uint8_t)name.p[i];
        bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' ||
                     c == '-' || c == '^' || c == '=' || (c == '.' && i > 0);
        if (plain) {
            out[n++] = (char)c;
        } else {
            out[n++] = '%';
            out[n++] = hex[c >> 4];
            out[n++] = hex[c & 15];
        }
    }
    return str_n(out, n);
}

char *csv_series_path(Arena *a, const char *dir, const SeriesKey *key, const char *suffix) {
    char tf_text[TIMEFRAME_TEXT_MAX];
    Str tf = timeframe_text(key->timeframe, tf_text), symbol = escape(a, symbol_str(&key->symbol));
    assert(key->price < ARRAY_LEN(PRICES) && key->adjustment < ARRAY_LEN(ADJUSTMENTS));
    Str path = str_fmt(a, "%s/%s/" STR_FMT "/" STR_FMT "%s%s%s%s%s", dir, key->venue.s, STR_ARG(symbol), STR_ARG(tf),
                       key->provider.s[0] ? "@" : "", key->provider.s, PRICES[key->price], ADJUSTMENTS[key->adjustment],
                       suffix);
    return str_cz(a, path);
}

char *csv_store_path(Arena *a, const char *dir, const char *name) {
    return str_cz(a, str_fmt(a, "%s/%s", dir, name));
}

static void put_number(Buf *b, double v) {
    char text[NUM_TEXT_MAX];
    if (v == 0 && signbit(v))
        BUF_LIT(b, "-0"); /* the one value that num_format_f64 does not tell apart */
    else
        buf_put(b, text, num_format_f64(v, text));
}

static void put_time(Buf *b, int64_t ms) {
    char text[TIME_TEXT_MAX];
    buf_put(b, text, time_format_iso(time_ms(ms), text));
}

static void put_flags(Buf *b, uint8_t flags) {
    char text[CANDLE_FLAGS_TEXT_MAX];
    buf_put(b, text, candle_flags_format(flags, text));
}

int csv_put_candles(Buf *out, const Candles *rows) {
    BUF_LIT(out, "time,open,high,low,close,volume,known_at,flags\r\n");
    for (size_t i = 0; i < rows->n; i++) {
        const double numbers[5] = { rows->open[i], rows->high[i], rows->low[i], rows->close[i], rows->volume[i] };
        put_time(out, rows->open_ms[i]);
        for (int k = 0; k < 5; k++) {
            buf_put_c(out, ',');
            put_number(out, numbers[k]);
        }
        buf_put_c(out, ',');
        if (rows->known_ms[i])
            put_time(out, rows->known_ms[i]);
        buf_put_c(out, ',');
        put_flags(out, rows->flags[i]);
        BUF_LIT(out, "\r\n");
    }
    return buf_ok(out) ? 0 : ERR_LIMIT;
}

static void put_text(Buf *b, const char *text, size_t size) {
    csv_write_field(b, ',', str_n(text, strnlen(text, size)));
}

int csv_put_coverage(Buf *out, const Coverage *v, size_t n) {
    BUF_LIT(out, "from_ms,to_ms,fetched_ms,source\r\n");
    for (size_t i = 0; i < n; i++) {
        buf_printf(out, "%lld,%lld,%lld,", (long long)v[i].from.ms, (long long)v[i].to.ms,
                   (long long)v[i].fetched_at.ms);
        put_text(out, v[i].source, sizeof v[i].source);
        BUF_LIT(out, "\r\n");
    }
    return buf_ok(out) ? 0 : ERR_LIMIT;
}

int csv_put_change(Buf *out, const SeriesChange *c) {
    return buf_printf(out, "%lld,%lld,%lld,%lld,%lld,%lld\r\n", (long long)c->sequence, (long long)c->series_id,
                      (long long)c->revision, (long long)c->from.ms, (long long)c->to.ms, (long long)c->at.ms);
}

int csv_put_listings(Buf *out, const Listing *v, size_t n) {
    BUF_LIT(out, "venue,symbol,instrument,base,quote,asset,status,tick_mantissa,tick_scale,lot_mantissa,lot_scale,"
                 "notional_mantissa,notional_scale,calendar,time_zone,valid_from_ms,valid_to_ms\r\n");
    for (size_t i = 0; i < n; i++) {
        const Listing *l = &v[i];
        const char *const texts[] = { l->venue.s, l->symbol.s, l->instrument.s, l->base.s, l->quote.s };
        for (size_t k = 0; k < ARRAY_LEN(texts); k++) {
            csv_write_field(out, ',', str_c(texts[k]));
            buf_put_c(out, ',');
        }
        buf_printf(out, "%d,%d,%lld,%d,%lld,%d,%lld,%d,", (int)l->asset, (int)l->status, (long long)l->tick.mantissa,
                   l->tick.scale, (long long)l->lot.mantissa, l->lot.scale, (long long)l->min_notional.mantissa,
                   l->min_notional.scale);
        put_text(out, l->calendar, sizeof l->calendar);
        buf_put_c(out, ',');
        put_text(out, l->time_zone, sizeof l->time_zone);
        buf_printf(out, ",%lld,%lld\r\n", (long long)l->valid_from.ms, (long long)l->valid_to.ms);
    }
    return buf_ok(out) ? 0 : ERR_LIMIT;
}

int csv_put_series(Buf *out, Arena *a, const SeriesInfo *v, size_t n) {
    BUF_LIT(out, "id,revision,series\r\n");
    for (size_t i = 0; i < n; i++) {
        buf_printf(out, "%lld,%lld,", (long long)v[i].id, (long long)v[i].revision);
        csv_write_field(out, ',', series_key_text(a, &v[i].key));
        BUF_LIT(out, "\r\n");
    }
    return buf_ok(out) ? 0 : ERR_LIMIT;
}
