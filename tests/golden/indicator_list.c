/* golden/indicator_list.c - see indicator_list.h. */

#include "golden/indicator_list.h"

#include "ta/ta.h"

static const char *const GROUPS[] = { [TA_OVERLAP] = "Averages and channels",
                                      [TA_MOMENTUM] = "Momentum",
                                      [TA_VOLATILITY] = "Volatility",
                                      [TA_VOLUMES] = "Volume",
                                      [TA_CYCLE] = "Cycles",
                                      [TA_PRICE] = "Prices of a candle",
                                      [TA_STATISTIC] = "Statistics",
                                      [TA_MATH] = "Arithmetic",
                                      [TA_PATTERN] = "Candle patterns" };

static const char *const INPUTS[] = {
    [TA_OPEN] = "open",     [TA_HIGH] = "high", [TA_LOW] = "low", [TA_CLOSE] = "close",
    [TA_VOLUME] = "volume", [TA_X] = "x",       [TA_Y] = "y",     [TA_PERIODS] = "periods"
};

static const char *source_of(const TaIndicator *ta) {
    Str name = str_c(ta->name);
    return str_ends(name, S("_backtrader")) ? "Backtrader" : str_ends(name, S("_ta4j")) ? "ta4j" : "";
}

static void write_row(FILE *out, const TaIndicator *ta) {
    double params[TA_PARAMS_MAX];
    ta_standard_params(ta, params);
    fprintf(out, "| `%s` | %s | ", ta->name, ta->words);
    for (size_t i = 0; i < ta_n_inputs(ta); i++)
        fprintf(out, "%s%s", i > 0 ? ", " : "", INPUTS[ta->inputs[i]]);
    fprintf(out, " | ");
    for (size_t i = 0; i < ta_n_params(ta); i++)
        fprintf(out, "%s%s %g", i > 0 ? ", " : "", ta->params[i].name, params[i]);
    fprintf(out, " | ");
    for (size_t i = 0; i < ta_n_outputs(ta); i++)
        fprintf(out, "%s%s", i > 0 ? ", " : "", ta->outputs[i]);
    fprintf(out, " | %d%s | %s |\n", ta->lookback(params), ta->recursive ? " r" : "", source_of(ta));
}

void indicator_list_write(FILE *out) {
    fprintf(
        out,
        "# Indicators\n\n"
        "Written by `build/tests/golden/list_indicators`; a test holds it to the table of src/ta. Parameters stand\n"
        "with their standard values. Look-back: rows before the first whole row; r: values depend on every row\n"
        "since the first (or on running sums), else on the last look-back + 1 alone. An input x is any column,\n"
        "the close where none is named. Definitions are TA-Lib's where it has the name; a name that ends with\n"
        "another tool's is that tool's reading of it. No value depends on a later row.\n\n"
        "How they begin, because tools differ there and agree only later:\n\n"
        "- `ema`, and what is made of it (`dema`, `tema`, `t3`, `trix`, `macd`, `tsi`, `zlema`, `keltner`): the first\n"
        "  value is the mean of the first `period` values. In `macd` both averages get their first value together, "
        "the\n"
        "  quick one from the values just before; in `macd_backtrader`, `apo` and `ppo` each at its own start.\n"
        "  `ema_ta4j` begins with one price.\n"
        "- `rma`, `rsi`, `cmo`, `atr`, `natr`: Wilder's, weight 1 / `period`, from the mean of the first `period`.\n"
        "  Where nothing moved `rsi` is 0, `rsi_backtrader` 50.\n"
        "- `plus_dm` to `adxr`: Wilder's sums, whose first has `period` - 1 members; `dm_backtrader` begins with "
        "means.\n"
        "- `kama`: from the price before its first value; `kama_backtrader` from a mean.\n"
        "- `obv` begins with the first volume, `ad` with the first flow; `mama` and ht_ at row 12 or 37, with nothing\n"
        "  before it.\n"
        "- `sma`, `sum`, `wma`, `stddev`, `var`, `correl` roll their sums (off the exact ones by some 1e-13);\n"
        "  `sma_backtrader` and what has its name are exactly rounded, as Python's fsum.\n"
        "- A kind of average (`average`, 0 to 8): sma, ema, wma, dema, tema, trima, kama, mama (limits 0.5 and 0.05,\n"
        "  whatever the period), t3 (factor 0.7).\n");
    for (TaGroup g = TA_OVERLAP; g <= TA_PATTERN; g++) {
        fprintf(out,
                "\n## %s\n\n| name | what | inputs | parameters | outputs | look-back | of "
                "|\n|---|---|---|---|---|---|---|\n",
                GROUPS[g]);
        for (size_t i = 0; i < ta_count(); i++)
            if (ta_at(i)->group == g)
                write_row(out, ta_at(i));
    }
}
