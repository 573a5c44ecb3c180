/* golden/dump_backtrader.c - entries of Backtrader's form: SMA_10, MACDHisto_12_26_9, CROSS_SMA10_30. */

#include <math.h>

#include "base/num.h"
#include "golden/dump_check.h"

enum { LINES_MAX = 5, NAME_NUMBERS_MAX = 9, LAG = TA_PARAMS_MAX, NUMBERS = TA_PARAMS_MAX + 1 };

/* Lines that are no output of ours and checked from what we have. */
enum { LAGGING_CLOSE = -1, OSCILLATOR = -2 };

/* What a name of Backtrader's is here. numbers: those that stand where the dump's name has none. */
static const struct Reading {
    const char *name, *ta;
    double numbers[NUMBERS]; /* at LAG: of the line that is the close of later */
    struct {
        const char *name;
        int output;
    } lines[LINES_MAX];
    TaInput x; /* what TA_X is, if not the close */
    signed char
        places[NAME_NUMBERS_MAX]; /* of the name's numbers among the parameters, where not one after the other */
} READINGS[] = {
    /* clang-format off */
    { "SMA", "sma_backtrader", { 30 }, { { "sma", 0 } } },
    { "EMA", "ema", { 30 }, { { "ema", 0 } } },
    { "SMMA", "rma", { 30 }, { { "smma", 0 } } },
    { "WMA", "wma", { 30 }, { { "wma", 0 } } },
    { "HMA", "hma", { 30 }, { { "hma", 0 } } },
    { "DEMA", "dema", { 30 }, { { "dema", 0 } } },
    { "TEMA", "tema", { 30 }, { { "tema", 0 } } },
    { "KAMA", "kama_backtrader", { 30 }, { { "kama", 0 } } },
    { "ZLEMA", "zlema", { 30 }, { { "zlema", 0 } } },
    { "RSI", "rsi_backtrader", { 14 }, { { "rsi", 0 } } },
    { "RSI_SMMA", "rsi_backtrader", { 14 }, { { "rsi", 0 } } },
    { "RSI_SMA", "rsi_sma_backtrader", { 14 }, { { "rsi", 0 } } },
    { "RSI_EMA", "rsi_ema_backtrader", { 14 }, { { "rsi", 0 } } },
    { "MACD", "macd_backtrader", { 12, 26, 9 }, { { "macd", 0 }, { "signal", 1 } } },
    { "MACDHisto", "macd_backtrader", { 12, 26, 9 }, { { "macd", 0 }, { "signal", 1 }, { "histo", 2 } } },
    { "BBANDS", "bbands_backtrader", { 20, 2 }, { { "top", 0 }, { "mid", 1 }, { "bot", 2 } } },
    { "STDDEV", "stddev_backtrader", { 20 }, { { "stddev", 0 } } },
    { "MEANDEV", "meandev_backtrader", { 20 }, { { "meandev", 0 } } },
    { "TR", "trange", { 0 }, { { "tr", 0 } } },
    { "ATR", "atr", { 14 }, { { "atr", 0 } } },
    { "DM", "dm_backtrader", { 14 }, { { "plusDI", 0 }, { "minusDI", 1 }, { "adx", 2 }, { "adxr", 3 } } },
    { "STOCH", "stoch_backtrader", { 14, 3, 3 }, { { "percK", 1 }, { "percD", 2 } } },
    { "STOCHFAST", "stoch_backtrader", { 14, 3, 3 }, { { "percK", 0 }, { "percD", 1 } } },
    { "STOCHFULL", "stoch_backtrader", { 14, 3, 3 }, { { "percK", 0 }, { "percD", 1 }, { "percDSlow", 2 } } },
    { "WILLR", "willr", { 14 }, { { "percR", 0 } } },
    { "CCI", "cci_backtrader", { 20 }, { { "cci", 0 } } },
    { "MOM", "mom", { 12 }, { { "momentum", 0 } } },
    { "ROC", "rocp", { 12 }, { { "roc", 0 } } },
    { "AROON", "aroon", { 14 }, { { "aroondown", 0 }, { "aroonup", 1 }, { "aroonosc", OSCILLATOR } } },
    { "PSAR", "sar_backtrader", { 0.02, 0.2 }, { { "psar", 0 } } },
    { "ULTOSC", "ultosc", { 7, 14, 28 }, { { "uo", 0 } } },
    { "TRIX", "trix", { 15 }, { { "trix", 0 } } },
    { "PPO", "ppo_backtrader", { 12, 26, 9 }, { { "ppo", 0 }, { "signal", 1 }, { "histo", 2 } } },
    { "DPO", "dpo", { 20 }, { { "dpo", 0 } } },
    { "HIGHEST", "max", { 14 }, { { "highest", 0 } }, TA_HIGH },
    { "LOWEST", "min", { 14 }, { { "lowest", 0 } }, TA_LOW },
    { "ICHIMOKU", "ichimoku", { 9, 26, 52, 26, [LAG] = 26 },
      { { "tenkan_sen", 0 }, { "kijun_sen", 1 }, { "senkou_span_a", 2 }, { "senkou_span_b", 3 },
        { "chikou_span", LAGGING_CLOSE } }, .places = { 0, 1, 2, 3, LAG } },
    { "VORTEX", "vortex", { 14 }, { { "vi_plus", 0 }, { "vi_minus", 1 } } },
    { "TSI", "tsi", { 25, 13 }, { { "tsi", 0 } } },
    { "AO", "ao", { 5, 34 }, { { "ao", 0 } } },
    { "KST", "kst", { 9, 10, 15, 20, 30, 10 }, { { "kst", 0 }, { "signal", 1 } },
      .places = { 1, 2, 3, 4, 5, 5, 5, 5, 0 } },
    { "PCTRANK", "percentrank", { 50 }, { { "pctrank", 0 } } },
    { "HEIKINASHI", "heikinashi", { 0 }, { { "ha_open", 0 }, { "ha_high", 1 }, { "ha_low", 2 }, { "ha_close", 3 } } },
    { "OBV", "obv", { 0 }, { { "obv", 0 } } },
    /* clang-format on */
};

/* The numbers behind the last letters of a name: MACDHisto, { 12, 26, 9 }. */
typedef struct NamedBy {
    Str word;
    double numbers[NAME_NUMBERS_MAX];
    size_t n;
} NamedBy;

static int split_name(Ctx *cx, Str name, NamedBy *out) {
    double reversed[NAME_NUMBERS_MAX], v;
    *out = (NamedBy){ .word = name };
    for (;;) {
        size_t at = out->word.n;
        while (at > 0 && out->word.p[at - 1] != '_')
            at--;
        if (at == 0 || !num_parse_f64(str_from(out->word, at), &v))
            break;
        if (out->n == NAME_NUMBERS_MAX)
            return err_set(cx, ERR_UNSUPPORTED, "the name has more than %d numbers", NAME_NUMBERS_MAX);
        reversed[out->n++] = v;
        out->word.n = at - 1;
    }
    for (size_t i = 0; i < out->n; i++)
        out->numbers[i] = reversed[out->n - 1 - i];
    return 0;
}

/* Names of Backtrader's classes that are longer than its dump's. */
static const struct {
    const char *theirs, *dumped;
} LONGER[] = {
    /* clang-format off */
    { "MovingAverageSimple", "SMA" }, { "SimpleMovingAverage", "SMA" }, { "ExponentialMovingAverage", "EMA" },
    { "SmoothedMovingAverage", "SMMA" }, { "WilderMA", "SMMA" }, { "WeightedMovingAverage", "WMA" },
    { "HullMovingAverage", "HMA" }, { "DoubleExponentialMovingAverage", "DEMA" },
    { "TripleExponentialMovingAverage", "TEMA" }, { "AdaptiveMovingAverage", "KAMA" },
    { "ZeroLagExponentialMovingAverage", "ZLEMA" }, { "RSI_Safe", "RSI" }, { "RSI_Wilder", "RSI" },
    { "RSI_Cutler", "RSI_SMA" }, { "RelativeStrengthIndex", "RSI" }, { "MACDHistogram", "MACDHisto" },
    { "BollingerBands", "BBANDS" }, { "StandardDeviation", "STDDEV" }, { "MeanDeviation", "MEANDEV" },
    { "MeanDev", "MEANDEV" }, { "TrueRange", "TR" }, { "AverageTrueRange", "ATR" }, { "DirectionalMovement", "DM" },
    { "Stochastic", "STOCH" }, { "StochasticSlow", "STOCH" }, { "StochasticFast", "STOCHFAST" },
    { "StochasticFull", "STOCHFULL" }, { "WilliamsR", "WILLR" }, { "CommodityChannelIndex", "CCI" },
    { "Momentum", "MOM" }, { "RateOfChange", "ROC" }, { "AroonUpDownOscillator", "AROON" },
    { "AroonUpDownOsc", "AROON" }, { "ParabolicSAR", "PSAR" }, { "UltimateOscillator", "ULTOSC" },
    { "PercentagePriceOscillator", "PPO" }, { "DetrendedPriceOscillator", "DPO" }, { "MaxN", "HIGHEST" },
    { "MinN", "LOWEST" }, { "TrueStrengthIndicator", "TSI" }, { "AwesomeOscillator", "AO" },
    { "KnowSureThing", "KST" }, { "PercentRank", "PCTRANK" },
    /* clang-format on */
};

static const struct Reading *reading_of(Str word) {
    for (size_t i = 0; i < ARRAY_LEN(LONGER); i++)
        if (str_eq_nocase(word, str_c(LONGER[i].theirs)))
            word = str_c(LONGER[i].dumped);
    for (size_t i = 0; i < ARRAY_LEN(READINGS); i++)
        if (str_eq_nocase(word, str_c(READINGS[i].name)))
            return &READINGS[i];
    return NULL;
}

/* params: NUMBERS of them. A number that stands for another one's parameter has to be the same. */
static int read_numbers(Ctx *cx, const struct Reading *r, const TaIndicator *ta, const NamedBy *named, double *params) {
    bool mapped = r->places[1] != 0, given[NUMBERS] = { false };
    size_t takes = mapped ? NAME_NUMBERS_MAX : ta_n_params(ta);
    while (mapped && takes > 1 && r->places[takes - 1] == 0 && r->places[takes - 2] == 0)
        takes--;
    ta_standard_params(ta, params);
    memcpy(params, r->numbers, ta_n_params(ta) * sizeof(double));
    params[LAG] = r->numbers[LAG];
    if (named->n > takes)
        return err_set(cx, ERR_UNSUPPORTED, "it takes %zu numbers, the name has %zu", takes, named->n);
    for (size_t i = 0; i < named->n; i++) {
        size_t at = mapped ? (size_t)r->places[i] : i;
        if (given[at] && params[at] != named->numbers[i])
            return err_set(cx, ERR_UNSUPPORTED, "%s is one number here, the name has %g and %g", ta->params[at].name,
                           params[at], named->numbers[i]);
        params[at] = named->numbers[i];
        given[at] = true;
    }
    int bad = ta_bad_param(ta, params);
    return bad < 0 ? 0 : err_set(cx, ERR_UNSUPPORTED, "%s cannot be %g", ta->params[bad].name, params[bad]);
}

/* Members that are no lines. */
static bool is_remark(Str key) {
    return str_eq(key, S("minperiod")) || str_eq(key, S("note"));
}

/* A line of ours, or one made of ours or of the candles. */
static int our_line(Ctx *cx, const struct Reading *r, Str name, const double *params, double *const *out,
                    const Columns *c, double *got) {
    for (size_t i = 0; i < LINES_MAX && r->lines[i].name; i++) {
        if (!str_eq(name, str_c(r->lines[i].name)))
            continue;
        int output = r->lines[i].output;
        size_t lag = output == LAGGING_CLOSE ? (size_t)params[LAG] : 0;
        for (size_t k = 0; k < c->n; k++)
            got[k] = output == OSCILLATOR      ? out[1][k] - out[0][k]
                     : output == LAGGING_CLOSE ? (k + lag < c->n ? c->of[TA_CLOSE][k + lag] : NAN)
                                               : out[output][k];
        if (str_eq(str_c(r->name), S("OBV"))) /* the dump's begins at 0, not with the first volume */
            for (size_t k = 0; k < c->n; k++)
                got[k] -= c->of[TA_VOLUME][0];
        return 0;
    }
    return err_set(cx, ERR_UNSUPPORTED, "it has no line " STR_FMT, STR_ARG(name));
}

/* The dump's line against ours. 0, 1 or < 0. */
static int check_line(Ctx *cx, DumpReport *rep, Str indicator, const Member *line, const double *got,
                      const Columns *c) {
    double *want;
    size_t n_want;
    int err = dump_numbers(cx, line->json, &want, &n_want);
    if (err)
        return err;
    if (n_want != c->n)
        return err_set(cx, ERR_INVALID, STR_FMT " has %zu rows in the dump, the data %zu", STR_ARG(line->key), n_want,
                       c->n);
    double noise = dump_noise(&(const double *){ c->of[TA_CLOSE] }, 1, c->n);
    return dump_compare(rep, &(DumpLine){ indicator, line->key, 1e-9, noise }, got, want, c->n) > 0;
}

/* CROSS_SMA10_30: one indicator fed by two others. */
static int check_crossing(Ctx *cx, DumpReport *rep, Str name, const Members *lines, const Columns *c) {
    Str rest = str_from(name, strlen("CROSS_")), word = rest;
    double periods[2], *of[2];
    const double *close = c->of[TA_CLOSE];
    word.n = 0;
    while (word.n < rest.n && (rest.p[word.n] < '0' || rest.p[word.n] > '9'))
        word.n++;
    rest = str_from(rest, word.n);
    if (word.n > 0 && word.p[word.n - 1] == '_') /* CROSS_SMA_10_30 */
        word.n--;
    ptrdiff_t at = str_find_char(rest, '_');
    const struct Reading *r = reading_of(word);
    if (!r || at < 0 || !num_parse_f64(str_first(rest, (size_t)at), &periods[0]) ||
        !num_parse_f64(str_from(rest, (size_t)at + 1), &periods[1]))
        return err_set(cx, ERR_UNSUPPORTED, "not a crossing that is known: CROSS_SMA10_30 is one");
    const TaIndicator *ta = ta_find(str_c(r->ta));
    if (ta_n_inputs(ta) != 1 || ta_n_params(ta) != 1 || ta_n_outputs(ta) != 1)
        return err_set(cx, ERR_UNSUPPORTED, "a crossing is of averages of one period");
    for (int i = 0; i < 2; i++) {
        of[i] = arena_new_n(cx->arena, double, c->n + 1);
        if (ta_bad_param(ta, &periods[i]) >= 0)
            return err_set(cx, ERR_UNSUPPORTED, "the period cannot be %g", periods[i]);
        ta_compute(ta, &periods[i], &close, c->n, &of[i]);
    }
    ta_compute(ta_find(S("crossover")), NULL, (const double *[]){ of[0], of[1] }, c->n, &of[0]);
    for (size_t i = 0; i < lines->n; i++)
        if (str_eq(lines->of[i].key, S("crossover")))
            return check_line(cx, rep, name, &lines->of[i], of[0], c);
    return err_set(cx, ERR_INVALID, "the dump has no line crossover");
}

int dump_check_backtrader(Ctx *cx, DumpReport *rep, Str name, Str json, const Columns *c) {
    NamedBy named;
    Members lines;
    double params[NUMBERS], *out[TA_OUTPUTS_MAX], *got = arena_new_n(cx->arena, double, c->n + 1);
    const double *in[TA_INPUTS_MAX];
    int err = dump_members(cx, json, &lines), result = 0;
    size_t n_checked = 0;
    if (err || (err = split_name(cx, name, &named)))
        return err;
    if (str_starts(name, S("CROSS_")))
        return check_crossing(cx, rep, name, &lines, c);
    const struct Reading *r = reading_of(named.word);
    if (!r)
        return err_set(cx, ERR_UNSUPPORTED, "there is no indicator of this name");
    const TaIndicator *ta = ta_find(str_c(r->ta));
    if ((err = read_numbers(cx, r, ta, &named, params)))
        return err;
    for (size_t i = 0; i < ta_n_inputs(ta); i++)
        in[i] = c->of[ta->inputs[i] == TA_X && r->x != TA_END ? r->x : ta->inputs[i]];
    for (size_t i = 0; i < ta_n_outputs(ta); i++)
        out[i] = arena_new_n(cx->arena, double, c->n + 1);
    ta_compute(ta, params, in, c->n, out);
    for (size_t i = 0; i < lines.n; i++) {
        if (is_remark(lines.of[i].key))
            continue;
        n_checked++;
        int got_line = our_line(cx, r, lines.of[i].key, params, out, c, got);
        if (got_line == 0)
            got_line = check_line(cx, rep, name, &lines.of[i], got, c);
        if (got_line < 0)
            return got_line;
        result = MAX(result, got_line);
    }
    return n_checked > 0 ? result : err_set(cx, ERR_INVALID, "the dump has no line of it");
}
