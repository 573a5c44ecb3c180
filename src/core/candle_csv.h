#pragma once

/* core/candle_csv.h - candles from CSV and back: the importer's parser and the exporter's writer.
 *
 * Pure over bytes that come and go in pieces; the caller reads and writes the files. Whatever can be found out is:
 * separator, header or none, columns, dialect of the dates, unit of an epoch, timeframe. Whatever was found is in
 * the report, and every finding can be overruled by an option.
 *
 * Layouts without a header: time,open,high,low,close[,volume[,…]] (Kraken's and Binance's bulk files are of this
 * kind) and date,clock,open,high,low,close[,volume] (MetaTrader). Fields as RFC 4180, base/csv.h.
 *
 * Times: ISO-8601 (T or space, zone or none), an epoch in s, ms, µs or ns, 20240131, 20240131 235900, 1990/1/1 0:00,
 * 2024.01.31 23:59; day or month first only when told. Times without a zone are read in `zone`. With
 * CSV_STAMP_END a row's time is the end of its candle: the open time is the grid time at or before ts - 1 ms, which
 * also takes the "last moment" style (18:04:59 of a 5m file) and the last day of a month.
 * A zone in the text wins over the option. Zone-less times that a clock
 * shows twice are the first of them, skipped ones are read as tz_from_civil does.
 *
 * Memory: a reader is heap, bounded by the longest row (CSV_ROW_MAX) and the rows held back while the timeframe is
 * unknown. Threads: one reader, one thread. */

#include "base/buf.h"
#include "base/ctx.h"
#include "base/tz.h"
#include "core/candle.h"

typedef enum CsvStamp { CSV_STAMP_START, CSV_STAMP_END } CsvStamp;
typedef enum CsvDateOrder { CSV_YEAR_FIRST, CSV_DAY_FIRST, CSV_MONTH_FIRST } CsvDateOrder;
typedef enum CsvTimeUnit { CSV_UNIT_AUTO, CSV_UNIT_S, CSV_UNIT_MS, CSV_UNIT_US, CSV_UNIT_NS } CsvTimeUnit;

typedef enum CsvColumn {
    CSV_TIME, /* date and clock, or the date alone where CSV_CLOCK has a column of its own */
    CSV_OPEN,
    CSV_HIGH,
    CSV_LOW,
    CSV_CLOSE,
    CSV_VOLUME, /* may be missing: volume 0 */
    CSV_CLOCK,
    CSV_KNOWN_AT, /* optional, as the writer's with_known_at and with_flags have them */
    CSV_FLAGS,
    CSV_SERIES, /* optional, as series_key of the writer: the same in every row */
    CSV_COLUMNS,
} CsvColumn;
const char *csv_column_name(CsvColumn column); /* "time", "open", … */

typedef struct CandleCsvOptions { /* all-zero: find everything out, stop at the first fault */
    Timeframe timeframe;          /* none: the most common step of the first rows, months recognised */
    CsvStamp stamp;
    const Tz *zone; /* of times without a zone; NULL = UTC. Must outlive the reader */
    CsvDateOrder date_order;
    CsvTimeUnit time_unit;    /* of epochs */
    char separator;           /* 0: the most frequent of , ; tab | in the first row */
    bool skip_bad;            /* leave faulty rows out and count them, instead of stopping */
    Str columns[CSV_COLUMNS]; /* a header's name, or a number from 1; empty: by the known names or the layout */
    int price_scale;          /* prices times 10^this (cents: -2), -18..18 */
    int volume_scale;
    uint8_t flags; /* set on every candle */
    Time known_at; /* of candles without a known_at of their own */
} CandleCsvOptions;

enum { CSV_SERIES_MAX = 120, CSV_FAULTS = 20, CSV_FAULT_TEXT = 160, CSV_ROW_MAX = 1 << 20, CSV_INFER_ROWS = 4096 };

typedef struct CsvFault {
    int64_t line;              /* from 1; of the row's first line */
    CsvColumn column;          /* CSV_COLUMNS: the row as a whole */
    char text[CSV_FAULT_TEXT]; /* "line 17, column high: 'abc' is not a number" */
} CsvFault;

typedef struct CandleCsvReport {
    int64_t n_lines;   /* lines read */
    int64_t n_rows;    /* candles given out */
    int64_t n_skipped; /* faulty rows left out */
    bool has_header;
    char separator;              /* 0 until known */
    int columns[CSV_COLUMNS];    /* from 0; -1 = none */
    Timeframe timeframe;         /* none until known */
    char series[CSV_SERIES_MAX]; /* text of the column series_key; empty without one */
    bool inferred;               /* the timeframe was not given */
    CsvFault faults[CSV_FAULTS]; /* the first ones */
    size_t n_faults;
} CandleCsvReport;

typedef struct CandleCsv CandleCsv;

/* 0 or ERR_INVALID (a scale or separator that cannot be), with words. Option texts are copied. */
int candle_csv_open(Ctx *cx, const CandleCsvOptions *options, CandleCsv **out);
CandleCsv *candle_csv_close(CandleCsv *r); /* NULL is fine; returns NULL */
DEFINE_CLEANUP(CandleCsv *, candle_csv_close)

/* Reads the next bytes of the file and appends the candles that are complete to `out`, a heap table
 * (candles_init_heap) that the caller may empty between calls. Rows come as they stand in the file: not sorted, equal
 * times not merged. Every row given out passes candle_issues without an error. While the timeframe is not known no row
 * is given out. 0 or ERR_INVALID with line and column in the words and cx->err.field. After an error: only close. */
int candle_csv_feed(CandleCsv *r, Ctx *cx, Str bytes, Candles *out);
/* The end of the file. ERR_INVALID also when the file had no row at all or its timeframe cannot be told. */
int candle_csv_finish(CandleCsv *r, Ctx *cx, Candles *out);
const CandleCsvReport *candle_csv_report(const CandleCsv *r);

/* --- writing --- */

typedef struct CandleCsvFormat { /* all-zero: header, ISO-8601 UTC, comma */
    bool no_header;
    bool epoch_ms;      /* times as ms since 1970 */
    char separator;     /* 0 = ',' */
    bool with_known_at; /* a column known_at, empty where it is not known */
    bool with_flags;    /* a column flags: empty, or "open+synthetic+simulated" or fewer */
    Str series_key;     /* of a column series_key, plain text without quotes and separators; empty: no column */
} CandleCsvFormat;

/* "ts,open,high,low,close,volume" in the format's dialect; nothing with no_header. Lines end in LF. 0 or ERR_LIMIT. */
int candle_csv_write_header(const CandleCsvFormat *format, Buf *out);
/* Rows [from, from + n). Numbers are the shortest text that reads back as the same double. */
int candle_csv_write(const Candles *cs, size_t from, size_t n, const CandleCsvFormat *format, Buf *out);
