/* sim/recorded.c - see recorded.h. */

#include "sim/recorded.h"

#include "base/file.h"

static int read_rows(Ctx *cx, const char *path, const CandleCsvOptions *options, Recorded *r) {
    Str text;
    CLEANUP(candle_csv_closep) CandleCsv *csv = NULL;
    int e = file_read(cx, path, RECORDED_FILE_MAX, &text);
    if (e == 0)
        e = candle_csv_open(cx, options, &csv);
    if (e != 0)
        return e;
    e = candle_csv_feed(csv, cx, text, &r->candles);
    if (e == 0)
        e = candle_csv_finish(csv, cx, &r->candles);
    if (e != 0)
        return err_prefix(cx, "%s: ", path);
    r->rec.timeframe = candle_csv_report(csv)->timeframe;
    return 0;
}

int recorded_load(Ctx *cx, Str text, const CandleCsvOptions *options, Recorded **out) {
    CLEANUP(recorded_freep) Recorded *r = mem_new(Recorded);
    ptrdiff_t at = str_find_char(text, '=');
    if (at < 1 || !symbol_parse(str_first(text, (size_t)at), &r->rec.symbol) || (size_t)at + 1 == text.n)
        return err_set(cx, ERR_USAGE, "\"" STR_FMT "\": SYMBOL=FILE is needed, as in BTCUSDT=btcusdt.csv",
                       STR_ARG(str_first(text, 80)));
    candles_init_heap(&r->candles, 1024);
    ArenaMark mark = arena_mark(cx->arena);
    int e = read_rows(cx, str_cz(cx->arena, str_from(text, (size_t)at + 1)), options, r);
    if (e == 0)
        candles_sort_unique(&r->candles, cx->arena);
    arena_rewind(cx->arena, mark);
    if (e != 0)
        return e;
    r->rec.candles = &r->candles;
    *out = TAKE(r);
    return 0;
}

Recorded *recorded_free(Recorded *r) {
    if (r)
        candles_done_heap(&r->candles);
    return mem_free(r);
}

bool sim_window_parse(Str text, SimWindow *out) {
    *out = (SimWindow){ 0 };
    ptrdiff_t dots = str_find(text, S("..")), plus = dots < 0 ? -1 : str_find(str_from(text, (size_t)dots), S("+"));
    if (dots < 0)
        return false;
    Str from = str_first(text, (size_t)dots), rest = str_from(text, (size_t)dots + 2);
    if (plus >= 2) {
        Str skew = str_from(rest, (size_t)plus - 1);
        if (!str_ends(skew, S("ms")) || !str_to_i64(str_first(skew, skew.n - 2), &out->skew_ms) || out->skew_ms < 0)
            return false;
        rest = str_first(rest, (size_t)plus - 2);
    }
    Str to = rest;
    ptrdiff_t at = str_find_char(rest, '@');
    if (at >= 0) {
        to = str_first(rest, (size_t)at);
        if (!symbol_parse(str_from(rest, (size_t)at + 1), &out->symbol))
            return false;
    }
    return time_parse_any(from, &out->from) && time_parse_any(to, &out->to) && out->from.ms < out->to.ms;
}
