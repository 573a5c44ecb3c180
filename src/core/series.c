/* core/series.c - see series.h.
 *
 * A symbol may hold ':' and '/', a venue and a provider may not. The text is therefore read from both ends: the
 * venue up to the first ':', everything from the last ':' on is timeframe and marks, the symbol is between. */

#include "core/series.h"

static const char *const price_names[] = { "trade", "bid", "ask", "mid", "mark", "index" };
static const char *const adjustment_names[] = { "none", "splits", "all" };

const char *price_type_name(PriceType price) {
    assert((size_t)price < ARRAY_LEN(price_names));
    return price_names[price];
}

const char *adjustment_name(Adjustment adjustment) {
    assert((size_t)adjustment < ARRAY_LEN(adjustment_names));
    return adjustment_names[adjustment];
}

static bool name_parse(Str text, const char *const *names, size_t n, size_t *out) {
    for (size_t i = 0; i < n; i++) {
        if (str_eq(text, str_c(names[i]))) {
            *out = i;
            return true;
        }
    }
    return false;
}

bool price_type_parse(Str text, PriceType *out) {
    size_t i;
    if (!name_parse(text, price_names, ARRAY_LEN(price_names), &i))
        return false;
    *out = (PriceType)i;
    return true;
}

bool adjustment_parse(Str text, Adjustment *out) {
    size_t i;
    if (!name_parse(text, adjustment_names, ARRAY_LEN(adjustment_names), &i))
        return false;
    *out = (Adjustment)i;
    return true;
}

bool series_key_eq(const SeriesKey *a, const SeriesKey *b) {
    return venue_eq(a->venue, b->venue) && symbol_eq(a->symbol, b->symbol) &&
           timeframe_eq(a->timeframe, b->timeframe) && venue_eq(a->provider, b->provider) && a->price == b->price &&
           a->adjustment == b->adjustment;
}

Str series_key_text(Arena *a, const SeriesKey *key) {
    char tf_text[TIMEFRAME_TEXT_MAX];
    Str tf = timeframe_text(key->timeframe, tf_text);
    bool bid = key->price != PRICE_TRADE, adjusted = key->adjustment != ADJUST_NONE;
    return str_fmt(a, "%s:%s:" STR_FMT "%s%s%s%s%s%s", key->venue.s, key->symbol.s, STR_ARG(tf),
                   key->provider.s[0] ? "@" : "", key->provider.s, bid ? "/" : "",
                   bid ? price_type_name(key->price) : "", adjusted ? "+" : "",
                   adjusted ? adjustment_name(key->adjustment) : "");
}

/* Takes "<mark>word" off the end of *s; *found says whether the mark was there. */
static Str mark_take(Str *s, char mark, bool *found) {
    ptrdiff_t at = str_find_char(*s, mark);
    *found = at >= 0;
    if (at < 0)
        return (Str){ 0 };
    Str word = str_from(*s, (size_t)at + 1);
    *s = str_first(*s, (size_t)at);
    return word;
}

bool series_key_parse(Str text, SeriesKey *out) {
    ptrdiff_t first = str_find_char(text, ':'), last = -1;
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] == ':')
            last = (ptrdiff_t)i;
    if (first < 0 || last <= first)
        return false;

    SeriesKey key = { 0 };
    Str symbol = str_n(text.p + first + 1, (size_t)(last - first - 1));
    Str tail = str_from(text, (size_t)last + 1);
    bool adjusted, priced, provided;
    Str adjustment = mark_take(&tail, '+', &adjusted);
    Str price = mark_take(&tail, '/', &priced);
    Str provider = mark_take(&tail, '@', &provided);
    PriceType price_type = PRICE_TRADE;
    Adjustment adjust = ADJUST_NONE;
    if (!venue_parse(str_first(text, (size_t)first), &key.venue) || !symbol_parse(symbol, &key.symbol) ||
        !timeframe_parse(tail, &key.timeframe) || (provided && !venue_parse(provider, &key.provider)) ||
        (priced && !price_type_parse(price, &price_type)) || (adjusted && !adjustment_parse(adjustment, &adjust)))
        return false;
    key.price = (uint8_t)price_type;
    key.adjustment = (uint8_t)adjust;
    *out = key;
    return true;
}
