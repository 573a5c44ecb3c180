/* backtest/rule/names.c - what a rule may name besides indicators, extra columns and parameters. */

#include "backtest/rule/internal.h"

#define CONSTANT(name_, value, words_)                                                                                 \
    { { (name_), (name_), (words_) }, NAME_CONST, OP_CONST, .standard = (value) }
#define PRICE(name_, which, words_)                                                                                    \
    { { (name_), (name_), (words_) }, NAME_PRICE, OP_PRICE, (which) }
#define CALENDAR(name_, which, words_)                                                                                 \
    { { (name_), (name_), (words_) }, NAME_CALENDAR, OP_CALENDAR, (which) }
#define POSITION(name_, which, words_)                                                                                 \
    { { (name_), (name_), (words_) }, NAME_POSITION, OP_POSITION, (which) }

/* clang-format off */
static const NameRow ROWS[] = {
    PRICE("open", PRICE_OPEN, "first price of the candle"),
    PRICE("high", PRICE_HIGH, "highest price of the candle"),
    PRICE("low", PRICE_LOW, "lowest price of the candle"),
    PRICE("close", PRICE_CLOSE, "last price of the candle"),
    PRICE("volume", PRICE_VOLUME, "volume of the candle"),
    CALENDAR("minute", CALENDAR_MINUTE, "0..59, of the candle's open time"),
    CALENDAR("hour", CALENDAR_HOUR, "0..23, of the candle's open time"),
    CALENDAR("weekday", CALENDAR_WEEKDAY, "0 = monday .. 6 = sunday, of the candle's open time"),
    CALENDAR("day", CALENDAR_DAY, "1..31, of the candle's open time"),
    CALENDAR("month", CALENDAR_MONTH, "1..12, of the candle's open time"),
    CALENDAR("year", CALENDAR_YEAR, "of the candle's open time"),
    POSITION("position", POSITION_SIDE, "1 long, -1 short, 0 flat"),
    POSITION("position_size", POSITION_SIZE, "units held; negative when short"),
    POSITION("entry_price", POSITION_ENTRY, "average price of the position; unknown when flat"),
    POSITION("bars_since_entry", POSITION_SINCE, "candles since the entry's candle; unknown when flat"),
    POSITION("pnl_percent", POSITION_PNL, "gain of the position at this close in percent of its entry, before fees; unknown when flat"),
    POSITION("equity", POSITION_EQUITY, "value of the account at this close"),
    CONSTANT("true", 1, "always"),
    CONSTANT("false", 0, "never"),
    CONSTANT("monday", 0, "weekday 0"), CONSTANT("tuesday", 1, "weekday 1"), CONSTANT("wednesday", 2, "weekday 2"),
    CONSTANT("thursday", 3, "weekday 3"), CONSTANT("friday", 4, "weekday 4"), CONSTANT("saturday", 5, "weekday 5"),
    CONSTANT("sunday", 6, "weekday 6"),
    { { "crossover", "crossover(a, b)", "a is above b now and was below it when they differed last" },
      NAME_FUNCTION, OP_CROSS, CROSS_UP, true, "xx" },
    { { "crossunder", "crossunder(a, b)", "a is below b now and was above it when they differed last" },
      NAME_FUNCTION, OP_CROSS, CROSS_DOWN, true, "xx" },
    { { "crossed", "crossed(a, b)", "crossover or crossunder" },
      NAME_FUNCTION, OP_CROSS, CROSS_UP | CROSS_DOWN, true, "xx" },
    { { "highest", "highest(x, n)", "greatest of the last n values, this one among them" },
      NAME_FUNCTION, OP_TA, 0, false, "xn", .instead = "max" },
    { { "lowest", "lowest(x, n)", "least of the last n values, this one among them" },
      NAME_FUNCTION, OP_TA, 0, false, "xn", .instead = "min" },
    { { "rising", "rising(x, n = 1)", "x grew at each of the last n candles" },
      NAME_FUNCTION, OP_RISING, 0, true, "x?n", .standard = 1 },
    { { "falling", "falling(x, n = 1)", "x shrank at each of the last n candles" },
      NAME_FUNCTION, OP_FALLING, 0, true, "x?n", .standard = 1 },
    { { "change", "change(x, n = 1)", "x - x[n]" },
      NAME_FUNCTION, OP_SUB, 0, false, "x?n", .standard = 1 },
    { { "count", "count(c, n)", "at how many of the last n candles c was true" },
      NAME_FUNCTION, OP_COUNT, 0, false, "cn" },
    { { "since", "since(c)", "candles since c was true last; 0 when it is now" },
      NAME_FUNCTION, OP_SINCE, 0, false, "c" },
    { { "abs", "abs(x)", "size without the sign" }, NAME_FUNCTION, OP_ABS, 0, false, "x" },
    { { "sign", "sign(x)", "1, 0 or -1" }, NAME_FUNCTION, OP_SIGN, 0, false, "x" },
    { { "greater", "greater(a, b)", "the greater of the two" }, NAME_FUNCTION, OP_GREATER, 0, false, "xx" },
    { { "lesser", "lesser(a, b)", "the lesser of the two" }, NAME_FUNCTION, OP_LESSER, 0, false, "xx" },
    { { "choose", "choose(c, a, b)", "a where c is true, b where it is false" },
      NAME_FUNCTION, OP_CHOOSE, 0, false, "cxx" },
};
/* clang-format on */

const RuleName *rule_name_at(size_t i) {
    return i < ARRAY_LEN(ROWS) ? &ROWS[i].doc : NULL;
}

const NameRow *name_find(Str name) {
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++)
        if (str_eq_nocase(name, str_c(ROWS[i].doc.name)))
            return &ROWS[i];
    return NULL;
}

typedef struct Nearest {
    Arena *arena;
    Str name, best;
    size_t distance;
} Nearest;

static void consider(Nearest *n, Str candidate) {
    size_t d = str_distance(n->name, str_lower(n->arena, candidate), n->distance);
    if (d < n->distance) {
        n->distance = d;
        n->best = candidate;
    }
}

const char *name_nearest(const RuleEnv *env, Str name, Arena *arena) {
    /* a third of the letters may be wrong: "smaa" is sma, "foo" is nothing */
    Nearest n = { .arena = arena, .name = str_lower(arena, name), .distance = MIN(name.n, 12) / 3 + 1 };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++)
        consider(&n, str_c(ROWS[i].doc.name));
    for (size_t i = 0; env && i < env->n_columns; i++)
        consider(&n, env->columns[i]);
    for (size_t i = 0; env && i < env->n_params; i++)
        consider(&n, env->params[i].name);
    for (size_t i = 0; i < ta_count(); i++)
        consider(&n, str_c(ta_at(i)->name));
    return n.best.n ? str_cz(arena, n.best) : NULL;
}
