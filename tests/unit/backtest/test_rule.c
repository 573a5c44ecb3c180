/* backtest/rule: what rules mean, candle by candle, and what is refused with which words. */

#include "backtest/rule/rule.h"

#include "ta/ta.h"
#include "test.h"

enum { ROWS = 60 };

typedef struct Market {
    int64_t open_ms[ROWS];
    double open[ROWS], high[ROWS], low[ROWS], close[ROWS], volume[ROWS], mood[ROWS];
    const double *extra[1];
    RuleInput in;
} Market;

static void market_init(Market *m) {
    for (int i = 0; i < ROWS; i++) {
        /* hours from Monday 2024-01-01 00:00 UTC; a wave without ties */
        m->open_ms[i] = INT64_C(1704067200000) + (int64_t)i * MS_PER_HOUR;
        m->close[i] = 100 + 10 * sin(i / 4.0) + i * 0.01;
        m->open[i] = i ? m->close[i - 1] : 100;
        m->high[i] = fmax(m->open[i], m->close[i]) + 1;
        m->low[i] = fmin(m->open[i], m->close[i]) - 1;
        m->volume[i] = 1000 + i;
        m->mood[i] = i < 10 ? NAN : i % 3 - 1;
    }
    m->extra[0] = m->mood;
    m->in = (RuleInput){ m->open_ms, m->open, m->high, m->low, m->close, m->volume, m->extra };
}

static const Str columns[] = { STR_INIT("mood") };
static const RuleParam params[] = { { STR_INIT("fast"), 5 } };
static const RuleEnv env = { .columns = columns, .n_columns = 1, .params = params, .n_params = 1 };

static const RuleProgram *compile(TestCtx *t, const char *text, bool number) {
    const RuleProgram *p = NULL;
    RuleSource source = { S("rule"), str_c(text), number };
    CHECK_OK_PLAIN(&t->cx, rule_compile(&t->cx, &env, &source, 1, &p));
    return p;
}

static void run(TestCtx *t, const Market *m, const char *text, bool number, double *out) {
    rule_run(rule_open(&t->arena, compile(t, text, number)), &m->in, ROWS, &out);
}

static bool same(double a, double b) {
    return isnan(a) ? isnan(b) : a == b;
}

TEST(numbers_are_what_they_say) {
    static const struct {
        const char *name;
        int row;
        double want;
    } rows[] = {
        { "2 + 3 * 4", 0, 14 },
        { "(2 + 3) * 4", 0, 20 },
        { "-2 * -3", 0, 6 },
        { "7 % 4", 0, 3 },
        { "10 - 2 - 3", 0, 5 },
        { "volume", 7, 1007 },
        { "volume[2]", 7, 1005 },
        { "volume[0]", 7, 1007 },
        { "volume[8]", 7, NAN },
        { "volume[1][1]", 7, 1005 },
        { "(volume + 1)[2]", 7, 1006 },
        { "change(volume)", 7, 1 },
        { "change(volume, 3)", 7, 3 },
        { "change(volume, 3)", 2, NAN },
        { "highest(volume, 3)", 7, 1007 },
        { "lowest(volume, 3)", 7, 1005 },
        { "lowest(volume, 3)", 1, NAN },
        { "sma(volume, 3)", 7, 1006 },
        { "sma(volume, period = 3)", 7, 1006 },
        { "SMA(Volume, 3)", 7, 1006 },
        { "sma(volume, fast)", 7, 1005 },
        { "ma(volume, 3, sma)", 7, 1006 },
        { "ma(volume, average = sma, period = 3)", 7, 1006 },
        { "abs(-3)", 0, 3 },
        { "sign(-3) + sign(0) + sign(9)", 0, 0 },
        { "greater(volume, 1005)", 7, 1007 },
        { "lesser(volume, 1005)", 7, 1005 },
        { "choose(volume > 1005, 1, 2)", 7, 1 },
        { "choose(volume > 1005, 1, 2)", 5, 2 },
        { "hour", 25, 1 },
        { "weekday", 25, 1 },
        { "day", 25, 2 },
        { "month + year", 25, 2025 },
        { "minute", 25, 0 },
        { "since(volume == 1003)", 2, NAN },
        { "since(volume == 1003)", 3, 0 },
        { "since(volume == 1003)", 7, 4 },
        { "count(volume % 2 == 0, 4)", 2, NAN },
        { "count(volume % 2 == 0, 4)", 7, 2 },
        { "mood", 9, NAN },
        { "mood", 10, 0 },
        { "1 / (volume - 1007)", 7, NAN },
    };
    TestCtx t;
    Market m;
    double out[ROWS];
    test_ctx_init(&t);
    market_init(&m);
    EACH_ROW (r, rows) {
        run(&t, &m, r->name, true, out);
        if (!same(out[r->row], r->want))
            FAIL("row %d is %.17g, not %.17g", r->row, out[r->row], r->want);
    }
    test_row_name = NULL;
    test_ctx_done(&t);
    UNUSED(state_);
}

TEST(conditions_know_three_values) {
    static const struct {
        const char *name;
        int row;
        double want;
    } rows[] = {
        { "close[20] > 0", 3, NAN },
        { "not (close[20] > 0)", 3, NAN },
        { "close[20] > 0 and false", 3, 0 },
        { "close[20] > 0 and true", 3, NAN },
        { "close[20] > 0 or true", 3, 1 },
        { "close[20] > 0 or false", 3, NAN },
        { "close[20] != 0", 3, NAN },
        { "volume == 1003", 3, 1 },
        { "volume != 1003", 3, 0 },
        { "volume <= 1003 and volume >= 1003", 3, 1 },
        { "volume < 1003 or volume > 1003", 3, 0 },
        { "!(volume < 1003) && (true || false)", 3, 1 },
        { "rising(volume, 3)", 3, 1 },
        { "rising(volume, 3)", 2, NAN },
        { "falling(volume)", 3, 0 },
        { "weekday == monday", 23, 1 },
        { "weekday == tuesday", 23, 0 },
        { "(volume > 1002)[1]", 3, 0 },
        { "(volume > 1001)[1]", 3, 1 },
        { "crossover(volume, 1002.5)", 0, NAN },
        { "crossover(volume, 1002.5)", 2, 0 },
        { "crossover(volume, 1002.5)", 3, 1 },
        { "crossover(volume, 1002.5)", 4, 0 },
        { "crossunder(1002.5, volume)", 3, 1 },
        { "crossed(1002.5, volume)", 3, 1 },
        { "crossunder(volume, 1002.5)", 3, 0 },
        /* a touch is no cross; the sign before it is remembered */
        { "crossover(volume, 1003)", 3, 0 },
        { "crossover(volume, 1003)", 4, 1 },
    };
    TestCtx t;
    Market m;
    double out[ROWS];
    test_ctx_init(&t);
    market_init(&m);
    EACH_ROW (r, rows) {
        run(&t, &m, r->name, false, out);
        if (!same(out[r->row], r->want))
            FAIL("row %d is %g, not %g", r->row, out[r->row], r->want);
    }
    test_row_name = NULL;
    test_ctx_done(&t);
    UNUSED(state_);
}

TEST(what_is_wrong_is_said_with_its_column) {
    static const struct {
        const char *name, *want;
        bool number;
    } rows[] = {
        { "close > smma(close, 10)", "rule, column 9: unknown name \"smma\"; did you mean \"sma\"?" },
        { "cloze > 1", "rule, column 1: unknown name \"cloze\"; did you mean \"close\"?" },
        { "modo > 1", "rule, column 1: unknown name \"modo\"; did you mean \"mood\"?" },
        { "qqqqqqq > 1", "rule, column 1: unknown name \"qqqqqqq\"; prices are" },
        { "close[-1] > close", "rule, column 7: a negative lag is a candle of the future" },
        { "close[2 - 3] > close", "rule, column 9: a negative lag is a candle of the future" },
        { "close[volume] > close", "rule, column 7: a lag is a fixed number of candles" },
        { "close[1.5] > close", "rule, column 7: a lag is a whole number from 0 to 100000, not 1.5" },
        { "close[100001] > close", "rule, column 7: a lag is a whole number" },
        { "", "rule, column 1: the rule is empty" },
        { "close >", "rule, column 8: the rule ends here; expected a price" },
        { "close > 1 close", "rule, column 11: expected \"and\", \"or\" or the end, not \"close\"" },
        { "(close > 1", "rule, column 11: the rule ends here; expected \")\"" },
        { "close = 1", "rule, column 7: one \"=\" sets a parameter; compare with \"==\"" },
        { "1 < close < 2", "rule, column 11: comparisons do not chain" },
        { "close", "rule, column 1: a rule is a condition, and this is a number" },
        { "close > 1", "rule, column 7: a number is wanted here, and this is a condition", true },
        { "close and true", "rule, column 1: and takes a condition, and this is a number" },
        { "(close > 1) + 1 > 0", "rule, column 8: + takes a number, and this is a condition" },
        { "not close", "rule, column 5: not takes a condition" },
        { "close $ 1", "rule, column 7: '$' means nothing here" },
        { "close > \xc3\xa9", "rule, column 9: byte 0xc3: rules are plain ASCII" },
        { "close > 1e999", "rule, column 9: this number is too large" },
        { "close > 1 / 0", "rule, column 11: this is no finite number" },
        { "sma(close, 0) > 1", "rule, column 12: period of sma is a whole number from 1 to 100000, not 0" },
        { "sma(close, 2.5) > 1", "rule, column 12: period of sma is a whole number" },
        { "sma(close, 2, 3) > 1", "rule, column 15: too many parameters: sma(x, period = 30)" },
        { "sma(close, open, 3) > 1", "rule, column 12: too many columns: sma(x, period = 30)" },
        { "sma(close, perod = 3) > 1", "rule, column 12: sma has no parameter \"perod\": sma(x, period = 30)" },
        { "sma(close, 3, period = 3) > 1", "rule, column 15: period is given twice" },
        { "sma(close, volume) > 1", "rule, column 12: too many columns" },
        { "sma(close, period = volume) > 1", "rule, column 21: a parameter is a fixed number" },
        { "bbands(close, 20, 2) > 1",
          "rule, column 1: bbands gives several values; choose one: .upper, .middle, .lower" },
        { "bbands(close, 20, 2).uper > 1", "rule, column 22: bbands has no output \"uper\"; it has .upper" },
        { "close.upper > 1", "rule, column 7: only an indicator has outputs" },
        { "correl(close) > 1", "rule, column 1: too few columns: correl(x, y" },
        { "crossover(close)", "rule, column 1: too few arguments: crossover(a, b)" },
        { "crossover(close, 1, 2)", "rule, column 21: too many arguments: crossover(a, b)" },
        { "crossover > 1", "rule, column 1: crossover is a function: crossover(a, b)" },
        { "close(3) > 1", "rule, column 1: close is not a function" },
        { "rising(close, 0)", "rule, column 15: the number of candles is a whole number from 1" },
        { "count(close, 3) > 1", "rule, column 7: count takes a condition" },
        { "sma(entry_price, 3) > 1", "rule, column 5: sma of something that depends on the position" },
        { "entry_price[1] > 1", "rule, column 12: a lag of something that depends on the position" },
        { "crossover(close, entry_price)", "rule, column 1: crossover of something that depends on the position" },
    };
    TestCtx t;
    test_ctx_init(&t);
    EACH_ROW (r, rows) {
        const RuleProgram *p = NULL;
        RuleSource source = { S("rule"), str_c(r->name), r->number };
        err_clear(&t.cx);
        CHECK_EQ(rule_compile(&t.cx, &env, &source, 1, &p), ERR_INVALID);
        CHECK(p == NULL);
        if (!str_starts(str_c(t.cx.err.text), str_c(r->want)))
            FAIL("says \"%s\", not \"%s\"", t.cx.err.text, r->want);
        CHECK_STR(str_c(t.cx.err.field), S("rule"));
    }
    test_row_name = NULL;
    test_ctx_done(&t);
}

static int compile_repeated(TestCtx *t, const char *before, const char *part, const char *after, int n) {
    Str s = str_c(before);
    for (int i = 0; i < n; i++)
        s = str_fmt(&t->arena, STR_FMT "%s", STR_ARG(s), part);
    s = str_fmt(&t->arena, STR_FMT "%s", STR_ARG(s), after);
    const RuleProgram *p = NULL;
    RuleSource source = { S("rule"), s, false };
    err_clear(&t->cx);
    return rule_compile(&t->cx, &env, &source, 1, &p);
}

TEST(bounds_have_two_sides) {
    static const struct {
        const char *name, *before, *part, *after;
        int fits, over, want;
    } rows[] = {
        { "length", "close > 1", " ", "", RULE_TEXT_MAX - 9, RULE_TEXT_MAX - 8, ERR_LIMIT },
        { "depth of nots", "", "not ", "true", RULE_DEPTH_MAX - 2, RULE_DEPTH_MAX, ERR_INVALID },
        { "depth of minus", "1 > ", "- ", "1", RULE_DEPTH_MAX - 4, RULE_DEPTH_MAX, ERR_INVALID },
        { "depth of a sum", "1 > ", "1 + ", "1", RULE_DEPTH_MAX - 3, RULE_DEPTH_MAX, ERR_INVALID },
        { "depth of lags", "1 > close", "[1]", "", RULE_DEPTH_MAX - 3, RULE_DEPTH_MAX, ERR_INVALID },
    };
    TestCtx t;
    test_ctx_init(&t);
    EACH_ROW (r, rows) {
        CHECK_OK(&t.cx, compile_repeated(&t, r->before, r->part, r->after, r->fits));
        CHECK_EQ(compile_repeated(&t, r->before, r->part, r->after, r->over), r->want);
    }
    /* 90 different lags of 100,000 candles are 72 MB */
    Str s = S("true");
    for (int i = 0; i < 90; i++)
        s = str_fmt(&t.arena, STR_FMT " and o[%d]>1", STR_ARG(s), 99900 + i);
    const RuleProgram *p = NULL;
    Str names[] = { S("o") };
    RuleEnv o = { .columns = names, .n_columns = 1 };
    RuleSource source = { S("rule"), s, false };
    CHECK_EQ(rule_compile(&t.cx, &o, &source, 1, &p), ERR_LIMIT);
    test_row_name = NULL;
    test_ctx_done(&t);
}

TEST(equal_parts_are_one_node) {
    TestCtx t;
    test_ctx_init(&t);
    const RuleProgram *p = NULL;
    RuleSource sources[] = {
        { S("entry"), S("crossover(sma(close, 10), sma(close, 30)) and rsi(close, 14) < 70"), false },
        { S("exit"), S("crossunder(sma(close, 10), sma(close, 30)) or rsi(14) > 70"), false },
    };
    CHECK_OK(&t.cx, rule_compile(&t.cx, NULL, sources, 2, &p));
    /* close; three indicators and their outputs; two crosses, <, >, and, or; 10, 30, 14, 70 */
    CHECK_EQ(rule_n_nodes(p), 1 + 6 + 6 + 4);
    CHECK_EQ(rule_lookback(p), 30);
    CHECK(rule_is_recursive(p) && !rule_any_live(p));
    CHECK_EQ(rule_n_exports(p), 2);
    test_ctx_done(&t);
}

TEST(lookbacks_add_up) {
    static const struct {
        const char *name;
        size_t want;
    } rows[] = {
        { "close > 1", 0 },
        { "close[3] > 1", 3 },
        { "sma(close, 10) > 1", 9 },
        { "sma(close, 10)[2] > 1", 11 },
        { "sma(sma(close, 10), 5) > 1", 13 },
        { "rsi(close, 14) > close[40]", 40 },
        { "crossover(sma(close, 10), sma(close, 30))", 30 },
        { "highest(high, 20)[1] < close", 20 },
        { "rising(close, 3)", 3 },
        { "count(close > open, 5) > 2", 4 },
        { "pnl_percent > 5 and close[7] > 1", 7 },
    };
    TestCtx t;
    Market m;
    double out[ROWS];
    test_ctx_init(&t);
    market_init(&m);
    EACH_ROW (r, rows) {
        const RuleProgram *p = compile(&t, r->name, false);
        CHECK_EQ(rule_lookback(p), r->want);
        if (rule_any_live(p))
            continue;
        run(&t, &m, r->name, false, out);
        for (size_t i = 0; i < ROWS; i++)
            CHECK_EQ(isnan(out[i]), i < r->want);
    }
    test_row_name = NULL;
    test_ctx_done(&t);
}

TEST(names_of_the_position_are_asked_for_when_deciding) {
    TestCtx t;
    Market m;
    test_ctx_init(&t);
    market_init(&m);
    const RuleProgram *p = NULL;
    RuleSource sources[] = {
        { S("exit"), S("bars_since_entry >= 3 and close < entry_price * 0.98 or position == -1"), false },
        { S("size"), S("lesser(1, 100 / equity) * choose(close > open, 1, 0.5)"), true },
        { S("entry"), S("close > open"), false },
    };
    CHECK_OK(&t.cx, rule_compile(&t.cx, NULL, sources, 3, &p));
    CHECK(rule_is_live(p, 0) && rule_is_live(p, 1) && !rule_is_live(p, 2));
    RuleRun *r = rule_open(&t.arena, p);
    rule_feed(r, &m.in, 30);
    double close = m.close[20];
    RulePosition held = { 1, 2, close * 1.05, 3, -5, 200 };
    CHECK_EQ(rule_value(r, 0, 20, &held), 1);
    held.bars_since_entry = 2;
    CHECK_EQ(rule_value(r, 0, 20, &held), 0);
    held.side = -1;
    CHECK_EQ(rule_value(r, 0, 20, &held), 1);
    CHECK_NEAR(rule_value(r, 1, 20, &held), m.close[20] > m.open[20] ? 0.5 : 0.25, 0);
    CHECK(isnan(rule_value(r, 0, 20, NULL))); /* flat: unknown, so no signal */

    /* the same from the exported columns */
    double *out[16];
    double row[16];
    size_t n = rule_n_exports(p);
    CHECK(n > 0 && n <= ARRAY_LEN(out));
    for (size_t k = 0; k < n; k++)
        out[k] = arena_new_n(&t.arena, double, ROWS);
    rule_run_exports(rule_open(&t.arena, p), &m.in, ROWS, out);
    for (size_t i = 0; i < 30; i++) {
        for (size_t k = 0; k < n; k++)
            row[k] = out[k][i];
        for (size_t source = 0; source < 3; source++)
            CHECK(same(rule_value(r, source, i, &held), rule_decide(p, source, row, &held)));
    }
    test_ctx_done(&t);
}

TEST(the_clock_is_that_of_the_zone) {
    TestCtx t;
    Market m;
    double out[ROWS], *const cols[] = { out };
    const Tz *zone = NULL;
    test_ctx_init(&t);
    market_init(&m);
    CHECK_OK(&t.cx, tz_load(&t.cx, TZ_DIR, S("+07:00"), &zone));
    RuleEnv vietnam = { .zone = zone };
    const RuleProgram *p = NULL;
    RuleSource source = { S("rule"), S("weekday * 100 + hour"), true };
    CHECK_OK(&t.cx, rule_compile(&t.cx, &vietnam, &source, 1, &p));
    rule_run(rule_open(&t.arena, p), &m.in, ROWS, cols);
    CHECK_NEAR(out[0], 7, 0);
    CHECK_NEAR(out[17], 100, 0);
    test_ctx_done(&t);
}

TEST(an_indicator_equals_its_table_row) {
    TestCtx t;
    Market m;
    double out[ROWS], bands[3][ROWS], *const b[] = { bands[0], bands[1], bands[2] };
    test_ctx_init(&t);
    market_init(&m);
    ta_compute(ta_find(S("bbands")), (double[]){ 20, 3, 3, TA_SMA }, (const double *[]){ m.close }, ROWS, b);
    run(&t, &m, "bbands(close, 20, 3).lower", true, out); /* one width is both */
    for (int i = 0; i < ROWS; i++)
        CHECK(same(out[i], bands[2][i]));
    run(&t, &m, "bbands(20, 2, 3).lower", true, out);
    for (int i = 0; i < ROWS; i++)
        CHECK(same(out[i], bands[2][i]));
    ta_compute(ta_find(S("atr")), (double[]){ 14 }, (const double *[]){ m.high, m.low, m.close }, ROWS, b);
    run(&t, &m, "atr(14)", true, out);
    for (int i = 0; i < ROWS; i++)
        CHECK(same(out[i], bands[0][i]));
    run(&t, &m, "atr(high, low, close, 14)", true, out);
    for (int i = 0; i < ROWS; i++)
        CHECK(same(out[i], bands[0][i]));
    test_ctx_done(&t);
}

TEST(every_indicator_can_be_named) {
    TestCtx t;
    Market m;
    double out[ROWS];
    test_ctx_init(&t);
    market_init(&m);
    for (size_t i = 0; i < ta_count(); i++) {
        const TaIndicator *ta = ta_at(i);
        test_row_name = ta->name;
        const char *inputs = "";
        for (size_t k = 0; k < ta_n_inputs(ta); k++)
            if (ta->inputs[k] == TA_Y)
                inputs = "close, open";
            else if (ta->inputs[k] == TA_PERIODS)
                inputs = "close, choose(close > open, 3, 5)";
        for (size_t k = 0; k < ta_n_outputs(ta); k++) {
            if (str_eq(str_c(ta->name), S("crossover")))
                continue; /* the rule's own condition has the name */
            Str text = str_fmt(&t.arena, "%s(%s).%s", ta->name, inputs, ta->outputs[k]);
            run(&t, &m, str_cz(&t.arena, text), true, out);
        }
    }
    test_row_name = NULL;
    test_ctx_done(&t);
    UNUSED(state_);
}

TESTS(T(numbers_are_what_they_say), T(conditions_know_three_values), T(what_is_wrong_is_said_with_its_column),
      T(bounds_have_two_sides), T(equal_parts_are_one_node), T(lookbacks_add_up),
      T(names_of_the_position_are_asked_for_when_deciding), T(the_clock_is_that_of_the_zone),
      T(an_indicator_equals_its_table_row), T(every_indicator_can_be_named))
