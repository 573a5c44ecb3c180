#pragma once

/* adapters/backtest/tables.h - the tables of backtest.db and every statement on them. Inside this folder only. */

#include "adapters/sqlite/owner.h"

/* clang-format off */
#define SUMMARY_COLUMNS                                                                                                \
    "backtest_id, workspace, symbol, timeframe, exchange, strategy_type, engine, start_ms, end_ms, created_ms, "       \
    "initial_cash, final_value, total_return, annual_return, max_drawdown, sharpe_ratio, win_rate, total_trades, "     \
    "score, execution_seconds, n_candles, simulated, n_synthetic, note"
#define FILTERED "FROM backtest WHERE workspace=?1 AND (?2='' OR symbol=?2) AND (?3='' OR timeframe=?3) "              \
                 "AND (?4='' OR strategy_type=?4) AND (?5='' OR engine=?5) "
#define LISTED(by) "SELECT " SUMMARY_COLUMNS " " FILTERED "ORDER BY " by "created_ms DESC, backtest_id LIMIT ?6 OFFSET ?7"
#define TRADE_COLUMNS "trade_id, asset, side, closed, size, entry_price, entry_fees, entry_step, exit_step, exit_price, "  \
                      "pnl, fees, costs, pnl_net, entry_order, exit_order, entry_row, candles"
#define ORDER_COLUMNS "order_id, parent, oco, asset, type, status, reason, alive, size, created_price, limit_price, "      \
                      "created_step, step, filled, price, value, fees, pnl, needed, costs, tag"
#define ASSET_COLUMNS "symbol, venue, timeframe, first_ms, last_ms, n_candles, n_gaps, n_missing, warmup, position, "      \
                      "entry_price, last_close"

#define BACKTEST_SQL(X)                                                                                                \
    X(SQL_ADD, "INSERT INTO backtest(" SUMMARY_COLUMNS ", engine_version, position_sizing, position_size, final_cash, "    \
               "realised_pnl, fees, costs, open_mark, n_trades, n_closed, n_orders, has_orders, n_steps, first_next_step, "\
               "n_next_calls, explanation, peak, trough, recovery, wiped_out, counts, events, times, equity, closings) "             \
               "VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,?20,?21,?22,?23,?24,?25,?26,"    \
               "?27,?28,?29,?30,?31,?32,?33,?34,?35,?36,?37,?38,?39,?40,?41,?42,?43,?44,?45,?46,?47,?48,?49)")             \
    X(SQL_ADD_PARAM, "INSERT INTO backtest_param(id, n, name, text) VALUES(?1, ?2, ?3, ?4)")                           \
    X(SQL_ADD_NOTE, "INSERT INTO backtest_note(id, kind, n, text) VALUES(?1, ?2, ?3, ?4)")                             \
    X(SQL_ADD_METRIC, "INSERT INTO backtest_metric(id, name, value) VALUES(?1, ?2, ?3)")                               \
    X(SQL_ADD_ASSET, "INSERT INTO backtest_asset(id, n, " ASSET_COLUMNS ") "                                           \
                     "VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14)")                                         \
    X(SQL_ADD_TRADE, "INSERT INTO backtest_trade(id, n, " TRADE_COLUMNS ") "                                           \
                     "VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,?20)")                         \
    X(SQL_ADD_ORDER, "INSERT INTO backtest_order(id, n, " ORDER_COLUMNS ") "                                           \
                     "VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,?20,?21,?22,?23)")         \
    X(SQL_ID, "SELECT id FROM backtest WHERE backtest_id=?1")                                                          \
    X(SQL_GET, "SELECT id, engine_version, position_sizing, position_size, final_cash, realised_pnl, fees, costs, "    \
               "open_mark, n_trades, n_closed, n_orders, has_orders, n_steps, first_next_step, n_next_calls, "         \
               "explanation, peak, trough, recovery, wiped_out, counts, events, times, equity, closings "                        \
               "FROM backtest WHERE backtest_id=?1 AND workspace=?2")                                                  \
    X(SQL_GET_SUMMARY, "SELECT " SUMMARY_COLUMNS " FROM backtest WHERE id=?1")                                         \
    X(SQL_PARAMS, "SELECT name, text FROM backtest_param WHERE id=?1 ORDER BY n")                                      \
    X(SQL_NOTES, "SELECT text FROM backtest_note WHERE id=?1 AND kind=?2 ORDER BY n")                                  \
    X(SQL_METRICS, "SELECT name, value FROM backtest_metric WHERE id=?1")                                              \
    X(SQL_ASSETS, "SELECT " ASSET_COLUMNS " FROM backtest_asset WHERE id=?1 ORDER BY n")                               \
    X(SQL_TRADES, "SELECT " TRADE_COLUMNS " FROM backtest_trade WHERE id=?1 ORDER BY n")                               \
    X(SQL_ORDERS, "SELECT " ORDER_COLUMNS " FROM backtest_order WHERE id=?1 ORDER BY n")                               \
    X(SQL_COUNT, "SELECT count(*) " FILTERED)                                                                          \
    X(SQL_NEWEST, LISTED(""))                                                                                          \
    X(SQL_BY_SCORE, LISTED("score IS NULL, score DESC, "))                                                             \
    X(SQL_BY_RETURN, LISTED("total_return IS NULL, total_return DESC, "))                                              \
    X(SQL_BY_SHARPE, LISTED("sharpe_ratio IS NULL, sharpe_ratio DESC, "))                                              \
    X(SQL_REMOVE, "DELETE FROM backtest WHERE backtest_id=?1 AND workspace=?2 RETURNING id")                           \
    X(SQL_EXPIRE, "DELETE FROM backtest WHERE created_ms<?1 RETURNING id")
/* clang-format on */

enum {
    SQL_BEFORE_OURS = N_SQL_COMMON - 1,
#define BACKTEST_ENUM(name, text) name,
    BACKTEST_SQL(BACKTEST_ENUM)
#undef BACKTEST_ENUM
        N_BACKTEST_SQL
};

enum { NOTE_ASSUMPTION, NOTE_WARNING };
#define CRITERION_PREFIX "ta4j." /* of names in backtest_metric that are ta4j's criteria */

extern const SqlTable backtest_sql;
extern const Schema backtest_schema;
