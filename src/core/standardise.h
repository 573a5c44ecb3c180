#pragma once

/* core/standardise.h - one schema for the candles of every source (MDS-24).
 *
 * Venues write times in seconds, ms or µs, as numbers or text, and prices as strings or JSON numbers. The same
 * candle from any of them becomes the same bits here. Nothing is judged: core/validate.h does that. Pure. */

#include "core/candle.h"

/* A value as the source gave it: text where there is text, else a number. JSON numbers are best given as text. */
typedef struct RawValue {
    Str text; /* empty: `number` counts */
    double number;
} RawValue;
#define RAW_TEXT(s)   ((RawValue){ .text = (s) })
#define RAW_NUMBER(x) ((RawValue){ .number = (x) })

typedef struct RawCandle {
    RawValue time; /* epoch in s, ms, µs or ns told apart by magnitude (epoch_to_time), or ISO-8601 */
    RawValue open, high, low, close, volume;
} RawCandle;

typedef enum CandleField { /* where the fault is */
                           FIELD_TIME = 1,
                           FIELD_OPEN,
                           FIELD_HIGH,
                           FIELD_LOW,
                           FIELD_CLOSE,
                           FIELD_VOLUME,
} CandleField;
const char *candle_field_name(CandleField field); /* "time", "open", … */

typedef struct StandardiseOptions {
    Timeframe timeframe;
    Time now;      /* known_at of the result; a candle that ends after it gets CANDLE_OPEN. ms 0 = not known: no flag */
    uint8_t flags; /* set on every candle, e.g. CANDLE_SIMULATED */
} StandardiseOptions;

/* 0, or the CandleField that could not be read; *out changes only on 0. */
int candle_standardise(const RawCandle *raw, const StandardiseOptions *options, Candle *out);

/* An epoch in unknown units: |v| < 1e11 is s (to year 5138), < 1e14 ms (from March 1973), < 1e17 µs, else ns. */
Time epoch_to_time(int64_t v);
