/* services/market/calendars.c - which sessions a series has. */

#include "services/market/complete.h"
#include "services/market/internal.h"

static int bind(MarketService *m, Ctx *cx, const Calendar *cal, const Calendar **out) {
    const Tz *tz = NULL;
    if (cal->zone) {
        int r = tz_load(cx, m->o.zone_dir ? m->o.zone_dir : TZ_DIR, str_c(cal->zone), &tz);
        if (r != 0)
            return r;
    }
    Calendar *bound = arena_new(cx->arena, Calendar);
    *bound = calendar_bind(cal, tz);
    *out = bound;
    return 0;
}

int market_calendar(MarketService *m, Ctx *cx, const SeriesKey *key, const Calendar **out) {
    Listing *v;
    size_t n;
    const Calendar *cal = NULL;
    int r = candle_store_listings(m->o.store, cx, &key->venue, &v, &n);
    for (size_t i = 0; r == 0 && i < n; i++)
        if (symbol_eq(v[i].symbol, key->symbol) && v[i].calendar[0])
            cal = calendar_find(str_c(v[i].calendar));
    *out = NULL;
    if (r != 0 || !cal)
        return r;
    r = bind(m, cx, cal, out);
    if (r != 0) { /* gaps are then judged without it, which calls nothing closed */
        LOG_WARNING(m->o.log, cx, S("calendar not usable"), F_STR("calendar", str_c(cal->name)),
                    F_STR("reason", str_c(cx->err.text)));
        err_clear(cx);
    }
    return 0;
}

int market_calendar_named(MarketService *m, Ctx *cx, Str name, const Calendar **out) {
    const Calendar *cal = calendar_find(name);
    if (cal)
        return bind(m, cx, cal, out);
    Str known = { 0 };
    for (size_t i = 0; i < N_CALENDARS; i++)
        known = str_fmt(cx->arena, STR_FMT "%s%s", STR_ARG(known), i ? ", " : "", CALENDARS[i].name);
    return err_set_at(cx, ERR_INVALID, S("session"), "there is no calendar '" STR_FMT "'; there are " STR_FMT,
                      STR_ARG(str_first(name, 40)), STR_ARG(known));
}
