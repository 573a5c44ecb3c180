/* sim/gen_symbol.c - what a market is like, by its name; see candle_gen.h.
 *
 * Levels, ticks and steps of the well-known pairs are those of the venue around 2024, listing times its own. A name
 * that is not in the table gets a market drawn from the name's hash: the same in every run, whatever the seed. */

#include "base/rng.h"
#include "sim/candle_gen.h"

#include <math.h>

typedef struct KnownPair {
    const char *base, *quote;
    double price, daily_vol, market, daily_quote, trade_quote;
    int tick_scale, lot_scale; /* tick = 10^-tick_scale */
    int64_t listed_ms;
} KnownPair;

/* clang-format off */
static const KnownPair known_pairs[] = {
    { "BTC",  "USDT", 60000,   0.030, 0.88, 1.6e9, 900, 2, 5, INT64_C(1502942400000) },
    { "ETH",  "USDT", 3000,    0.038, 0.85, 9.0e8, 700, 2, 4, INT64_C(1502942400000) },
    { "BNB",  "USDT", 550,     0.036, 0.75, 2.0e8, 450, 2, 3, INT64_C(1509940440000) },
    { "SOL",  "USDT", 150,     0.052, 0.72, 5.0e8, 500, 2, 3, INT64_C(1597125600000) },
    { "XRP",  "USDT", 0.55,    0.043, 0.65, 2.5e8, 350, 4, 0, INT64_C(1525421460000) },
    { "ADA",  "USDT", 0.45,    0.046, 0.70, 8.0e7, 250, 4, 1, INT64_C(1523937720000) },
    { "DOGE", "USDT", 0.12,    0.055, 0.62, 2.0e8, 250, 5, 0, INT64_C(1562328000000) },
    { "LTC",  "USDT", 80,      0.041, 0.72, 6.0e7, 250, 2, 3, INT64_C(1513135920000) },
    { "SHIB", "USDT", 0.00002, 0.060, 0.55, 6.0e7, 200, 8, 0, INT64_C(1620644400000) },
    { "ETH",  "BTC",  0.050,   0.022, 0.30, 1.5e3, 0.02, 5, 4, INT64_C(1500004800000) },
    { "BNB",  "BTC",  0.0092,  0.025, 0.25, 3.0e2, 0.01, 6, 3, INT64_C(1500004800000) },
    { "LTC",  "BTC",  0.0013,  0.024, 0.20, 5.0e1, 0.01, 6, 3, INT64_C(1500004800000) },
};
/* clang-format on */

const char *const GEN_SYMBOLS[12] = { "BTCUSDT",  "ETHUSDT", "BNBUSDT",  "SOLUSDT", "XRPUSDT", "ADAUSDT",
                                      "DOGEUSDT", "LTCUSDT", "SHIBUSDT", "ETHBTC",  "BNBBTC",  "LTCBTC" };

/* Longest first where one is the tail of another. unit is what one quote is worth in dollars, roughly. */
static const struct {
    const char *name;
    double unit;
} quotes[] = {
    { "FDUSD", 1 }, { "USDT", 1 },       { "USDC", 1 },    { "BUSD", 1 },   { "TUSD", 1 },  { "USD", 1 },
    { "EUR", 1.1 }, { "TRY", 1.0 / 35 }, { "BTC", 60000 }, { "ETH", 3000 }, { "BNB", 550 },
};

static uint64_t name_hash(Str name) { /* FNV-1a: the same on every machine */
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < name.n; i++)
        h = (h ^ (uint8_t)name.p[i]) * UINT64_C(0x100000001b3);
    return h;
}

static bool split_name(Str name, Str *base, double *unit) {
    for (size_t i = 0; i < ARRAY_LEN(quotes); i++) {
        Str q = str_c(quotes[i].name);
        if (name.n > q.n && str_ends(name, q)) {
            *base = str_first(name, name.n - q.n);
            *unit = quotes[i].unit;
            return true;
        }
    }
    return false;
}

static Decimal power_of_ten(int scale) {
    return (Decimal){ 1, CLAMP(scale, 0, 8) };
}

static void fill_known(const KnownPair *k, GenSymbol *out) {
    out->tick = power_of_ten(k->tick_scale);
    out->lot = power_of_ten(k->lot_scale);
    out->price = k->price;
    out->daily_vol = k->daily_vol;
    out->market = k->market;
    out->daily_quote = k->daily_quote;
    out->trade_quote = k->trade_quote;
    out->listed = time_ms(k->listed_ms);
}

static void fill_from_hash(uint64_t hash, double unit, GenSymbol *out) {
    Rng r;
    rng_seed(&r, hash);
    out->price = pow(10.0, rng_f64(&r) * 5 - 3) / unit;
    int magnitude = (int)floor(log10(out->price));
    out->tick = power_of_ten(4 - magnitude);
    out->lot = power_of_ten(2 + (int)floor(log10(out->price * unit)));
    out->daily_vol = 0.03 + 0.05 * rng_f64(&r);
    out->market = 0.3 + 0.5 * rng_f64(&r);
    out->daily_quote = pow(10.0, 5.5 + 2 * rng_f64(&r)) / unit;
    out->trade_quote = (80 + 200 * rng_f64(&r)) / unit;
    /* some minute of 2018..2022 */
    out->listed = time_ms(INT64_C(1514764800000) + (int64_t)rng_below(&r, 1826 * 1440) * MS_PER_MINUTE);
    /* a price below 50 ticks would be a staircase */
    double tick = decimal_to_f64(out->tick);
    out->price = MAX(out->price, 500 * tick);
}

bool gen_symbol_from_name(Symbol name, GenSymbol *out) {
    *out = (GenSymbol){ .symbol = name };
    Str text = symbol_str(&name), base;
    double unit;
    if (text.n < 5 || text.n > 20 || !split_name(text, &base, &unit))
        return false;
    for (size_t i = 0; i < text.n; i++)
        if (!((text.p[i] >= 'A' && text.p[i] <= 'Z') || (text.p[i] >= '0' && text.p[i] <= '9')))
            return false;
    Str quote = str_from(text, base.n);
    if (!symbol_parse(base, &out->base) || !symbol_parse(quote, &out->quote))
        return false;

    out->key = name_hash(text);
    const KnownPair *known = NULL;
    for (size_t i = 0; i < ARRAY_LEN(known_pairs) && !known; i++)
        if (str_eq(base, str_c(known_pairs[i].base)) && str_eq(quote, str_c(known_pairs[i].quote)))
            known = &known_pairs[i];
    if (known)
        fill_known(known, out);
    else
        fill_from_hash(out->key, unit, out);
    out->min_notional = unit > 100 ? (Decimal){ 1, 4 } : (Decimal){ 5, 0 };
    return true;
}
