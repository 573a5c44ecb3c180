/* tests/unit/cli/test_term.c - numbers, percents, sparklines, tables and progress as a person reads them. */

#include "cli/term.h"
#include "test.h"

#define ARENA_TEST(name)                                                                                               \
    static void name##_in(void **state_, Arena *a);                                                                    \
    TEST(name) {                                                                                                       \
        Arena a = { 0 };                                                                                               \
        name##_in(state_, &a);                                                                                         \
        arena_done(&a);                                                                                                \
    }                                                                                                                  \
    static void name##_in(void **state_, Arena *a)

ARENA_TEST(counts_are_grouped) {
    static const struct {
        const char *name;
        int64_t n;
    } rows[] = { { "0", 0 },
                 { "999", 999 },
                 { "1,000", 1000 },
                 { "34,349", 34349 },
                 { "-1,234,567", -1234567 },
                 { "9,223,372,036,854,775,807", INT64_MAX },
                 { "-9,223,372,036,854,775,808", INT64_MIN } };
    EACH_ROW (r, rows)
        CHECK_STR(term_count(a, r->n), str_c(r->name));
}

ARENA_TEST(bytes_and_times_change_units_before_they_round_to_a_thousand) {
    static const struct {
        const char *name;
        int64_t bytes;
    } sizes[] = { { "0 B", 0 },          { "999 B", 999 },        { "1.0 kB", 1000 },
                  { "99.4 kB", 99400 },  { "100 kB", 99500 },     { "1.0 MB", 999500 },
                  { "1.4 MB", 1400000 }, { "1.0 GB", 999900000 }, { "9223372 TB", INT64_MAX } };
    EACH_ROW (r, sizes)
        CHECK_STR(term_bytes(a, r->bytes), str_c(r->name));
    static const struct {
        const char *name;
        double ms;
    } times[] = { { "0.0 ms", 0 },           { "0.4 ms", 0.4 },          { "9.9 ms", 9.94 },
                  { "10 ms", 9.96 },         { "999 ms", 999.4 },        { "1.0 s", 999.6 },
                  { "3.2 s", 3200 },         { "99.9 s", 99940 },        { "1 min 40 s", 99960 },
                  { "4 min 10 s", 250000 },  { "59 min 59 s", 3599400 }, { "1 h 0 min", 3599600 },
                  { "26 h 3 min", 93780000 } };
    EACH_ROW (t, times)
        CHECK_STR(term_ms(a, t->ms), str_c(t->name));
}

ARENA_TEST(prices_keep_what_matters) {
    static const struct {
        const char *name;
        double v;
    } rows[] = { { "46,656.13", 46656.13 }, { "0.00", 0 },
                 { "1.2345", 1.2345 },      { "0.00001234", 0.00001234 },
                 { "-37.6300", -37.63 },    { "1.00000000", 0.999999999 },
                 { "1,000.00", 999.999 },   { "-", NAN },
                 { "-", INFINITY },         { "1e+18", 1e18 } };
    EACH_ROW (r, rows)
        CHECK_STR(term_price(a, r->v), str_c(r->name));
}

/* "Complete" is a claim: nothing below one is ever shown as 100. */
ARENA_TEST(a_percent_never_rounds_up_to_a_hundred) {
    static const struct {
        const char *name;
        double fraction;
    } rows[] = { { "100 %", 1 },          { "0 %", 0 },
                 { "50 %", 0.5 },         { "99.99 %", 0.9999 },
                 { "99.997 %", 0.99997 }, { "99.9999 %", 0.999999 },
                 { "< 100 %", 1 - 1e-12 } };
    EACH_ROW (r, rows)
        CHECK_STR(term_percent(a, r->fraction), str_c(r->name));
    for (int64_t n = 1; n < INT64_C(10000000000); n = n * 3 + 1) {
        double almost = (double)(n - 1) / (double)n;
        CHECK(!str_starts(term_percent(a, almost), S("100")));
    }
}

ARENA_TEST(a_sparkline_is_as_wide_as_it_may_be_and_spans_all_heights) {
    double v[1000];
    for (size_t i = 0; i < ARRAY_LEN(v); i++)
        v[i] = (double)i;
    CHECK_STR(term_sparkline(a, v, 8, 8), S("▁▂▃▄▅▆▇█"));
    CHECK_STR(term_sparkline(a, v, 1000, 8), S("▁▂▃▄▅▆▇█"));
    CHECK_STR(term_sparkline(a, v, 2, 60), S("▁█"));
    CHECK_EQ(term_width(term_sparkline(a, v, 1000, 60)), 60);
    CHECK_EQ(term_sparkline(a, v, 0, 60).n, 0);
    CHECK_EQ(term_sparkline(a, v, 10, 0).n, 0);
    double flat[] = { 5, 5, 5 };
    CHECK_STR(term_sparkline(a, flat, 3, 3), S("▄▄▄"));
}

TEST(width_counts_what_is_seen) {
    CHECK_EQ(term_width(S("abc")), 3);
    CHECK_EQ(term_width(S("µs")), 2);
    CHECK_EQ(term_width(S("▁▂▃")), 3);
    CHECK_EQ(term_width(S("")), 0);
}

/* --- on a stream --- */

typedef struct Screen {
    TestCtx t;
    Cli c;
    char *text;
    size_t n;
} Screen;

static void screen_open(Screen *s) {
    test_ctx_init(&s->t);
    FILE *f = open_memstream(&s->text, &s->n);
    s->c = (Cli){ .cx = &s->t.cx, .out = f, .err = f, .columns = 80 };
}

static Str screen_text(Screen *s) {
    fflush(s->c.out);
    return str_n(s->text, s->n);
}

static void screen_close(Screen *s) {
    fclose(s->c.out);
    free(s->text);
    test_ctx_done(&s->t);
}

TEST(tables_align_text_with_marks_and_colours) {
    static const char *const heads[] = { "symbol", ">close", "", NULL };
    Screen s;
    screen_open(&s);
    Table t;
    table_init(&t, &s.t.arena, heads);
    for (int round = 0; round < 200; round++) { /* past the first growth */
        table_cell(&t, round == 0 ? S("µBTC") : S("ETHUSDT"), TONE_BOLD);
        table_cell(&t, round == 0 ? S("1.5") : S("46,656.13"), TONE_PLAIN);
        table_cell(&t, S("▁█"), TONE_DIM);
    }
    table_print(&t, &s.c);
    CHECK(str_starts(screen_text(&s), S("symbol       close  \n"
                                        "µBTC           1.5  ▁█\n"
                                        "ETHUSDT  46,656.13  ▁█\n")));
    rewind(s.c.out);
    s.c.colour = true;
    table_print(&t, &s.c);
    CHECK(str_find(screen_text(&s), S("\033[1mETHUSDT\033[0m  46,656.13  \033[2m▁█\033[0m\n")) > 0);
    screen_close(&s);
}

TEST(progress_shows_share_rate_and_time_to_go_and_goes_away) {
    Screen s;
    Progress p;
    screen_open(&s);
    s.c.err_tty = true;
    progress_init(&p, &s.c, "reading", "candles");
    progress_update(&p, 0, 1000, 0);
    clock_manual_advance_ms(&s.t.clock, 2000);
    progress_update(&p, 250, 1000, 5000);
    Str text = screen_text(&s);
    CHECK(str_find(text, S(" 25 %")) > 0);
    CHECK(str_find(text, S("ETA 6.0 s")) > 0);
    CHECK(str_find(text, S("5,000 candles  2,500/s")) > 0);
    size_t drawn = text.n;
    clock_manual_advance_ms(&s.t.clock, 10); /* too soon to draw again */
    progress_update(&p, 260, 1000, 5200);
    CHECK_EQ(screen_text(&s).n, drawn);
    progress_end(&p);
    CHECK(str_ends(screen_text(&s), S("\r\033[K")));
    screen_close(&s);
}

TEST(progress_is_for_terminals_only) {
    static const struct {
        const char *name;
        bool tty, quiet, json;
    } rows[] = { { "a pipe", false, false, false }, { "quiet", true, true, false }, { "json", true, false, true } };
    EACH_ROW (r, rows) {
        Screen s;
        Progress p;
        screen_open(&s);
        s.c.err_tty = r->tty;
        s.c.quiet = r->quiet;
        s.c.json = r->json;
        progress_init(&p, &s.c, "reading", "candles");
        progress_update(&p, 1, 2, 3);
        progress_end(&p);
        CHECK_EQ(screen_text(&s).n, 0);
        screen_close(&s);
    }
}

TESTS(T(counts_are_grouped), T(bytes_and_times_change_units_before_they_round_to_a_thousand),
      T(prices_keep_what_matters), T(a_percent_never_rounds_up_to_a_hundred),
      T(a_sparkline_is_as_wide_as_it_may_be_and_spans_all_heights), T(width_counts_what_is_seen),
      T(tables_align_text_with_marks_and_colours), T(progress_shows_share_rate_and_time_to_go_and_goes_away),
      T(progress_is_for_terminals_only))
