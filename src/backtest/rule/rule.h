#pragma once

/* backtest/rule/rule.h - trading rules as text: compiled once, evaluated over columns.
 *
 *     entry   crossover(sma(close, 10), sma(close, 30)) and rsi(close, 14) < 70
 *     exit    crossunder(sma(close, 10), sma(close, 30)) or bars_since_entry >= 40
 *
 * All rules of a strategy become one RuleProgram, in which equal sub-expressions are one node. What depends on the
 * market alone is evaluated by column, RULE_BLOCK candles at a time; what depends on the position ("live": entry_price,
 * pnl_percent, ...) is evaluated candle by candle on top of those columns.
 *
 * A value of a row depends on this and earlier rows only: there is no way to name a later one, and how a series is cut
 * into blocks never changes a bit. Not known is NaN: a comparison with NaN is neither true nor false but unknown, `and`,
 * `or` and `not` are those of three values, and an unknown rule is no signal. docs/rule-language.md has the grammar.
 *
 * Memory: programs and runs live in arenas; a program is immutable and may be shared by threads, a run belongs to one.
 * Bounds: RULE_TEXT_MAX bytes a rule, RULE_DEPTH_MAX levels, RULE_NODES_MAX nodes, RULE_STATE_MAX bytes of windows. */

#include "base/ctx.h"
#include "base/tz.h"

enum {
    RULE_BLOCK = 512,
    RULE_TEXT_MAX = 4096,
    RULE_DEPTH_MAX = 100,
    RULE_NODES_MAX = 1000,
    RULE_SOURCES_MAX = 16,
    RULE_LAG_MAX = 100000,
    RULE_STATE_MAX = 64 << 20,
};

typedef struct RuleParam { /* a name that stands for a number: what a sweep varies */
    Str name;
    double value;
} RuleParam;

/* What rules may name besides the market. All-zero: nothing, UTC. */
typedef struct RuleEnv {
    const Str *columns; /* names of extra point-in-time columns, in the order of RuleInput.extra */
    size_t n_columns;
    const RuleParam *params;
    size_t n_params;
    const Tz *zone;     /* of hour, weekday, ...; NULL = UTC */
    bool columns_later; /* not known yet which columns there are: an unknown name is taken for one. To check, not run */
} RuleEnv;

typedef struct RuleSource {
    Str name; /* "entry": the `field` of an error */
    Str text;
    bool number; /* a number is wanted (a size), not a condition */
} RuleSource;

typedef struct RuleProgram RuleProgram;

/* ERR_INVALID with the column and a hint; ERR_LIMIT past a bound. Everything is copied into cx->arena, but for the
 * zone. A rule's value is asked for by its index among the sources. */
int rule_compile(Ctx *cx, const RuleEnv *env, const RuleSource *sources, size_t n, const RuleProgram **out);

size_t rule_n_sources(const RuleProgram *p);
/* Candles before the first at which every indicator and lag of all rules has its value. */
size_t rule_lookback(const RuleProgram *p);
bool rule_is_live(const RuleProgram *p, size_t source); /* depends on the position */
bool rule_any_live(const RuleProgram *p);
bool rule_uses_column(const RuleProgram *p, size_t column);
size_t rule_n_nodes(const RuleProgram *p); /* after sharing */
/* An indicator of the rules remembers its first candle for ever: a series begun later differs and converges. */
bool rule_is_recursive(const RuleProgram *p);

/* The next rows of the market. */
typedef struct RuleInput {
    const int64_t *open_ms;
    const double *open, *high, *low, *close, *volume;
    const double *const *extra; /* n_columns columns, NULL where not used; NULL when there are none */
} RuleInput;

/* What the account holds when a rule is asked. Flat: side 0 and NaN. */
typedef struct RulePosition {
    int side;                /* 1 long, -1 short, 0 flat */
    double size;             /* signed */
    double entry_price;      /* average */
    double bars_since_entry; /* candles since the entry's; 0 at its own */
    double pnl_percent;      /* of the entry, at this close, before fees */
    double equity;
} RulePosition;
#define RULE_FLAT ((RulePosition){ 0, 0, NAN, NAN, NAN, NAN })

typedef struct RuleRun RuleRun;

RuleRun *rule_open(Arena *arena, const RuleProgram *p);
/* Takes the next n <= RULE_BLOCK rows. `in` is borrowed until the next call. */
void rule_feed(RuleRun *r, const RuleInput *in, size_t n);
/* A rule's value at a row of the rows fed last: a condition is 1, 0 or NaN (unknown). position: NULL = flat. */
double rule_value(const RuleRun *r, size_t source, size_t row, const RulePosition *position);
/* Whole columns: out[k] of n rows for each source; none may be live (asserted). */
void rule_run(RuleRun *r, const RuleInput *in, size_t n, double *const *out);

/* The columns that deciding needs: the rules that are not live, and the market's side of those that are. Computed in
 * advance, a decision needs nothing else but the position. */
size_t rule_n_exports(const RuleProgram *p);
void rule_run_exports(RuleRun *r, const RuleInput *in, size_t n, double *const *out);
/* exports: one row of them. position: NULL = flat. */
double rule_decide(const RuleProgram *p, size_t source, const double *exports, const RulePosition *position);

/* For documentation and completion: every name that is not an indicator, with its words; NULL past the last. */
typedef struct RuleName {
    const char *name, *use, *words;
} RuleName;
const RuleName *rule_name_at(size_t i);
