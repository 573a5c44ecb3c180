/* core/candle_csv_write.c - candles as CSV. See candle_csv.h.
 *
 * No field ever needs quotes (numbers, ISO-8601, our own words), so rows are formatted straight into the buffer. */

#include "base/num.h"
#include "core/candle_csv.h"

enum { ROW_TEXT_MAX = 2 * TIME_TEXT_MAX + 5 * NUM_TEXT_MAX + CANDLE_FLAGS_TEXT_MAX + 16 };

static char separator_of(const CandleCsvFormat *format) {
    return format->separator ? format->separator : ',';
}

int candle_csv_write_header(const CandleCsvFormat *format, Buf *out) {
    static const char *const names[] = { "ts", "open", "high", "low", "close", "volume" };
    if (format->no_header)
        return 0;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (i > 0)
            buf_put_c(out, separator_of(format));
        buf_put_str(out, str_c(names[i]));
    }
    if (format->with_known_at)
        buf_printf(out, "%cknown_at", separator_of(format));
    if (format->with_flags)
        buf_printf(out, "%cflags", separator_of(format));
    if (format->series_key.n)
        buf_printf(out, "%cseries_key", separator_of(format));
    return buf_put_c(out, '\n');
}

static size_t write_time(const CandleCsvFormat *format, int64_t ms, char *out) {
    return format->epoch_ms ? num_format_i64(ms, out) : time_format_iso(time_ms(ms), out);
}

int candle_csv_write(const Candles *cs, size_t from, size_t n, const CandleCsvFormat *format, Buf *out) {
    const char separator = separator_of(format);
    const double *const columns[] = { cs->open, cs->high, cs->low, cs->close, cs->volume };
    int hints[ARRAY_LEN(columns)] = { 0 };
    for (size_t i = from; i < from + n; i++) {
        char *const row = buf_reserve(out, ROW_TEXT_MAX + format->series_key.n);
        if (!row)
            return ERR_LIMIT;
        char *p = row + write_time(format, cs->open_ms[i], row);
        for (size_t k = 0; k < ARRAY_LEN(columns); k++) {
            *p++ = separator;
            p += num_format_f64_hint(columns[k][i], &hints[k], p);
        }
        if (format->with_known_at) {
            *p++ = separator;
            if (cs->known_ms[i] != 0)
                p += write_time(format, cs->known_ms[i], p);
        }
        if (format->with_flags) {
            *p++ = separator;
            p += candle_flags_format(cs->flags[i], p);
        }
        if (format->series_key.n) {
            *p++ = separator;
            p = (char *)memcpy(p, format->series_key.p, format->series_key.n) + format->series_key.n;
        }
        *p++ = '\n';
        out->n += (size_t)(p - row);
    }
    return 0;
}
