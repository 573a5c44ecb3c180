/* adapters/backtest/tables.c - see tables.h. The rows below a backtest go with it (ON DELETE CASCADE). */

#include "adapters/backtest/tables.h"

/* clang-format off */
static const SchemaStep steps[] = {
    { .up =
        "CREATE TABLE meta(name TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;"
        "CREATE TABLE backtest("
        "  id INTEGER PRIMARY KEY, backtest_id TEXT NOT NULL UNIQUE, workspace TEXT NOT NULL, symbol TEXT NOT NULL,"
        "  timeframe TEXT NOT NULL, exchange TEXT NOT NULL, strategy_type TEXT NOT NULL, engine TEXT NOT NULL,"
        "  start_ms INTEGER NOT NULL, end_ms INTEGER NOT NULL, created_ms INTEGER NOT NULL,"
        "  initial_cash REAL, final_value REAL, total_return REAL, annual_return REAL, max_drawdown REAL,"
        "  sharpe_ratio REAL, win_rate REAL, total_trades INTEGER NOT NULL, score REAL, execution_seconds REAL,"
        "  n_candles INTEGER NOT NULL, simulated INTEGER NOT NULL, n_synthetic INTEGER NOT NULL, note TEXT NOT NULL,"
        "  engine_version TEXT NOT NULL, position_sizing TEXT NOT NULL, position_size REAL, final_cash REAL,"
        "  realised_pnl REAL, fees REAL, costs REAL, open_mark REAL, n_trades INTEGER NOT NULL,"
        "  n_closed INTEGER NOT NULL, n_orders INTEGER NOT NULL, has_orders INTEGER NOT NULL, n_steps INTEGER NOT NULL,"
        "  first_next_step INTEGER NOT NULL, n_next_calls INTEGER NOT NULL, explanation TEXT NOT NULL,"
        "  peak INTEGER NOT NULL, trough INTEGER NOT NULL, recovery INTEGER NOT NULL, wiped_out INTEGER NOT NULL,"
        "  counts BLOB NOT NULL," /* orders by status, then by reason: i64 each */
        "  events BLOB NOT NULL," /* of orders: u32 id, u32 status, u64 step each, zstd */
        "  times BLOB NOT NULL, equity BLOB NOT NULL, closings BLOB NOT NULL);" /* i64 and f64 a step, zstd */
        "CREATE INDEX backtest_by_series ON backtest(symbol, strategy_type, created_ms DESC);"
        "CREATE INDEX backtest_by_age ON backtest(created_ms);"
        "CREATE TABLE backtest_param("
        "  id INTEGER NOT NULL REFERENCES backtest(id) ON DELETE CASCADE, n INTEGER NOT NULL, name TEXT NOT NULL,"
        "  text TEXT NOT NULL, PRIMARY KEY(id, n)) WITHOUT ROWID;"
        "CREATE TABLE backtest_note("
        "  id INTEGER NOT NULL REFERENCES backtest(id) ON DELETE CASCADE, kind INTEGER NOT NULL, n INTEGER NOT NULL,"
        "  text TEXT NOT NULL, PRIMARY KEY(id, kind, n)) WITHOUT ROWID;"
        "CREATE TABLE backtest_metric("
        "  id INTEGER NOT NULL REFERENCES backtest(id) ON DELETE CASCADE, name TEXT NOT NULL, value REAL,"
        "  PRIMARY KEY(id, name)) WITHOUT ROWID;"
        "CREATE TABLE backtest_asset("
        "  id INTEGER NOT NULL REFERENCES backtest(id) ON DELETE CASCADE, n INTEGER NOT NULL, symbol TEXT NOT NULL,"
        "  venue TEXT NOT NULL, timeframe TEXT NOT NULL, first_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL,"
        "  n_candles INTEGER NOT NULL, n_gaps INTEGER NOT NULL, n_missing INTEGER NOT NULL, warmup INTEGER NOT NULL,"
        "  position REAL, entry_price REAL, last_close REAL, PRIMARY KEY(id, n)) WITHOUT ROWID;"
        "CREATE TABLE backtest_trade("
        "  id INTEGER NOT NULL REFERENCES backtest(id) ON DELETE CASCADE, n INTEGER NOT NULL, trade_id INTEGER NOT NULL,"
        "  asset INTEGER NOT NULL, side INTEGER NOT NULL, closed INTEGER NOT NULL, size REAL, entry_price REAL,"
        "  entry_fees REAL, entry_step INTEGER NOT NULL, exit_step INTEGER NOT NULL, exit_price REAL, pnl REAL, fees REAL,"
        "  costs REAL, pnl_net REAL, entry_order INTEGER NOT NULL, exit_order INTEGER NOT NULL,"
        "  entry_row INTEGER NOT NULL, candles INTEGER NOT NULL, PRIMARY KEY(id, n))"
        "  WITHOUT ROWID;"
        "CREATE TABLE backtest_order("
        "  id INTEGER NOT NULL REFERENCES backtest(id) ON DELETE CASCADE, n INTEGER NOT NULL, order_id INTEGER NOT NULL,"
        "  parent INTEGER NOT NULL, oco INTEGER NOT NULL, asset INTEGER NOT NULL, type INTEGER NOT NULL,"
        "  status INTEGER NOT NULL, reason INTEGER NOT NULL, alive INTEGER NOT NULL, size REAL, created_price REAL,"
        "  limit_price REAL, created_step INTEGER NOT NULL, step INTEGER NOT NULL, filled REAL, price REAL, value REAL,"
        "  fees REAL, pnl REAL, needed REAL, costs REAL, tag TEXT NOT NULL, PRIMARY KEY(id, n)) WITHOUT ROWID;" },
};

static const char *const texts[N_BACKTEST_SQL] = {
#define BACKTEST_TEXT(name, text) [name] = text,
    SQL_COMMON_TABLE(BACKTEST_TEXT) BACKTEST_SQL(BACKTEST_TEXT)
#undef BACKTEST_TEXT
};
/* clang-format on */

const SqlTable backtest_sql = { texts, N_BACKTEST_SQL };
const Schema backtest_schema = { .application_id = 0x46534254 /* "FSBT" */,
                                 .steps = steps,
                                 .newest = ARRAY_LEN(steps) };
