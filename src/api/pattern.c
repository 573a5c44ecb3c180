/* api/pattern.c - see pattern.h. The checks are core's own parsers, so that what the API lets through is what
 * the services can read. */

#include "api/pattern.h"

#include "core/series.h"

static bool is_symbol(Str text) {
    Symbol s;
    return symbol_parse(text, &s);
}

static bool is_venue(Str text) {
    Venue v;
    return venue_parse(text, &v);
}

static bool is_timeframe(Str text) {
    Timeframe tf;
    return timeframe_parse(text, &tf);
}

static bool is_series(Str text) {
    SeriesKey key;
    return series_key_parse(text, &key);
}

static bool is_id(Str text) {
    if (text.n == 0 || text.n > 64)
        return false;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        bool alnum = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (!alnum && (i == 0 || (c != '.' && c != '_' && c != '-')))
            return false;
    }
    return true;
}

/* clang-format off */
static const Pattern patterns[] = {
    { "symbol", "^[A-Za-z0-9._/:^=-]{1,31}$", "a venue symbol such as BTCUSDT (at most 31 of A-Z a-z 0-9 . _ - / : ^ =)", is_symbol },
    { "venue", "^[A-Za-z0-9_-]{1,15}$", "the name of a venue such as binance (at most 15 of a-z 0-9 _ -)", is_venue },
    { "timeframe", "^[1-9][0-9]?[smhdwM]$", "a timeframe such as 1m, 15m, 1h, 1d, 1w or 1M", is_timeframe },
    { "series", "^[A-Za-z0-9_-]{1,15}:[^\\s]{1,31}:[1-9][0-9]?[smhdwM]([@/+][a-z0-9_-]+)*$", "a series such as binance:BTCUSDT:1h", is_series },
    { "id", "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", "an id (at most 64 of A-Z a-z 0-9 . _ -, beginning with a letter or digit)", is_id },
};
/* clang-format on */

const Pattern *pattern_find(const char *name) {
    for (size_t i = 0; i < ARRAY_LEN(patterns); i++)
        if (strcmp(patterns[i].name, name) == 0)
            return &patterns[i];
    return NULL;
}
