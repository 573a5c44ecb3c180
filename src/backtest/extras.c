/* backtest/extras.c - columns beside the candles: what is let in, and which value a candle sees.
 *
 * A candle sees the newest value that was known when it closed, unless that one is older than the column allows. Nothing
 * is interpolated and nothing is carried backwards: before the first value, and where the newest is too old, there is
 * none. */

#include "backtest/extras.h"

#include "backtest/rule/rule.h"

#include <math.h>

enum { EXTRA_NAME_MAX = 64 };

/* When the candle has closed: what was known until then may be used. */
int64_t asset_close_ms(const MarketAsset *a, size_t row) {
    int64_t open = a->candles->open_ms[row];
    if (timeframe_valid(a->timeframe) && !timeframe_is_fixed(a->timeframe))
        return timeframe_next(a->timeframe, time_ms(open)).ms;
    return time_add_ms(time_ms(open), timeframe_valid(a->timeframe) ? timeframe_ms(a->timeframe) : 0).ms;
}

void extra_align(const MarketAsset *a, const ExtraColumn *x, size_t from, size_t n, size_t *next, double *out) {
    for (size_t row = 0; row < n; row++) {
        int64_t now = asset_close_ms(a, from + row), age;
        while (*next < x->n && x->known_ms[*next] <= now)
            ++*next;
        out[row] = NAN;
        if (*next == 0)
            continue;
        /* An age too large for 64 bits is older than any limit. */
        bool huge = __builtin_sub_overflow(now, x->known_ms[*next - 1], &age);
        if (x->max_age_ms == 0 || (!huge && age <= x->max_age_ms))
            out[row] = x->value[*next - 1];
    }
}

/* --- what is let in --- */

static bool name_good(Str name) {
    bool letters = name.n > 0 && name.n <= EXTRA_NAME_MAX;
    for (size_t i = 0; letters && i < name.n; i++) {
        char ch = name.p[i];
        bool letter = (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || ch == '_';
        letters = letter || (i > 0 && ch >= '0' && ch <= '9');
    }
    return letters;
}

/* A column called `close` would silently take the price's place. */
static bool name_taken(Str name) {
    static const char *const words[] = { "and", "or", "not" };
    const RuleName *row;
    for (size_t i = 0; (row = rule_name_at(i)) != NULL; i++)
        if (str_eq_nocase(name, str_c(row->name)))
            return true;
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (str_eq_nocase(name, str_c(words[i])))
            return true;
    return ta_find(name) != NULL;
}

static int check_values(Ctx *cx, Str place, const ExtraColumn *x) {
    for (size_t i = 0; i < x->n; i++) {
        if (i > 0 && x->known_ms[i] <= x->known_ms[i - 1])
            return err_set_at(cx, ERR_INVALID, place,
                              "column " STR_FMT ": value %zu (" STR_FMT ") is not later than the one before; sort them "
                              "by time, one value for each",
                              STR_ARG(x->name), i + 1, STR_ARG(time_iso(cx->arena, time_ms(x->known_ms[i]))));
        if (!isfinite(x->value[i]))
            return err_set_at(cx, ERR_INVALID, place, "column " STR_FMT ": value %zu is not a number", STR_ARG(x->name),
                              i + 1);
    }
    return 0;
}

int extras_check(Ctx *cx, const MarketAsset *a, const size_t *place_of) {
    for (size_t k = 0; k < a->n_extras; k++) {
        const ExtraColumn *x = &a->extras[k];
        Str place = str_fmt(cx->arena, "columns[%zu]", place_of ? place_of[k] : k);
        if (!name_good(x->name))
            return err_set_at(cx, ERR_INVALID, place,
                              "'" STR_FMT
                              "' is not a name for a column: letters, digits and _, no digit first, %d at most",
                              STR_ARG(str_first(x->name, EXTRA_NAME_MAX)), EXTRA_NAME_MAX);
        if (name_taken(x->name))
            return err_set_at(cx, ERR_INVALID, place,
                              "'" STR_FMT "' means something in rules already; give the column another name",
                              STR_ARG(x->name));
        for (size_t i = 0; i < k; i++)
            if (str_eq_nocase(a->extras[i].name, x->name))
                return err_set_at(cx, ERR_INVALID, place, "the column " STR_FMT " comes twice", STR_ARG(x->name));
        if (x->n == 0)
            return err_set_at(cx, ERR_INVALID, place, "column " STR_FMT " has no value", STR_ARG(x->name));
        if (x->max_age_ms < 0)
            return err_set_at(cx, ERR_INVALID, place, "column " STR_FMT ": max_age is below 0", STR_ARG(x->name));
        int err = check_values(cx, place, x);
        if (err)
            return err;
    }
    return 0;
}

/* --- what is told --- */

void extras_tell(const MarketAsset *a, bool cheat_on_close, Arena *arena, TextList *assumptions, TextList *warnings) {
    size_t n = a->candles->n;
    for (size_t k = 0; k < a->n_extras; k++) {
        const ExtraColumn *x = &a->extras[k];
        double v[256];
        size_t next = 0, seen = 0;
        for (size_t at = 0, m; at < n; at += m) {
            m = MIN(n - at, ARRAY_LEN(v));
            extra_align(a, x, at, m, &next, v);
            for (size_t i = 0; i < m; i++)
                seen += !isnan(v[i]);
        }
        Str age = x->max_age_ms ? str_fmt(arena, ", never older than %.10g hours", (double)x->max_age_ms / MS_PER_HOUR)
                                : (Str){ 0 };
        text_list_add(assumptions, arena,
                      STR_FMT ": the column " STR_FMT " has %zu values; a candle sees the newest one known at its "
                              "close" STR_FMT,
                      STR_ARG(symbol_str(&a->symbol)), STR_ARG(x->name), x->n, STR_ARG(age));
        if (seen < n)
            text_list_add(warnings, arena,
                          STR_FMT ": %zu of %zu candles see no value of the column " STR_FMT
                                  "; rules on it do not hold there",
                          STR_ARG(symbol_str(&a->symbol)), n - seen, n, STR_ARG(x->name));
        if (cheat_on_close)
            text_list_add(warnings, arena,
                          "cheat_on_close with the column " STR_FMT ": an order fills at the very close at which the "
                          "value was read",
                          STR_ARG(x->name));
    }
}
