#pragma once

/* core/candle.h - OHLCV data: one candle, and a table of them in columns.
 *
 * A candle is identified by (series, open time). Prices and volume are doubles that hold the decimal
 * the venue wrote, correctly rounded; storage and text return the same bits. */

#include "base/arena.h"
#include "base/time.h"
#include "core/timeframe.h"

enum {
    CANDLE_OPEN = 1u << 0,      /* not closed yet: open time + interval lies in the future of known_at */
    CANDLE_SYNTHETIC = 1u << 1, /* filled by us (forward fill, linear, other venue); never over a real one */
    CANDLE_SIMULATED = 1u << 2, /* came from a simulator, not from a market */
    CANDLE_PARTIAL = 1u << 3,   /* resampled from fewer candles than its span has places for */
    CANDLE_FLAGS_ALL = (1u << 4) - 1,
};

enum { CANDLE_FLAGS_TEXT_MAX = 40 };
/* "open+synthetic+simulated+partial" or fewer, "" for none; at most CANDLE_FLAGS_TEXT_MAX bytes, no terminator. */
size_t candle_flags_format(uint8_t flags, char *out);
bool candle_flags_parse(Str text, uint8_t *out);

typedef struct Candle {
    Time open_time;
    double open, high, low, close, volume;
    Time known_at; /* when we learnt it (point in time); ms 0 = unknown */
    uint8_t flags;
} Candle;

/* n candles in columns, ascending by open time, unique. All columns always have cap places. */
typedef struct Candles {
    size_t n, cap;
    int64_t *open_ms; /* (n) */
    double *open, *high, *low, *close, *volume;
    int64_t *known_ms;
    uint8_t *flags;
} Candles;

/* Columns in the arena; a table grows by candles_reserve, at the cost of a copy. Growth is geometric, so that a
 * loop may reserve n + 1 before each push. */
void candles_init(Candles *cs, Arena *arena, size_t cap);
void candles_reserve(Candles *cs, Arena *arena, size_t cap); /* room for cap candles in all */
/* The same on the heap, for tables that outlive a request. */
void candles_init_heap(Candles *cs, size_t cap);
void candles_reserve_heap(Candles *cs, size_t cap);
void candles_done_heap(Candles *cs);

Candle candles_get(const Candles *cs, size_t i);
void candles_set(Candles *cs, size_t i, const Candle *c);
void candles_push(Candles *cs, const Candle *c); /* asserts room */
/* Copies rows [from, from + n) of src behind the last row of cs; asserts room. */
void candles_append(Candles *cs, const Candles *src, size_t from, size_t n);
/* A view of rows [from, from + n): borrows, cannot grow. */
Candles candles_view(const Candles *cs, size_t from, size_t n);
/* First row whose open time is >= t; n if none. */
size_t candles_lower_bound(const Candles *cs, Time t);
bool candles_sorted_unique(const Candles *cs);
/* Sorts by open time; of equal times the later row stays. Returns the number of rows dropped. */
size_t candles_sort_unique(Candles *cs, Arena *scratch);
/* Bitwise equality of open time and the five numbers (not of known_at or flags). */
bool candle_same_data(const Candle *a, const Candle *b);
