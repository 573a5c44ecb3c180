#pragma once

/* bench/bench.h - one harness for all benches.
 *
 * A bench is a function that does a fixed piece of work and returns something of it, so that no compiler drops the
 * work. It runs twice to warm up and then 15 times; the line printed is JSON:
 *     {"bench":"json_read_klines","median_ms":..,"best_ms":..,"worst_ms":..,"cpu_ms":..,"ns_per_item":..,"mb_per_s":..,
 *      "mb_per_cpu_s":..}
 * Medians of wall time and of CPU time; ns_per_item and mb_per_cpu_s are of CPU time, because cores may be shared. Benches are built with everything else and never run by the tests. */

#include "base/defs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BENCH_ROUNDS = 15, BENCH_WARM_UP = 2 };

typedef double (*BenchFn)(void *ctx);

static inline double bench_now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static inline double bench_cpu_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static inline int bench_cmp(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* items and size: of one run. size 0: no bytes to speak of. */
static inline void bench_run(const char *name, BenchFn fn, void *ctx, double items, double size) {
    double took_s[BENCH_ROUNDS], cpu_s[BENCH_ROUNDS];
    volatile double keep = 0;
    for (int i = -BENCH_WARM_UP; i < BENCH_ROUNDS; i++) {
        double from_s = bench_now_s(), cpu_from_s = bench_cpu_s();
        keep += fn(ctx);
        if (i >= 0) {
            cpu_s[i] = bench_cpu_s() - cpu_from_s;
            took_s[i] = bench_now_s() - from_s;
        }
    }
    UNUSED(keep);
    qsort(took_s, BENCH_ROUNDS, sizeof took_s[0], bench_cmp);
    qsort(cpu_s, BENCH_ROUNDS, sizeof cpu_s[0], bench_cmp);
    double median_s = took_s[BENCH_ROUNDS / 2], cpu_median_s = cpu_s[BENCH_ROUNDS / 2];
    printf("{\"bench\":\"%s\",\"median_ms\":%.3f,\"best_ms\":%.3f,\"worst_ms\":%.3f,\"cpu_ms\":%.3f,"
           "\"ns_per_item\":%.2f",
           name, median_s * 1e3, took_s[0] * 1e3, took_s[BENCH_ROUNDS - 1] * 1e3, cpu_median_s * 1e3,
           cpu_median_s * 1e9 / items);
    if (size > 0)
        printf(",\"mb_per_s\":%.0f,\"mb_per_cpu_s\":%.0f", size / median_s / 1e6, size / cpu_median_s / 1e6);
    printf("}\n");
    fflush(stdout);
}
