#pragma once

/* adapters/store/csv.h - candles as files a person can open: one RFC 4180 file a series (MDS-25).
 *
 *     <dir>/<venue>/<symbol>/<timeframe>.csv            time,open,high,low,close,volume,known_at,flags
 *     <dir>/<venue>/<symbol>/<timeframe>.coverage.csv   from_ms,to_ms,fetched_ms,source
 *     <dir>/series.csv, changes.csv, listings.csv       what belongs to the store as a whole
 * Symbols are percent-escaped where a path needs it; a series that is not the venue's own trades adds "@provider",
 * "~bid", "+splits" behind the timeframe. Times of candles are ISO-8601 UTC, numbers the shortest text that gives
 * the same double back.
 *
 * Everything is also held in memory and each save rewrites the file of its series (temporary file, fsync, rename):
 * right for thousands of candles a series, not for live collection. A crash between two files leaves a revision
 * without its data, never data without its revision. One process at a time, by a lock on <dir>/.lock. */

#include "ports/candle_store.h"

/* ERR_NOT_FOUND, ERR_DENIED: the directory. ERR_CONFLICT: another process has it. ERR_CORRUPT: file and line. */
int store_csv_open(Ctx *cx, const char *dir, CandleStore **out);
