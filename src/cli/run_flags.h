#pragma once

/* cli/run_flags.h - what backtest, sweep, walkforward and prove have in common on the command line: the flags of a
 * backtest's request, parameters as people type them, columns from files, progress. */

#include "api/backtest/request_rows.h"
#include "api/backtest/shapes.h"
#include "cli/internal.h"

/* What is typed and has no member of its own in the request. */
typedef struct RunTyped {
    Str set;
    List column; /* Str: NAME=FILE or NAME@SYMBOL=FILE */
    Str max_age;
} RunTyped;

/* Rows of a flag table of T, whose first member is the request (or a record that begins with it) and which has a
 * RunTyped `typed`. Needs RUN_CHOICES before it. */
/* clang-format off */
#define RUN_CHOICES BACKTEST_CHOICES
#define RUN_ROW(member_, flag, words, ...) \
    { .name = #flag, .offset = offsetof(BacktestRequestIn, member_), .type = FIELD_TYPE(BacktestRequestIn, member_), .doc = words, ##__VA_ARGS__ },
#define RUN_ZOOT_ROW(member, flag, words, ...) RUN_ROW(zoot.member, flag, "zoot: " words, ##__VA_ARGS__)
#define RUN_TA4J_ROW(member, flag, words, ...) RUN_ROW(ta4j.member, flag, "ta4j: " words, ##__VA_ARGS__)
#define RUN_TYPED(T, member, ...) { .name = #member, .offset = offsetof(T, typed.member), .type = FIELD_TYPE(T, typed.member), __VA_ARGS__ },
#define RUN_FLAGS(T) \
    BACKTEST_SERIES_ROWS(RUN_ROW) \
    RUN_ROW(strategy_type, strategy, "What decides; `finsight strategies` lists them.", .max = 64, .def = "moving_average_crossover", .example = "rsi") \
    RUN_TYPED(T, set, .max = 4096, .doc = "Parameters: NAME=VALUE, several with commas.", .example = "short_period=5,long_period=20") \
    BACKTEST_BROKER_ROWS(RUN_ROW) \
    ZOOT_ROWS(RUN_ZOOT_ROW) \
    TA4J_ROWS(RUN_TA4J_ROW) \
    RUN_TYPED(T, column, .max = 16, .doc = "A column beside the candles, NAME=FILE or NAME@SYMBOL=FILE: CSV with the time at which each value became known, and the value. Rules read it by its name.", .example = "mood=mood.csv") \
    RUN_TYPED(T, max_age, .max = 16, .doc = "Oldest value of a column that a candle's close may still see; left out: any age.", .example = "36h")
/* clang-format on */

/* What was typed goes into the request, which the flags have filled. ERR_USAGE, or what reading a file says. */
int cli_run_request(Cli *c, const RunTyped *typed, BacktestRequestIn *request);
/* "short_period=5:30:5,long_period=40|60" as the grid of a sweep. */
int cli_grid(Cli *c, Str text, Str *out);

/* A call that tells how far it is: a bar with the time left, on a terminal alone. What ended it is passed on. */
int cli_call_with_progress(Cli *c, const Op *op, const void *in, void *out, const char *what, const char *unit);

/* Sentences under a label, at most `most` of them. */
void cli_sentences(Cli *c, const char *label, const List *texts, Tone tone, size_t most);
