/* services/market/retain.c - how long candles are kept. */

#include "services/market/complete.h"
#include "services/market/internal.h"

static bool keep_parse(Str text, int64_t *out) {
    if (text.n > 1 && text.p[text.n - 1] == 'y') {
        int64_t years;
        if (!str_to_i64(str_first(text, text.n - 1), &years) || years < 1 || years > 1000)
            return false;
        *out = years * 365 * MS_PER_DAY;
        return true;
    }
    return duration_parse_ms(text, out) && *out >= MS_PER_DAY;
}

int retention_parse(Ctx *cx, Str text, RetentionRule *out, size_t most, size_t *n) {
    Str rest = text, item;
    *n = 0;
    while (str_next(&rest, ',', &item)) {
        item = str_trim(item);
        ptrdiff_t eq = str_find_char(item, '=');
        RetentionRule rule;
        if (item.n == 0)
            continue;
        if (eq < 0 || !timeframe_parse(str_trim(str_first(item, (size_t)eq)), &rule.timeframe) ||
            !keep_parse(str_trim(str_from(item, (size_t)eq + 1)), &rule.keep_ms))
            return err_set_at(cx, ERR_INVALID, S("rules"),
                              "'" STR_FMT "' is no rule; write 1m=90d, 1h=5y (a day at the least)",
                              STR_ARG(str_first(item, 40)));
        if (*n == most)
            return err_set_at(cx, ERR_INVALID, S("rules"), "at most %zu rules", most);
        out[(*n)++] = rule;
    }
    return 0;
}

static int count_rows(void *arg, const Candles *rows) {
    *(int64_t *)arg += (int64_t)rows->n;
    return 0;
}

/* Empty when somebody can bring them again. */
static Str why_kept(MarketService *m, Ctx *cx, const SeriesKey *key) {
    MarketFeed *feed = market_feed_of(m, key->venue);
    if (key->provider.s[0])
        return str_fmt(cx->arena, "told by '%s': nobody could bring them again", key->provider.s);
    if (!feed)
        return str_fmt(cx->arena, "there is no collector for '%s' that could bring them again", key->venue.s);
    if (market_feed_simulated(feed))
        return str_fmt(cx->arena, "the collector of '%s' is a simulator", key->venue.s);
    return (Str){ 0 };
}

static int retain_one(MarketService *m, Ctx *cx, bool dry_run, bool force, RetentionRow *row) {
    int r = market_each_piece(m, cx, &row->series.key, TIME_MIN, row->before, count_rows, &row->old);
    if (r != 0)
        return r;
    if (!force)
        row->kept = why_kept(m, cx, &row->series.key);
    if (dry_run || row->old == 0 || row->kept.n)
        return 0;
    r = candle_store_remove(m->o.store, cx, &row->series.key, TIME_MIN, row->before, &row->removed);
    if (r == 0)
        LOG_INFO(m->o.log, cx, S("old candles removed"), F_STR("series", series_key_text(cx->arena, &row->series.key)),
                 F_I64("candles", row->removed), F_STR("before", time_iso(cx->arena, row->before)));
    return r;
}

int market_retain(MarketService *m, Ctx *cx, const RetentionRule *rules, size_t n, bool dry_run, bool force,
                  RetentionRow **out, size_t *n_out) {
    SeriesInfo *all;
    size_t n_all, n_rows = 0;
    int r = candle_store_list(m->o.store, cx, &all, &n_all);
    RetentionRow *rows = arena_new_n(cx->arena, RetentionRow, r == 0 ? n_all : 0);
    for (size_t i = 0; r == 0 && i < n_all; i++) {
        const RetentionRule *rule = NULL;
        for (size_t k = 0; k < n && !rule; k++)
            if (timeframe_eq(rules[k].timeframe, all[i].key.timeframe))
                rule = &rules[k];
        if (!rule)
            continue;
        RetentionRow *row = &rows[n_rows++];
        row->series = all[i];
        row->before = timeframe_floor(rule->timeframe, time_add_ms(clock_wall(cx->clock), -rule->keep_ms));
        r = retain_one(m, cx, dry_run, force, row);
        if (r == 0)
            r = ctx_check(cx);
    }
    if (r == MARKET_NO_SERIES) /* removed by somebody meanwhile */
        r = err_set(cx, ERR_CONFLICT, "a series went away while its old candles were counted; try again");
    if (r != 0)
        return r;
    *out = rows;
    *n_out = n_rows;
    return 0;
}
