/* backtest/report/html.c - see html.h. */

#include "backtest/report/html.h"

#include "base/str.h"

#include <math.h>
#include <stdio.h>

#define MINUS   "\xE2\x88\x92" /* U+2212 */
#define THIN    "\xE2\x80\xAF" /* U+202F, narrow and not broken at the end of a line */
#define EN_DASH "\xE2\x80\x93"
#define UNKNOWN "\xEF\xBF\xBD"

/* Length of the UTF-8 sequence at s, 0 if it is none. */
static size_t utf8_length(Str s) {
    unsigned char c = (unsigned char)s.p[0];
    size_t n = c < 0x80 ? 1 : c >= 0xC2 && c < 0xE0 ? 2 : c >= 0xE0 && c < 0xF0 ? 3 : c >= 0xF0 && c < 0xF5 ? 4 : 0;
    if (n == 0 || n > s.n)
        return 0;
    for (size_t i = 1; i < n; i++)
        if (((unsigned char)s.p[i] & 0xC0) != 0x80)
            return 0;
    unsigned char d = n > 1 ? (unsigned char)s.p[1] : 0;
    bool overlong = (c == 0xE0 && d < 0xA0) || (c == 0xF0 && d < 0x90), surrogate = c == 0xED && d >= 0xA0;
    return overlong || surrogate || (c == 0xF4 && d >= 0x90) ? 0 : n;
}

void html_text(Buf *b, Str s) {
    while (s.n > 0) {
        size_t n = utf8_length(s);
        unsigned char c = (unsigned char)s.p[0];
        if (n == 0 || (c < 0x20 && c != '\n' && c != '\t') || c == 0x7F)
            HTML(b, UNKNOWN);
        else if (c == '&')
            HTML(b, "&amp;");
        else if (c == '<')
            HTML(b, "&lt;");
        else if (c == '>')
            HTML(b, "&gt;");
        else if (c == '"')
            HTML(b, "&quot;");
        else if (c == '\'')
            HTML(b, "&#39;");
        else
            buf_put(b, s.p, n);
        s = str_from(s, MAX(n, 1));
    }
}

/* digits of |v| with a thin space every three before the point */
static void put_grouped(Buf *b, double v, int decimals) {
    char text[400];
    int n = snprintf(text, sizeof text, "%.*f", decimals, fabs(v));
    const char *point = memchr(text, '.', (size_t)n);
    int whole = point ? (int)(point - text) : n;
    for (int i = 0; i < n; i++) {
        if (i > 0 && i < whole && (whole - i) % 3 == 0 && whole > 4)
            HTML(b, THIN);
        buf_put_c(b, text[i]);
    }
}

static bool shows_zero(double v, int decimals) {
    return fabs(v) < 0.5 * pow(10, -decimals);
}

void html_number(Buf *b, double v, int decimals) {
    if (!isfinite(v)) {
        HTML(b, EN_DASH);
        return;
    }
    if (v < 0 && !shows_zero(v, decimals))
        HTML(b, MINUS);
    put_grouped(b, v, decimals);
}

void html_percent(Buf *b, double fraction, int decimals) {
    html_number(b, fraction * 100, decimals);
    if (isfinite(fraction))
        HTML(b, THIN "%");
}

void html_signed_percent(Buf *b, double fraction, int decimals) {
    if (fraction > 0 && !shows_zero(fraction * 100, decimals))
        HTML(b, "+");
    html_percent(b, fraction, decimals);
}

void html_compact(Buf *b, double v) {
    static const struct {
        double size;
        const char *letter;
    } units[] = { { 1e12, "T" }, { 1e9, "B" }, { 1e6, "M" }, { 1e3, "k" } };
    char text[64];
    double size = 1;
    const char *letter = "";
    for (size_t i = 0; i < ARRAY_LEN(units) && size == 1; i++)
        if (fabs(v) >= units[i].size * 0.99999 && fabs(v) >= 10000)
            size = units[i].size, letter = units[i].letter;
    snprintf(text, sizeof text, "%.6g", fabs(v) / size);
    if (v < 0)
        HTML(b, MINUS);
    buf_put_str(b, str_c(text));
    buf_put_str(b, str_c(letter));
}

void html_price(Buf *b, double v) {
    double a = fabs(v);
    html_number(b, v, a >= 1000 ? 2 : a >= 1 ? 4 : a >= 0.01 ? 6 : 8);
}

void html_count(Buf *b, size_t n) {
    put_grouped(b, (double)n, 0);
}

void html_metric(Buf *b, MetricUnit unit, double v) {
    switch (unit) {
    case METRIC_IN_FRACTION:
        html_percent(b, v, 2);
        break;
    case METRIC_IN_COUNT:
        html_number(b, v, 0);
        break;
    case METRIC_IN_CANDLES:
        html_number(b, v, v == floor(v) ? 0 : 1);
        break;
    case METRIC_IN_MONEY:
    case METRIC_IN_YEARS:
        html_number(b, v, 2);
        break;
    case METRIC_IN_RATIO:
        html_number(b, v, fabs(v) >= 1000 ? 0 : 3);
        break;
    }
}

void html_date(Buf *b, int64_t ms, bool with_time) {
    Civil c = time_to_civil((Time){ ms });
    buf_printf(b, "%04d-%02d-%02d", c.year, c.month, c.day);
    if (with_time)
        buf_printf(b, "\xC2\xA0%02d:%02d", c.hour, c.minute);
}
