/* adapters/store/sqlite_schema.c - the tables of market.db, version by version; see adapters/sqlite/schema.h. */

#include "adapters/store/sqlite_schema.h"

#include "adapters/sqlite/outbox.h"
#include "adapters/store/sqlite.h"

enum { APPLICATION_ID = 0x46534d4b }; /* "FSMK" in the file's header */

/* clang-format off */
static const SchemaStep STEPS[] = {
    { /* 1: candles, their coverage, changes and listings */
        .up =
            "CREATE TABLE meta(name TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;"
            "CREATE TABLE series("
            "  id INTEGER PRIMARY KEY AUTOINCREMENT," /* never used twice: it is in caches and change logs */
            "  venue TEXT NOT NULL, symbol TEXT NOT NULL, timeframe TEXT NOT NULL,"
            "  provider TEXT NOT NULL, price INTEGER NOT NULL, adjustment INTEGER NOT NULL,"
            "  n INTEGER NOT NULL DEFAULT 0, n_synthetic INTEGER NOT NULL DEFAULT 0,"
            "  first_ms INTEGER NOT NULL DEFAULT 0, last_ms INTEGER NOT NULL DEFAULT 0,"
            "  revision INTEGER NOT NULL DEFAULT 0, bytes INTEGER NOT NULL DEFAULT 0,"
            "  UNIQUE(venue, symbol, timeframe, provider, price, adjustment));"
            "CREATE TABLE candle_block(" /* small columns first: the directory never touches overflow pages */
            "  series_id INTEGER NOT NULL, bucket INTEGER NOT NULL, n INTEGER NOT NULL,"
            "  n_synthetic INTEGER NOT NULL, t0 INTEGER NOT NULL, t1 INTEGER NOT NULL,"
            "  revision INTEGER NOT NULL, data BLOB NOT NULL, PRIMARY KEY(series_id, bucket));"
            "CREATE TABLE candle_tail(" /* a blob, because a REAL column keeps neither -0 nor a checksum */
            "  series_id INTEGER NOT NULL, open_ms INTEGER NOT NULL, candle BLOB NOT NULL,"
            "  PRIMARY KEY(series_id, open_ms)) WITHOUT ROWID;"
            "CREATE TABLE coverage("
            "  series_id INTEGER NOT NULL, from_ms INTEGER NOT NULL, to_ms INTEGER NOT NULL,"
            "  fetched_ms INTEGER NOT NULL, PRIMARY KEY(series_id, from_ms)) WITHOUT ROWID;"
            "CREATE TABLE change_log("
            "  sequence INTEGER PRIMARY KEY, series_id INTEGER NOT NULL, revision INTEGER NOT NULL,"
            "  from_ms INTEGER NOT NULL, to_ms INTEGER NOT NULL, at_ms INTEGER NOT NULL);"
            "CREATE TABLE listings("
            "  venue TEXT NOT NULL, symbol TEXT NOT NULL, instrument TEXT NOT NULL, base TEXT NOT NULL,"
            "  quote TEXT NOT NULL, asset INTEGER NOT NULL, status INTEGER NOT NULL,"
            "  tick_mantissa INTEGER NOT NULL, tick_scale INTEGER NOT NULL,"
            "  lot_mantissa INTEGER NOT NULL, lot_scale INTEGER NOT NULL,"
            "  notional_mantissa INTEGER NOT NULL, notional_scale INTEGER NOT NULL,"
            "  calendar TEXT NOT NULL, time_zone TEXT NOT NULL,"
            "  valid_from INTEGER NOT NULL, valid_to INTEGER NOT NULL,"
            "  PRIMARY KEY(venue, symbol, valid_from)) WITHOUT ROWID;",
    },
    { /* 2: who told each coverage window; splits and dividends, applied when candles are read */
        .up =
            "ALTER TABLE coverage ADD COLUMN source TEXT NOT NULL DEFAULT '';"
            "CREATE TABLE corporate_action("
            "  instrument TEXT NOT NULL, ex_ms INTEGER NOT NULL, kind INTEGER NOT NULL,"
            "  mantissa INTEGER NOT NULL, scale INTEGER NOT NULL, known_ms INTEGER NOT NULL,"
            "  PRIMARY KEY(instrument, ex_ms, kind)) WITHOUT ROWID;",
        .down =
            "DROP TABLE corporate_action;"
            "ALTER TABLE coverage DROP COLUMN source;",
        .lost = "SELECT count(*) FROM corporate_action",
        .what = "corporate actions",
    },
    { /* 3: what is told of new candles, and what has been heard */
        .up = OUTBOX_TABLES,
        .down = OUTBOX_TABLES_DOWN,
        .lost = OUTBOX_TABLES_LOST,
        .what = "events that were not told yet",
    },
};
/* clang-format on */

_Static_assert(ARRAY_LEN(STEPS) == STORE_SQLITE_SCHEMA, "a step a version");

const Schema market_schema = { .application_id = APPLICATION_ID, .steps = STEPS, .newest = ARRAY_LEN(STEPS) };

static const char *const SQL_TEXT[N_SQL] = {
#define SQL_STRING(name, text) [name] = text,
    SQL_COMMON_TABLE(SQL_STRING) SQL_TABLE(SQL_STRING) OUTBOX_SQL_TABLE(SQL_STRING)
#undef SQL_STRING
};

const SqlTable market_sql = { SQL_TEXT, N_SQL };
