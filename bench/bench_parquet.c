/* Candles to and from Parquet on one core: `make bench`, or build/bench/bench_parquet.
 *
 * A million one-minute candles with two decimals of price and five of volume, in memory, statistics and sums included.
 * The bound is zstd at its first level over 48 bytes a candle: near 500 MB/s, which is 10 M candles/s. */

#include "base/rng.h"
#include "bench.h"
#include "core/parquet.h"

enum { N_CANDLES = 1000000, PIECE = 65536 };

typedef struct Bench {
    Candles cs, back;
    Buf file;
    SeriesKey key;
} Bench;

static int read_at(void *arg, Ctx *cx, int64_t at, size_t n, char *out) {
    UNUSED(cx);
    const Bench *b = arg;
    memcpy(out, b->file.p + at, n);
    return 0;
}

static double write_file(void *arg) {
    Bench *b = arg;
    ParquetWriter *w = parquet_writer_new(&b->key);
    buf_clear(&b->file);
    for (size_t at = 0; at < b->cs.n; at += PIECE)
        parquet_put(w, &b->cs, at, MIN(b->cs.n - at, (size_t)PIECE), &b->file);
    parquet_end(w, &b->file);
    parquet_writer_free(w);
    return (double)b->file.n;
}

static double read_file(void *arg) {
    Bench *b = arg;
    Arena arena = { 0 };
    ClockManual clock;
    Ctx cx;
    ParquetReader *r = NULL;
    clock_manual_init(&clock, time_ms(0));
    ctx_init(&cx, &arena, &clock.clock);
    b->back.n = 0;
    int e = parquet_open(&cx, read_at, b, (int64_t)b->file.n, &r);
    for (size_t g = 0; e == 0 && g < parquet_groups(r); g++)
        e = parquet_read(r, &cx, g, &b->back);
    if (e) {
        fprintf(stderr, "bench_parquet: %s\n", cx.err.text);
        exit(1);
    }
    parquet_reader_free(r);
    arena_done(&arena);
    return (double)b->back.n;
}

static void make_rows(Candles *out) {
    Rng rng;
    int64_t cents = 4200000;
    rng_seed(&rng, 1);
    for (int i = 0; i < N_CANDLES; i++) {
        int64_t open = cents, close = open + rng_between(&rng, -3000, 3000);
        Candle c = { .open_time = time_ms(INT64_C(1640995200000) + i * (int64_t)MS_PER_MINUTE),
                     .open = (double)open / 100,
                     .high = (double)(MAX(open, close) + rng_between(&rng, 0, 999)) / 100,
                     .low = (double)(MIN(open, close) - rng_between(&rng, 0, 999)) / 100,
                     .close = (double)close / 100,
                     .volume = (double)rng_between(&rng, 0, 99999999) / 100000,
                     .known_at = time_ms(1704067200123) };
        candles_push(out, &c);
        cents = CLAMP(close, 1000000, 9000000);
    }
}

int main(void) {
    Bench b = { .key = { .venue = { "bench" }, .symbol = { "BTCUSDT" }, .timeframe = { UNIT_MINUTE, 1 } } };
    candles_init_heap(&b.cs, N_CANDLES);
    candles_init_heap(&b.back, N_CANDLES);
    buf_init(&b.file, (size_t)256 << 20);
    make_rows(&b.cs);
    write_file(&b);
    read_file(&b);
    for (size_t i = 0; i < b.cs.n; i++) {
        Candle x = candles_get(&b.cs, i), y = candles_get(&b.back, i);
        if (!candle_same_data(&x, &y) || b.back.n != b.cs.n) {
            fprintf(stderr, "bench_parquet: row %zu did not come back\n", i);
            return 1;
        }
    }
    bench_run("parquet_write", write_file, &b, N_CANDLES, (double)b.file.n);
    bench_run("parquet_read", read_file, &b, N_CANDLES, (double)b.file.n);
    printf("{\"bench\":\"parquet_size\",\"bytes_per_candle\":%.2f}\n", (double)b.file.n / N_CANDLES);
    candles_done_heap(&b.cs);
    candles_done_heap(&b.back);
    buf_done(&b.file);
    return 0;
}
