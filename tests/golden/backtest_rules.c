/* golden/backtest_rules.c - the rules of a case, in words, as a plan.
 *
 *     flat and CrossOver(SMA(close,10), SMA(close,30))>0: buy; in position and <0: close
 *
 * Clauses are set apart by ';', a clause is WHEN: ACTION. Where a comparison has no left side it is that of the clause
 * before. Numbers of `params` win over those of the text: they are what ran, the text describes it. */

#include <math.h>

#include "backtest/strategies/plan.h"
#include "base/num.h"
#include "golden/backtest_case.h"
#include "golden/dump_read.h"

typedef struct CaseType {
    StrategyType type; /* first */
    CaseRules rules;
} CaseType;

typedef struct CaseState {
    Plan plan;
} CaseState;

typedef struct Reader {
    Ctx *cx;
    StrategySetup *setup;
    CaseState *state;
    Members params;
    Str left;      /* of the clause */
    LineId before; /* left side of the clause before */
    LineBands bands;
    bool has_before, has_bands;
    int n_averages; /* seen so far: the first is the fast one */
} Reader;

/* --- text --- */

static bool skip_word(Str *s, const char *word) {
    Str rest = str_trim(*s);
    if (!str_starts(rest, str_c(word)))
        return false;
    *s = str_trim(str_from(rest, strlen(word)));
    return true;
}

static int not_understood(Reader *r, const char *what) {
    return err_set(r->cx, ERR_UNSUPPORTED, "%s not understood: \"" STR_FMT "\"", what,
                   STR_ARG(str_first(r->left, 120)));
}

static int take_number(Reader *r, double *out) {
    Str rest = str_trim(r->left);
    size_t n = num_scan_f64(rest, out);
    if (n == 0)
        return not_understood(r, "a number");
    r->left = str_trim(str_from(rest, n));
    return 0;
}

static int expect(Reader *r, const char *word) {
    return skip_word(&r->left, word) ? 0
                                     : err_set(r->cx, ERR_UNSUPPORTED, "\"%s\" is missing before \"" STR_FMT "\"", word,
                                               STR_ARG(str_first(r->left, 80)));
}

static void prefer_param(const Reader *r, const char *name, double *value) {
    Ctx scratch = *r->cx; /* an absent parameter is no error */
    Str json = dump_member(&r->params, name);
    if (json.n > 0)
        dump_number(&scratch, json, value);
}

/* --- operands --- */

static int operand(Reader *r, LineId *line, double *number);

/* Periods and the like: a case may say anything, an indicator may not be opened with it. */
static int check_numbers(const Reader *r, const char *indicator, const double *p) {
    const TaIndicator *ta = ta_find(str_c(indicator));
    int bad = ta_bad_param(ta, p);
    return bad < 0
               ? 0
               : err_set(r->cx, ERR_INVALID, "%s: %g is not a number for its parameter %d", indicator, p[bad], bad + 1);
}

static int average(Reader *r, bool exponential, LineId *out) {
    double period, unused;
    LineId x;
    int err = operand(r, &x, &unused);
    if (err == 0)
        err = expect(r, ",");
    if (err == 0)
        err = take_number(r, &period);
    if (err == 0)
        err = expect(r, ")");
    if (err)
        return err;
    prefer_param(r, r->n_averages++ == 0 ? "fast" : "slow", &period);
    if ((err = check_numbers(r, exponential ? "ema" : "sma_backtrader", &period)) != 0)
        return err;
    *out = exponential ? line_ema(r->setup, x, period) : line_sma(r->setup, x, period);
    return 0;
}

static int rsi(Reader *r, LineId *out) {
    double period;
    int err = take_number(r, &period);
    if (err)
        return err;
    prefer_param(r, "period", &period);
    bool safe = skip_word(&r->left, ", Wilder, safediv)") || skip_word(&r->left, ")");
    if (!safe)
        return not_understood(r, "RSI");
    if ((err = check_numbers(r, "rsi_backtrader", &period)) != 0)
        return err;
    *out = setup_indicator(r->setup, 0, ta_find(S("rsi_backtrader")), &period, NULL);
    return 0;
}

static int macd(Reader *r, size_t output, LineId *out) {
    double p[3] = { 12, 26, 9 };
    static const char *const names[] = { "f", "s", "g" };
    if (skip_word(&r->left, "("))
        for (int i = 0, err; i < 3; i++) {
            if ((err = take_number(r, &p[i])) != 0 || (err = expect(r, i < 2 ? "," : ")")) != 0)
                return err;
        }
    for (int i = 0; i < 3; i++)
        prefer_param(r, names[i], &p[i]);
    int err = check_numbers(r, "macd_backtrader", p);
    if (err)
        return err;
    *out = setup_indicator(r->setup, 0, ta_find(S("macd_backtrader")), p, NULL) + (LineId)output;
    return 0;
}

static int bollinger(Reader *r) {
    double period = 20, deviations = 2;
    int err = 0;
    if (skip_word(&r->left, "Bollinger(")) {
        if ((err = take_number(r, &period)) != 0 || (err = expect(r, ",")) != 0 ||
            (err = take_number(r, &deviations)) != 0 || (err = expect(r, ")")) != 0)
            return err;
    } else if (r->has_bands) {
        return 0;
    }
    prefer_param(r, "period", &period);
    prefer_param(r, "dev", &deviations);
    if ((err = check_numbers(r, "bbands_backtrader", (double[]){ period, deviations })) != 0)
        return err;
    r->bands = line_bollinger(r->setup, setup_price(r->setup, 0, TA_CLOSE), period, deviations);
    r->has_bands = true;
    return 0;
}

static int crossing(Reader *r, LineId *out) {
    LineId a, b;
    double unused;
    int err = operand(r, &a, &unused);
    if (err == 0)
        err = expect(r, ",");
    if (err == 0)
        err = operand(r, &b, &unused);
    if (err == 0)
        err = expect(r, ")");
    if (err == 0)
        *out = line_cross(r->setup, a, b);
    return err;
}

static bool price(Reader *r, LineId *out) {
    static const struct {
        const char *word;
        TaInput column;
    } prices[] = { { "close", TA_CLOSE }, { "open", TA_OPEN }, { "high", TA_HIGH }, { "low", TA_LOW } };
    for (size_t i = 0; i < ARRAY_LEN(prices); i++)
        if (!str_starts(r->left, S("lower")) && skip_word(&r->left, prices[i].word)) {
            *out = setup_price(r->setup, 0, prices[i].column);
            return true;
        }
    return false;
}

/* A line, or LINE_NONE and a number. */
static int operand(Reader *r, LineId *line, double *number) {
    int err;
    r->left = str_trim(r->left);
    if (skip_word(&r->left, "CrossOver("))
        return crossing(r, line);
    if (skip_word(&r->left, "SMA("))
        return average(r, false, line);
    if (skip_word(&r->left, "EMA("))
        return average(r, true, line);
    if (skip_word(&r->left, "RSI("))
        return rsi(r, line);
    if (skip_word(&r->left, "MACD"))
        return macd(r, 0, line);
    if (skip_word(&r->left, "signal"))
        return macd(r, 1, line);
    static const char *const bands[] = { "upper", "middle", "lower" };
    for (int i = 0; i < 3; i++)
        if (skip_word(&r->left, bands[i])) {
            if ((err = bollinger(r)) != 0)
                return err;
            *line = i == 0 ? r->bands.upper : i == 1 ? r->bands.middle : r->bands.lower;
            return 0;
        }
    if (price(r, line))
        return 0;
    *line = LINE_NONE;
    return take_number(r, number);
}

static int comparison(Reader *r, PlanCondition *out) {
    double number = 0;
    *out = (PlanCondition){ .a = r->before, .b = LINE_NONE };
    bool bare = str_starts(str_trim(r->left), S("<")) || str_starts(str_trim(r->left), S(">"));
    int err = 0;
    if (!bare)
        err = operand(r, &out->a, &number);
    else if (!r->has_before)
        return not_understood(r, "a comparison without a left side");
    if (err)
        return err;
    r->before = out->a;
    r->has_before = true;
    out->below = skip_word(&r->left, "<");
    if (!out->below && !skip_word(&r->left, ">"))
        return not_understood(r, "a comparison");
    if ((err = operand(r, &out->b, &out->number)) != 0)
        return err;
    if (out->b == LINE_NONE && out->number != 0)
        prefer_param(r, out->below ? "lo" : "hi", &out->number);
    return 0;
}

/* --- actions --- */

static int times_close(Reader *r, double *factor) {
    int err = take_number(r, factor);
    return err ? err : expect(r, "*close");
}

static int bracket(Reader *r, Plan *p) {
    int err = 0;
    p->entry = PLAN_BRACKET;
    if ((err = expect(r, "stop at")) != 0 || (err = times_close(r, &p->stop)) != 0 ||
        (err = expect(r, ", limit at")) != 0 || (err = times_close(r, &p->limit)) != 0)
        return err;
    skip_word(&r->left, "of the signal candle");
    return 0;
}

static int limit_entry(Reader *r, Plan *p) {
    p->entry = PLAN_LIMIT;
    int err = times_close(r, &p->entry_limit);
    if (err || !skip_word(&r->left, ", valid for"))
        return err;
    if ((err = take_number(r, &p->valid_days)) != 0)
        return err;
    bool days = skip_word(&r->left, "calendar days") || skip_word(&r->left, "calendar day") ||
                skip_word(&r->left, "days") || skip_word(&r->left, "day");
    if (!days)
        return not_understood(r, "how long an order is valid");
    skip_word(&r->left, "from the signal candle");
    return 0;
}

static int stop_limit_entry(Reader *r, Plan *p) {
    int err;
    p->entry = PLAN_STOP_LIMIT;
    if ((err = expect(r, "trigger")) != 0 || (err = times_close(r, &p->entry_stop)) != 0 ||
        (err = expect(r, ", limit")) != 0)
        return err;
    return times_close(r, &p->entry_limit);
}

static int oco(Reader *r, Plan *p) {
    int err;
    p->protection = PLAN_OCO;
    if ((err = take_number(r, &p->limit)) != 0 || (err = expect(r, "*entry and stop sell at")) != 0 ||
        (err = take_number(r, &p->stop)) != 0)
        return err;
    return expect(r, "*entry, OCO");
}

static int trail(Reader *r, Plan *p) {
    p->protection = PLAN_TRAIL;
    return take_number(r, &p->trail_percent);
}

static int target(Reader *r, Plan *p) {
    double part;
    skip_word(&r->left, "+");
    int err = take_number(r, &part);
    p->entry = PLAN_TARGET_PERCENT;
    p->part = fabs(part);
    return err ? err : expect(r, ")");
}

/* What to do, and so whether the condition is one to enter. */
static int action(Reader *r, Strategy *s, Plan *p, bool *enters) {
    *enters = true;
    if (skip_word(&r->left, "bracket: market buy,"))
        return bracket(r, p);
    if (skip_word(&r->left, "limit buy at"))
        return limit_entry(r, p);
    skip_word(&r->left, "cancel a live entry, then");
    if (skip_word(&r->left, "stop-limit buy:"))
        return stop_limit_entry(r, p);
    if (skip_word(&r->left, "order_target_percent("))
        return target(r, p);
    if (skip_word(&r->left, "buy cash/close (all cash)")) {
        s->sizing = SIZING_PERCENT;
        s->size = 1;
        return 0;
    }
    if (skip_word(&r->left, "sell short")) {
        p->side = SIDE_SHORT;
        return 0;
    }
    if (skip_word(&r->left, "buy once")) {
        p->once = true;
        return 0;
    }
    if (skip_word(&r->left, "market buy") || skip_word(&r->left, "buy"))
        return 0;
    *enters = false;
    if (skip_word(&r->left, "StopTrail sell of the position, trailpercent"))
        return trail(r, p);
    if (skip_word(&r->left, "limit sell at"))
        return oco(r, p);
    if (skip_word(&r->left, "close with a Close-type order")) {
        p->exit = PLAN_EXIT_CLOSE;
        return 0;
    }
    return skip_word(&r->left, "close") ? 0 : not_understood(r, "an action");
}

/* --- clauses --- */

static int clause(Reader *r, Strategy *s, Str text) {
    Plan *p = &r->state->plan;
    PlanCondition met = { .never = true };
    bool enters, conditional = true, leaves = false;
    int err = 0;
    r->left = str_trim(text);
    if (skip_word(&r->left, "never sell") || skip_word(&r->left, "whole-unit target sizes"))
        return r->left.n ? not_understood(r, "a clause") : 0;
    if (skip_word(&r->left, "on the first candle in position") || skip_word(&r->left, "on the first candle"))
        conditional = false;
    else if (skip_word(&r->left, "in position and"))
        leaves = true;
    else if (!skip_word(&r->left, "flat, no live entry and"))
        skip_word(&r->left, "flat and");
    if (conditional)
        err = comparison(r, &met);
    if (err == 0)
        err = expect(r, ":");
    if (err == 0)
        err = action(r, s, p, &enters);
    if (err)
        return err;
    if (r->left.n > 0)
        return not_understood(r, "the end of a clause");
    if (!conditional)
        return 0;
    if (p->entry == PLAN_TARGET_PERCENT ? p->enter.never : enters && !leaves)
        p->enter = met;
    else
        p->leave = met;
    return 0;
}

/* A case that does not tell its rules names a strategy whose rules are known; its numbers are those of `params`, else
 * those of the words here. */
static Str rules_of(Str strategy) {
    static const struct {
        const char *name, *rules;
    } known[] = {
        { "smax", "as smax" },
        { "short", "as short_smax" },
        { "rsi", "flat and RSI(14, Wilder, safediv)<30: buy; in position and >70: close" },
        { "bbrev", "flat and close<lower Bollinger(20,2): buy; in position and close>middle: close" },
        { "bbbrk", "flat and close>upper Bollinger(20,2): buy; in position and close<middle: close" },
        { "macd", "flat and CrossOver(MACD, signal)>0: buy; in position and <0: close" },
        { "buyhold", "on the first candle: buy once; never sell" },
    };
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (str_starts(strategy, str_c(known[i].name)))
            return str_c(known[i].rules);
    return (Str){ 0 };
}

/* "pct95", "fixed1": what params call the sizing. */
static Str sizing_of(Ctx *cx, Str params) {
    Members m;
    Str name;
    int64_t n;
    if (dump_members(cx, params, &m) < 0 || dump_str(cx, &m, "sizing", &name) < 0)
        return (Str){ 0 };
    if (str_starts(name, S("pct")) && str_to_i64(str_from(name, 3), &n))
        return str_fmt(cx->arena, "%.17g*cash/close", (double)n / 100);
    return str_starts(name, S("fixed")) ? str_from(name, 5) : (Str){ 0 };
}

/* "as smax_10_30": the rules of that strategy in words. */
static Str resolved(Str rules) {
    if (str_starts(rules, S("as smax")))
        return S("flat and CrossOver(SMA(close,10), SMA(close,30))>0: buy; in position and <0: close");
    if (str_starts(rules, S("as short_smax")))
        return S("flat and CrossOver(SMA(close,10), SMA(close,30))<0: sell short; in position and >0: close");
    return rules;
}

static int sizing(Ctx *cx, Strategy *s, Str text) {
    double number = 1;
    Str rest = str_trim(text);
    size_t n = num_scan_f64(rest, &number);
    rest = str_trim(str_from(rest, n));
    if (n > 0)
        skip_word(&rest, "*");
    s->size = number;
    if (skip_word(&rest, "cash/close"))
        s->sizing = SIZING_PERCENT;
    else if (skip_word(&rest, "value/close"))
        s->sizing = SIZING_EQUITY;
    else if (n > 0 && rest.n == 0)
        s->sizing = SIZING_FIXED;
    else if (!skip_word(&rest, "target"))
        return err_set(cx, ERR_UNSUPPORTED, "sizing not understood: \"" STR_FMT "\"", STR_ARG(text));
    skip_word(&rest, "of the signal candle");
    return rest.n ? err_set(cx, ERR_UNSUPPORTED, "sizing not understood: \"" STR_FMT "\"", STR_ARG(text)) : 0;
}

static int init(Strategy *s, StrategySetup *setup, Ctx *cx) {
    const CaseRules *rules = &CONTAINER_OF(s->type, CaseType, type)->rules;
    Reader r = { .cx = cx, .setup = setup, .state = s->state };
    r.state->plan.enter.never = r.state->plan.leave.never = true;
    int err = dump_members(cx, rules->params, &r.params);
    if (err == 0)
        err = sizing(cx, s, rules->sizing);
    Str text = resolved(rules->rules), part;
    /* the colon of "bracket:" and the one of "stop-limit buy:" are inside their clauses; ';' alone ends one */
    while (err == 0 && str_next(&text, ';', &part))
        err = clause(&r, s, part);
    return err;
}

static void next(Strategy *s, const View *v, Broker *b) {
    plan_next(&((CaseState *)s->state)->plan, v, b);
}

int case_strategy(Ctx *cx, const CaseRules *rules, const StrategyType **out) {
    Ctx scratch = *cx; /* params without a sizing are no error */
    CaseRules whole = *rules;
    if (whole.rules.n == 0)
        whole.rules = rules_of(whole.strategy);
    if (whole.sizing.n == 0)
        whole.sizing = sizing_of(&scratch, whole.params);
    if (whole.rules.n == 0)
        return err_set(cx, ERR_UNSUPPORTED, "the case does not tell its rules, and names no strategy that is known");
    CaseType *t = arena_new(cx->arena, CaseType);
    *t = (CaseType){ .type = { .name = "golden_case",
                               .words = "The rules of a golden case",
                               .state_size = sizeof(CaseState),
                               .init = init,
                               .next = next },
                     .rules = whole };
    *out = &t->type;
    return 0;
}
