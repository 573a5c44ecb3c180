#pragma once

/* adapters/store/sqlite_sql.h - every statement of the candle store. */

#include "adapters/sqlite/outbox.h"

/* clang-format off */
#define SERIES_COLUMNS "id, venue, symbol, timeframe, provider, price, adjustment, n, n_synthetic, first_ms, last_ms, revision, bytes"
#define LISTING_COLUMNS "venue, symbol, instrument, base, quote, asset, status, tick_mantissa, tick_scale, lot_mantissa, " \
                        "lot_scale, notional_mantissa, notional_scale, calendar, time_zone, valid_from, valid_to"

#define SQL_TABLE(X)                                                                                                   \
    X(SQL_SAVEPOINT, "SAVEPOINT job")                                                                                  \
    X(SQL_ROLLBACK_TO, "ROLLBACK TO job")                                                                              \
    X(SQL_RELEASE, "RELEASE job")                                                                                      \
    X(SQL_SYNC_FULL, "PRAGMA synchronous=FULL")                                                                        \
    X(SQL_SYNC_NORMAL, "PRAGMA synchronous=NORMAL")                                                                    \
    X(SQL_TOUCH, "INSERT INTO meta(name, value) VALUES('syncs', 1) ON CONFLICT(name) DO UPDATE SET value=value+1")     \
    X(SQL_SERIES_BY_KEY, "SELECT " SERIES_COLUMNS " FROM series WHERE venue=?1 AND symbol=?2 AND timeframe=?3 "        \
                         "AND provider=?4 AND price=?5 AND adjustment=?6")                                             \
    X(SQL_SERIES_ALL, "SELECT " SERIES_COLUMNS " FROM series")                                                         \
    X(SQL_SERIES_ADD, "INSERT INTO series(venue, symbol, timeframe, provider, price, adjustment) "                     \
                      "VALUES(?1, ?2, ?3, ?4, ?5, ?6)")                                                                \
    X(SQL_SERIES_PUT, "UPDATE series SET n=?2, n_synthetic=?3, first_ms=?4, last_ms=?5, revision=?6, bytes=?7 "        \
                      "WHERE id=?1")                                                                                   \
    X(SQL_SERIES_DROP, "DELETE FROM series WHERE id=?1")                                                               \
    X(SQL_BLOCK_GET, "SELECT data, n, n_synthetic FROM candle_block WHERE series_id=?1 AND bucket=?2")                 \
    X(SQL_BLOCK_PUT, "INSERT INTO candle_block(series_id, bucket, n, n_synthetic, t0, t1, revision, data) "            \
                     "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT(series_id, bucket) DO UPDATE SET n=?3, "      \
                     "n_synthetic=?4, t0=?5, t1=?6, revision=?7, data=?8")                                             \
    X(SQL_BLOCK_DROP, "DELETE FROM candle_block WHERE series_id=?1 AND bucket=?2")                                     \
    X(SQL_BLOCK_RANGE, "SELECT bucket, n, n_synthetic, t0, t1, revision, rowid, length(data) FROM candle_block "       \
                       "WHERE series_id=?1 AND bucket BETWEEN ?2 AND ?3 ORDER BY bucket")                              \
    X(SQL_BLOCK_RANGE_BACK, "SELECT bucket, n, n_synthetic, t0, t1, revision, rowid, length(data) FROM candle_block "  \
                            "WHERE series_id=?1 AND bucket BETWEEN ?2 AND ?3 ORDER BY bucket DESC")                    \
    X(SQL_BLOCK_DATA, "SELECT data FROM candle_block WHERE rowid=?1")                                                  \
    X(SQL_TAIL_RANGE, "SELECT open_ms, candle FROM candle_tail WHERE series_id=?1 AND open_ms BETWEEN ?2 AND ?3 "      \
                      "ORDER BY open_ms")                                                                              \
    X(SQL_TAIL_PUT, "INSERT OR REPLACE INTO candle_tail(series_id, open_ms, candle) VALUES(?1, ?2, ?3)")               \
    X(SQL_TAIL_DROP, "DELETE FROM candle_tail WHERE series_id=?1 AND open_ms BETWEEN ?2 AND ?3")                       \
    X(SQL_TAIL_OUTSIDE, "SELECT count(*) FROM candle_tail WHERE series_id=?1 AND (open_ms<?2 OR open_ms>?3)")          \
    X(SQL_TAIL_SUM, "SELECT count(*), coalesce(max(open_ms), 0) FROM candle_tail WHERE series_id=?1")                  \
    X(SQL_COVER_TOUCH, "SELECT from_ms, to_ms, fetched_ms, source FROM coverage WHERE series_id=?1 "                   \
                       "AND from_ms<=?3 AND to_ms>=?2 ORDER BY from_ms")                                               \
    X(SQL_COVER_DROP, "DELETE FROM coverage WHERE series_id=?1 AND from_ms<=?3 AND to_ms>=?2")                         \
    X(SQL_COVER_PUT, "INSERT INTO coverage(series_id, from_ms, to_ms, fetched_ms, source) VALUES(?1, ?2, ?3, ?4, ?5)") \
    X(SQL_CHANGE_ADD, "INSERT INTO change_log(series_id, revision, from_ms, to_ms, at_ms) "                            \
                      "VALUES(?1, ?2, ?3, ?4, ?5)")                                                                    \
    X(SQL_CHANGE_LIST, "SELECT sequence, series_id, revision, from_ms, to_ms, at_ms FROM change_log "                  \
                       "WHERE sequence>?1 ORDER BY sequence LIMIT ?2")                                                 \
    X(SQL_CHANGE_FIRST, "SELECT coalesce(min(sequence), 0) FROM change_log")                                           \
    X(SQL_CHANGE_PRUNE, "DELETE FROM change_log WHERE sequence<=?1")                                                   \
    X(SQL_LISTING_PUT, "INSERT OR REPLACE INTO listings(" LISTING_COLUMNS ") "                                         \
                       "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)")           \
    X(SQL_LISTING_ALL, "SELECT " LISTING_COLUMNS " FROM listings ORDER BY venue, symbol, valid_from")                  \
    X(SQL_LISTING_OF, "SELECT " LISTING_COLUMNS " FROM listings WHERE venue=?1 ORDER BY symbol, valid_from")           \
    X(SQL_ACTION_PUT, "INSERT OR REPLACE INTO corporate_action(instrument, ex_ms, kind, mantissa, scale, known_ms) "   \
                      "VALUES(?1, ?2, ?3, ?4, ?5, ?6)")                                                                \
    X(SQL_ACTION_DROP, "DELETE FROM corporate_action WHERE instrument=?1 AND ex_ms=?2 AND kind=?3")                    \
    X(SQL_ACTION_LIST, "SELECT instrument, ex_ms, kind, mantissa, scale, known_ms FROM corporate_action "              \
                       "WHERE ?1='' OR instrument=?1 ORDER BY instrument, ex_ms, kind")                                \
    X(SQL_SUMS, "SELECT count(*), coalesce(sum(n), 0) FROM series")                                                    \
    X(SQL_PAGES, "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
/* clang-format on */

typedef enum Sql {
    SQL_BEFORE_OURS = N_SQL_COMMON - 1,
#define SQL_ENUM(name, text) name,
    SQL_TABLE(SQL_ENUM) OUTBOX_SQL_TABLE(SQL_ENUM)
#undef SQL_ENUM
        N_SQL
} Sql;
