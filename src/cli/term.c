/* cli/term.c - see term.h. */

#include "cli/term.h"

#include <math.h>

Str term_count(Arena *a, int64_t n) {
    char digits[32], out[48];
    int len = snprintf(digits, sizeof digits, "%llu", (unsigned long long)(n < 0 ? 0 - (uint64_t)n : (uint64_t)n));
    size_t at = 0;
    if (n < 0)
        out[at++] = '-';
    for (int i = 0; i < len; i++) {
        if (i && (len - i) % 3 == 0)
            out[at++] = ',';
        out[at++] = digits[i];
    }
    return str_dup(a, str_n(out, at));
}

Str term_bytes(Arena *a, int64_t n) {
    static const char *const units[] = { "B", "kB", "MB", "GB", "TB" };
    double v = (double)n;
    size_t u = 0;
    while (v >= 999.5 && u + 1 < ARRAY_LEN(units)) {
        v /= 1000;
        u++;
    }
    return str_fmt(a, u == 0 || v >= 99.5 ? "%.0f %s" : "%.1f %s", v, units[u]);
}

Str term_ms(Arena *a, double ms) {
    if (ms < 9.95)
        return str_fmt(a, "%.1f ms", ms);
    if (ms < 999.5)
        return str_fmt(a, "%.0f ms", ms);
    if (ms < 99950)
        return str_fmt(a, "%.1f s", ms / 1000);
    long long s = (long long)(ms / 1000 + 0.5);
    if (s < 3600)
        return str_fmt(a, "%lld min %lld s", s / 60, s % 60);
    return str_fmt(a, "%lld h %lld min", s / 3600, s / 60 % 60);
}

Str term_price(Arena *a, double v) {
    if (!isfinite(v))
        return S("-");
    int decimals = fabs(v) >= 100 || v == 0 ? 2 : fabs(v) >= 1 ? 4 : 8;
    if (fabs(v) >= 1e15)
        return str_fmt(a, "%.4g", v);
    Str text = str_fmt(a, "%.*f", decimals, fabs(v));
    ptrdiff_t dot = str_find_char(text, '.');
    int64_t whole = 0;
    str_to_i64(str_first(text, (size_t)dot), &whole);
    return str_fmt(a, "%s" STR_FMT STR_FMT, v < 0 ? "-" : "", STR_ARG(term_count(a, whole)),
                   STR_ARG(str_from(text, (size_t)dot)));
}

Str term_percent(Arena *a, double fraction) {
    double p = fraction * 100;
    if (p == floor(p))
        return str_fmt(a, "%.0f %%", p);
    /* Never rounds up to a round 100: "complete" is a claim. */
    for (int decimals = 2; decimals < 7; decimals++) {
        Str text = str_fmt(a, "%.*f", decimals, p);
        if (!str_starts(text, S("100")))
            return str_fmt(a, STR_FMT " %%", STR_ARG(text));
    }
    return S("< 100 %");
}

Str term_change(Arena *a, double fraction) {
    return isnan(fraction) ? S("-") : str_fmt(a, "%+.2f %%", fraction * 100);
}

Str term_ratio(Arena *a, double v) {
    return isnan(v) ? S("-") : str_fmt(a, "%.2f", v);
}

Str term_minute(Arena *a, Time t) {
    char text[TIME_TEXT_MAX];
    size_t n = time_format_iso(t, text);
    if (n < 16 || text[10] != 'T')
        return str_dup(a, str_n(text, n));
    text[10] = ' ';
    return str_dup(a, str_n(text, 16));
}

Str term_sparkline(Arena *a, const double *v, size_t n, size_t width) {
    static const char blocks[] = "▁▂▃▄▅▆▇█";
    enum { BLOCK = 3 }; /* bytes of UTF-8 each */
    size_t bars = MIN(n, width);
    if (bars == 0)
        return (Str){ 0 };
    double *mean = arena_new_n(a, double, bars);
    double lo = INFINITY, hi = -INFINITY;
    for (size_t b = 0; b < bars; b++) {
        size_t from = b * n / bars, to = (b + 1) * n / bars;
        for (size_t i = from; i < to; i++)
            mean[b] += v[i] / (double)(to - from);
        lo = fmin(lo, mean[b]);
        hi = fmax(hi, mean[b]);
    }
    char *p = arena_alloc(a, bars * BLOCK);
    for (size_t b = 0; b < bars; b++) {
        int height = hi > lo ? (int)((mean[b] - lo) / (hi - lo) * 7.999) : 3;
        memcpy(p + b * BLOCK, blocks + CLAMP(height, 0, 7) * BLOCK, BLOCK);
    }
    return str_n(p, bars * BLOCK);
}

const char *term_tone(const Cli *c, Tone t) {
    static const char *const codes[] = { "", "\033[2m", "\033[1m", "\033[32m", "\033[31m", "\033[33m", "\033[36m" };
    return c->colour ? codes[t] : "";
}

/* --- tables --- */

void table_init(Table *t, Arena *a, const char *const *heads) {
    *t = (Table){ .heads = heads, .arena = a };
    while (heads[t->n_columns])
        t->n_columns++;
    assert(t->n_columns <= TABLE_COLUMNS_MAX);
}

void table_cell(Table *t, Str text, Tone tone) {
    if (t->n_rows == t->cap_rows) {
        size_t had = t->cap_rows * t->n_columns;
        t->cap_rows = t->cap_rows ? t->cap_rows * 2 : 256;
        size_t want = t->cap_rows * t->n_columns;
        t->cells = arena_grow(t->arena, t->cells, had * sizeof(Str), want * sizeof(Str));
        t->tones = arena_grow(t->arena, t->tones, had * sizeof(Tone), want * sizeof(Tone));
    }
    t->cells[t->n_rows] = text;
    t->tones[t->n_rows++] = tone;
}

size_t term_width(Str s) {
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
    return n;
}

static void print_cell(const Cli *c, Str text, size_t width, bool right, bool last, Tone tone) {
    size_t fill = width - MIN(term_width(text), width);
    fprintf(c->out, "%*s%s" STR_FMT "%s", right ? (int)fill : 0, "", term_tone(c, tone), STR_ARG(text),
            tone == TONE_PLAIN ? "" : term_end(c));
    if (!last)
        fprintf(c->out, "%*s", (right ? 0 : (int)fill) + 2, "");
}

void table_print(const Table *t, const Cli *c) {
    size_t widths[TABLE_COLUMNS_MAX] = { 0 };
    size_t rows = t->n_rows / t->n_columns;
    for (size_t k = 0; k < t->n_columns; k++) {
        widths[k] = term_width(str_c(t->heads[k] + (t->heads[k][0] == '>')));
        for (size_t i = 0; i < rows; i++)
            widths[k] = MAX(widths[k], term_width(t->cells[i * t->n_columns + k]));
    }
    for (size_t k = 0; k < t->n_columns; k++) {
        bool right = t->heads[k][0] == '>';
        print_cell(c, str_c(t->heads[k] + right), widths[k], right, k + 1 == t->n_columns, TONE_DIM);
    }
    fputc('\n', c->out);
    for (size_t i = 0; i < rows; i++) {
        for (size_t k = 0; k < t->n_columns; k++) {
            size_t at = i * t->n_columns + k;
            print_cell(c, t->cells[at], widths[k], t->heads[k][0] == '>', k + 1 == t->n_columns, t->tones[at]);
        }
        fputc('\n', c->out);
    }
}

/* --- progress --- */

enum { DRAW_EVERY_MS = 100, TELL_EVERY_MS = 250 };

void progress_init(Progress *p, Cli *c, const char *what, const char *unit) {
    *p = (Progress){ .c = c, .what = what, .unit = unit, .started = clock_mono(c->cx->clock) };
}

static void draw_bar(FILE *f, double share, int width) {
    static const char *const eighths[] = { " ", "▏", "▎", "▍", "▌", "▋", "▊", "▉" };
    int cells = (int)(share * width * 8 + 0.5);
    for (int i = 0; i < width; i++, cells -= 8)
        fputs(cells >= 8 ? "█" : eighths[CLAMP(cells, 0, 7)], f);
}

void progress_update(Progress *p, double done, double total, int64_t n_units) {
    Cli *c = p->c;
    MonoNs now = clock_mono(c->cx->clock);
    if (c->progress && mono_ms_between(p->told, now) >= TELL_EVERY_MS) {
        c->progress(done, total, n_units);
        p->told = now;
    }
    if (!c->err_tty || c->quiet || c->json)
        return;
    if (p->shown && mono_ms_between(p->drawn, now) < DRAW_EVERY_MS)
        return;
    p->drawn = now;
    p->shown = true;

    ArenaMark mark = arena_mark(c->cx->arena);
    double seconds = (double)mono_ms_between(p->started, now) / 1000;
    double rate = seconds > 0.05 ? (double)n_units / seconds : 0;
    fprintf(c->err, "\r\033[K%s  ", p->what);
    if (total > 0) {
        double share = CLAMP(done / total, 0.0, 1.0);
        draw_bar(c->err, share, 24);
        fprintf(c->err, " %3.0f %%  ", share * 100);
        if (share > 0.01 && seconds > 0.5)
            fprintf(c->err, "ETA " STR_FMT "  ", STR_ARG(term_ms(c->cx->arena, seconds * 1000 * (1 - share) / share)));
    }
    fprintf(c->err, STR_FMT " %s", STR_ARG(term_count(c->cx->arena, n_units)), p->unit);
    if (rate >= 1)
        fprintf(c->err, "  " STR_FMT "/s", STR_ARG(term_count(c->cx->arena, (int64_t)rate)));
    fflush(c->err);
    arena_rewind(c->cx->arena, mark);
}

void progress_end(Progress *p) {
    if (p->shown) {
        fputs("\r\033[K", p->c->err);
        fflush(p->c->err);
    }
    p->shown = false;
}
