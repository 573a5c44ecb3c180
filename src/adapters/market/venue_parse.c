/* adapters/market/venue_parse.c - see venue_parse.h. */

#include "adapters/market/venue_parse.h"

int venue_bad_json(Ctx *cx, const JsonReader *r, const char *what) {
    size_t line, column;
    json_where(r, &line, &column);
    return err_set(cx, ERR_COLLECTION, "%s: %s at line %zu, column %zu", what,
                   r->why ? r->why : "not what was expected", line, column);
}

bool venue_time_ok(int64_t ms) {
    return ms >= TIME_ISO_MIN.ms && ms <= TIME_ISO_MAX.ms;
}

int64_t venue_seconds_ms(int64_t seconds) {
    bool fits = seconds >= TIME_ISO_MIN.ms / 1000 && seconds <= TIME_ISO_MAX.ms / 1000;
    return fits ? seconds * 1000 : INT64_MAX;
}

void venue_push_row(JsonReader *r, Candles *rows, const Candle *c) {
    if (!venue_time_ok(c->open_time.ms))
        json_fail(r, "a candle whose time makes no sense");
    else if (rows->n == rows->cap)
        json_fail(r, "more candles than were asked for");
    else if (!r->err)
        candles_push(rows, c);
}

Decimal venue_size(Str text) {
    Decimal d = { 0 };
    return decimal_parse(text, &d) ? d : (Decimal){ 0 };
}

bool venue_name_pair(Arena *arena, Str symbol, Str base, Str quote, Listing *out) {
    return symbol_parse(symbol, &out->symbol) && symbol_parse(base, &out->base) && symbol_parse(quote, &out->quote) &&
           symbol_parse(str_fmt(arena, STR_FMT "/" STR_FMT, STR_ARG(base), STR_ARG(quote)), &out->instrument);
}
