#pragma once

/* cli/internal.h - shared by the files of this folder only. */

#include "api/market/market_api.h"
#include "cli/term.h"

/* "binance:BTCUSDT 1h" for headings. */
Str cli_series_name(Arena *a, Str exchange, Str symbol, Str timeframe, Str provider);
/* Prints shape as one JSON document and a newline on c->out. */
int cli_print_json(Cli *c, const Shape *shape, const void *v);
/* "SIMULATED" in a warning tone, or nothing. */
const char *cli_simulated(const Cli *c, bool simulated);
/* "what: value" with the label dimmed and padded. */
void cli_line(Cli *c, const char *label, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* Splits "a,b c" into words in the arena; at most 64. */
int cli_words(Cli *c, Str text, Str *out, size_t most, size_t *n);

struct SweepResponse;
/* Tables of results into a file, .parquet or .csv by its name. */
int cli_backtest_write(Cli *c, ApiCaller *api, Str id, Str table, Str path);
int cli_sweep_write(Cli *c, const struct SweepResponse *s, Str path);

extern const Command cmd_alerts, cmd_cache;
extern const Command cmd_fill, cmd_unfill, cmd_resample, cmd_disagree, cmd_actions, cmd_jobs, cmd_events;
extern const Command cmd_import, cmd_export, cmd_query, cmd_stats, cmd_gaps, cmd_quality, cmd_ensure, cmd_collect,
    cmd_list, cmd_symbols, cmd_exchanges, cmd_remove, cmd_verify, cmd_storage, cmd_backtest, cmd_backtests, cmd_show,
    cmd_compare, cmd_strategies, cmd_recommend, cmd_report, cmd_sweep, cmd_walkforward, cmd_montecarlo, cmd_prove,
    cmd_results, cmd_upload, cmd_download, cmd_datasets, cmd_convert, cmd_backup;
extern const Command cmd_keys, cmd_audit;
extern const Command cmd_news, cmd_sentiment;
extern const Command cmd_train, cmd_evaluate, cmd_predict, cmd_tune, cmd_models;
