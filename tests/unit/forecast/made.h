#pragma once

/* A table for tests: waves, a trend and noise, the same for the same seed. */

#include "base/rng.h"
#include "forecast/data.h"
#include "test.h"

static inline ForecastTable made_table(Arena *a, size_t rows, size_t columns, uint64_t seed) {
    ForecastTable t = { .n_rows = rows,
                        .n_columns = columns,
                        .names = arena_new_n(a, Str, columns),
                        .time_ms = arena_new_n(a, int64_t, rows),
                        .columns = arena_new_n(a, double *, columns) };
    Rng rng;
    rng_seed(&rng, seed);
    for (size_t i = 0; i < rows; i++)
        t.time_ms[i] = (int64_t)i * MS_PER_HOUR;
    for (size_t c = 0; c < columns; c++) {
        t.names[c] = str_fmt(a, "c%zu", c);
        t.columns[c] = arena_new_n(a, double, rows);
        for (size_t i = 0; i < rows; i++)
            t.columns[c][i] = 10 + (double)c + sin((double)i * 6.283185307179586 / 24 + (double)c) + 0.001 * (double)i +
                              0.4 * rng_normal(&rng);
    }
    return t;
}

static inline ForecastData made_data(Ctx *cx, size_t rows, size_t columns, size_t look_back, size_t horizon,
                                     uint64_t seed) {
    ForecastTable t = made_table(cx->arena, rows, columns, seed);
    ForecastDataOptions o = {
        .look_back = look_back,
        .horizon = horizon,
        .split = { { { 0, rows * 6 / 10 }, { rows * 6 / 10, rows * 8 / 10 }, { rows * 8 / 10, rows } } }
    };
    ForecastData d;
    CHECK_OK_PLAIN(cx, data_new(cx, &t, &o, &d));
    return d;
}
