#pragma once

/* adapters/store/parquet.h - candles as a lake of Parquet files that other tools read as it lies (MDS-28).
 *
 *     <dir>/exchange=binance/symbol=BTCUSDT/timeframe=1h/candles.parquet    core/parquet.h
 *     <dir>/…/candles.coverage.csv, <dir>/series.csv, changes.csv, listings.csv   as in csv.h
 * The folders are Hive partitions: DuckDB, pyarrow, Spark and pandas make columns exchange, symbol and timeframe of
 * them. Bytes of a symbol that a path cannot have are percent-escaped, as those tools expect. A series that is not the
 * venue's own trades adds "@provider", "~bid", "+splits" behind "candles".
 *
 * As the CSV store: everything is also held in memory, each save rewrites the file of its series (temporary file, fsync,
 * rename: a reader sees the old file or the new one), and one process has the lake at a time. Right for research and
 * export, not for live collection. A damaged file is ERR_CORRUPT naming it; nothing is loaded by half. */

#include "ports/candle_store.h"

/* ERR_NOT_FOUND, ERR_DENIED: the directory. ERR_CONFLICT: another process has it. ERR_CORRUPT: file and place. */
/* The file of a series' rows below dir. */
char *store_parquet_path(Arena *a, const char *dir, const SeriesKey *key);

int store_parquet_open(Ctx *cx, const char *dir, CandleStore **out);
