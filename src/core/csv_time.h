#pragma once

/* core/csv_time.h - the dates of other people's files. Used by candle_csv.c and forecast/table.c. */

#include "core/candle_csv.h"

typedef struct CsvTimes {
    CsvDateOrder order;
    CsvTimeUnit unit;
    const Tz *zone; /* of times without one; NULL = UTC */
    /* private: what was found for the row before, whose date and offset most rows share */
    char day_text[10];
    bool day_known;
    int64_t day;
    int64_t offset_from, offset_to, offset; /* ms; local times of [from, to) have this offset */
} CsvTimes;

/* NULL, or what is wrong, to follow the quoted field: "is not a time". clock: the column of its own, or empty. */
const char *csv_time_read(CsvTimes *t, Str date, Str clock, Time *out);
