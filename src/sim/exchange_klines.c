/* sim/exchange_klines.c - GET /api/v3/klines: selection, paging, time zones, the running row, and its faults. */

#include "sim/exchange_internal.h"

#include "base/num.h"

#include <math.h>
#include <stdio.h>

typedef struct KlineQuery {
    const Source *source;
    KlineGrid grid;
    Time start, end; /* TIME_MIN, TIME_MAX where not sent; inclusive on open time */
    int64_t limit;
} KlineQuery;

typedef struct Page {
    Kline *v; /* room for KLINES_MAX + 1 */
    size_t n;
} Page;

void put_decimal(Buf *b, double v) {
    char text[NUM_TEXT_MAX];
    Str s = str_n(text, num_format_f64(v, text));
    if (str_find_char(s, 'e') >= 0) { /* below 1e-7 or from 1e21: the venue knows no exponents */
        for (int places = 8; places <= 40; places++) {
            char plain[400];
            double back;
            Str p = str_n(plain, (size_t)snprintf(plain, sizeof plain, "%.*f", places, v));
            if (places == 40 || (num_parse_f64(p, &back) && back == v)) {
                buf_put_str(b, p);
                return;
            }
        }
    }
    ptrdiff_t point = str_find_char(s, '.');
    size_t places = point < 0 ? 0 : s.n - (size_t)point - 1;
    buf_put_str(b, s);
    if (point < 0)
        buf_put_c(b, '.');
    for (; places < 8; places++)
        buf_put_c(b, '0');
}

double kline_quote_volume(const Kline *k) {
    double mean = (k->c.open + k->c.high + k->c.low + k->c.close) / 4;
    return round(k->c.volume * mean * 1e8) / 1e8;
}

/* The buyers' share of a candle: about half, more when it rose. */
static double taker_share(const Kline *k) {
    double range = k->c.high - k->c.low;
    return range > 0 ? 0.5 + 0.15 * (k->c.close - k->c.open) / range : 0.5;
}

/* "0", "-1", "5:45", "+08:00": hours or hours:minutes from -12:00 to +14:00. */
static bool zone_parse(Str s, int64_t *out) {
    int64_t sign = 1, hours, minutes = 0;
    if (s.n && (s.p[0] == '+' || s.p[0] == '-' || s.p[0] == ' ')) { /* an unescaped + arrives as a space */
        sign = s.p[0] == '-' ? -1 : 1;
        s = str_from(s, 1);
    }
    Str h;
    bool colon = str_find_char(s, ':') >= 0;
    if (!str_next(&s, ':', &h) || h.n > 2 || !str_to_i64(h, &hours) || hours < 0)
        return false;
    if (colon && (s.n != 2 || !str_to_i64(s, &minutes) || minutes < 0 || minutes > 59))
        return false;
    *out = sign * (hours * MS_PER_HOUR + minutes * MS_PER_MINUTE);
    return *out >= -12 * MS_PER_HOUR && *out <= 14 * (int64_t)MS_PER_HOUR;
}

static bool interval_parse(Str s, Timeframe *out) {
    if (!timeframe_parse(s, out))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(TIMEFRAMES); i++) {
        char text[TIMEFRAME_TEXT_MAX];
        if (timeframe_eq(*out, TIMEFRAMES[i]))
            return str_eq(timeframe_text(*out, text), s); /* no other spelling of it */
    }
    return false;
}

static bool klines_decode(Call *c, KlineQuery *k) {
    Query *q = &c->q;
    k->source = call_symbol(c, query_require(q, "symbol"));
    Str interval = query_require(q, "interval");
    if (interval.n && !interval_parse(interval, &k->grid.tf))
        query_fail(q, -1120, "Invalid interval.");
    k->start = query_take_time(q, "startTime", TIME_MIN);
    k->end = query_take_time(q, "endTime", TIME_MAX);
    k->limit = query_take_i64(q, "limit", KLINES_DEFAULT);
    if (k->limit < 1)
        query_fail(q, -1130, "Data sent for parameter 'limit' is not valid.");
    k->limit = MIN(k->limit, KLINES_MAX);
    Str zone = query_take(q, "timeZone");
    if (zone.n && !zone_parse(zone, &k->grid.shift_ms))
        query_fail(q, -1130, "Data sent for parameter 'timeZone' is not valid.");
    return query_finish(q);
}

/* With a start: the oldest rows from it on. Without: the newest up to the end. Ascending either way. */
static void page_fill(const KlineQuery *k, Time now, Page *page) {
    Time end = time_ms(MIN(k->end.ms, now.ms));
    Kline row;
    if (k->start.ms != TIME_MIN.ms) {
        Time at = k->start;
        while ((int64_t)page->n < k->limit && at.ms <= end.ms && source_next(k->source, k->grid, at, now, &row) &&
               row.open_ms <= end.ms) {
            page->v[page->n++] = row;
            at = time_ms(row.open_ms + 1);
        }
        return;
    }
    size_t top = KLINES_MAX + 1, at = top;
    while ((int64_t)(top - at) < k->limit && source_prev(k->source, k->grid, end, now, &row)) {
        page->v[--at] = row;
        end = time_ms(row.open_ms - 1);
    }
    page->n = top - at;
    memmove(page->v, page->v + at, page->n * sizeof *page->v);
}

static unsigned page_fits(const KlineQuery *k, const Page *page, Time now) {
    unsigned fits = FAULTS_ALWAYS_FIT;
    if (page->n == 0)
        return fits;
    fits |= 1u << FAULT_MICROS | 1u << FAULT_MISALIGNED;
    bool mid_history = page->v[page->n - 1].close_ms < now.ms;
    if (mid_history)
        fits |= 1u << FAULT_EMPTY_PAGE;
    if (mid_history && page->n > 1)
        fits |= 1u << FAULT_SHORT_PAGE;
    if (page->n >= 4)
        fits |= 1u << FAULT_UNSORTED;
    Kline before;
    if (k->start.ms != TIME_MIN.ms && source_prev(k->source, k->grid, time_ms(page->v[0].open_ms - 1), now, &before))
        fits |= 1u << FAULT_DUPLICATE_ROW;
    return fits;
}

static void page_spoil(Call *c, const KlineQuery *k, Page *page) {
    switch (c->fault.kind) {
    case FAULT_EMPTY_PAGE:
        page->n = 0;
        break;
    case FAULT_SHORT_PAGE:
        page->n = c->fault.n ? MIN((size_t)c->fault.n, page->n - 1) : page->n / 2;
        break;
    case FAULT_DUPLICATE_ROW:
        memmove(page->v + 1, page->v, page->n * sizeof *page->v);
        page->n += source_prev(k->source, k->grid, time_ms(page->v[1].open_ms - 1), c->now, &page->v[0]);
        break;
    case FAULT_MICROS:
        c->micros = true;
        break;
    case FAULT_MISALIGNED:
        for (size_t i = 0; i < page->n; i++) {
            page->v[i].open_ms += c->fault.n;
            page->v[i].close_ms += c->fault.n;
        }
        break;
    case FAULT_UNSORTED: {
        Kline swap = page->v[page->n / 2];
        page->v[page->n / 2] = page->v[page->n / 2 - 1];
        page->v[page->n / 2 - 1] = swap;
        break;
    }
    default:
        break;
    }
}

static void put_quoted(Buf *b, double v) {
    BUF_LIT(b, ",\"");
    put_decimal(b, v);
    buf_put_c(b, '"');
}

static void row_write(Call *c, const Kline *k) {
    Buf *b = &c->out;
    int64_t close = c->micros ? (k->close_ms + 1) * 1000 - 1 : k->close_ms;
    double quote = kline_quote_volume(k), share = taker_share(k);
    buf_printf(b, "[%lld", (long long)call_time(c, k->open_ms));
    put_quoted(b, k->c.open);
    put_quoted(b, k->c.high);
    put_quoted(b, k->c.low);
    put_quoted(b, k->c.close);
    put_quoted(b, k->c.volume);
    buf_printf(b, ",%lld", (long long)close);
    put_quoted(b, quote);
    buf_printf(b, ",%lld", (long long)k->trades);
    put_quoted(b, floor(k->c.volume * share * 1e8) / 1e8);
    put_quoted(b, floor(quote * share * 1e8) / 1e8);
    BUF_LIT(b, ",\"0\"]");
}

void call_klines(Call *c) {
    KlineQuery k = { 0 };
    if (!klines_decode(c, &k))
        return;
    Page page = { .v = arena_alloc(c->q.arena, (KLINES_MAX + 2) * sizeof(Kline)) };
    page_fill(&k, c->now, &page);
    c->fault = faults_next(&c->x->faults, page_fits(&k, &page, c->now), c->path, c->symbol);
    page_spoil(c, &k, &page);
    buf_put_c(&c->out, '[');
    for (size_t i = 0; i < page.n; i++) {
        if (i > 0)
            buf_put_c(&c->out, ',');
        row_write(c, &page.v[i]);
    }
    buf_put_c(&c->out, ']');
    c->x->stats.klines++;
    c->x->stats.rows += (int64_t)page.n;
}
