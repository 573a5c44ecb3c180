/* Candles from and to CSV on one core: `make bench`, or build/bench/bench_csv.
 *
 * A million one-minute candles as the exporter writes them (about 60 bytes a row), in memory, fed in pieces of 64 KiB:
 * all of the import but the disk and the store. The bound is reading each byte once: 60 MB at memory speed (10 GB/s)
 * is 6 ns a row; finding 5 decimal numbers, at about 10 ns each, is what it comes to. */

#include "base/rng.h"
#include "bench.h"
#include "core/candle_csv.h"

enum { N_CANDLES = 1000000, PIECE = 65536 };

typedef struct Bench {
    Candles cs, back;
    Buf text;
    Timeframe tf;
} Bench;

static void die(const Ctx *cx) {
    fprintf(stderr, "bench_csv: %s\n", cx->err.text);
    exit(1);
}

static double read_text(void *arg) {
    Bench *b = arg;
    Arena arena = { 0 };
    ClockManual clock;
    Ctx cx;
    clock_manual_init(&clock, time_ms(0));
    ctx_init(&cx, &arena, &clock.clock);
    CandleCsv *r;
    b->back.n = 0;
    if (candle_csv_open(&cx, &(CandleCsvOptions){ .timeframe = b->tf }, &r) < 0)
        die(&cx);
    for (size_t at = 0; at < b->text.n; at += PIECE)
        if (candle_csv_feed(r, &cx, str_first(str_from(buf_str(&b->text), at), PIECE), &b->back) < 0)
            die(&cx);
    if (candle_csv_finish(r, &cx, &b->back) < 0)
        die(&cx);
    candle_csv_close(r);
    arena_done(&arena);
    return b->back.close[b->back.n - 1];
}

static double write_text(void *arg) {
    Bench *b = arg;
    buf_clear(&b->text);
    candle_csv_write_header(&(CandleCsvFormat){ 0 }, &b->text);
    candle_csv_write(&b->cs, 0, b->cs.n, &(CandleCsvFormat){ 0 }, &b->text);
    return (double)b->text.n;
}

int main(void) {
    Bench b = { .tf = { UNIT_MINUTE, 1 } };
    Rng rng;
    rng_seed(&rng, 1);
    candles_init_heap(&b.cs, N_CANDLES);
    candles_init_heap(&b.back, N_CANDLES);
    buf_init(&b.text, (size_t)256 << 20);
    int64_t cents = 4200000;
    for (int i = 0; i < N_CANDLES; i++) {
        int64_t open = cents, close = open + rng_between(&rng, -3000, 3000);
        Candle c = { .open_time = time_ms(INT64_C(1640995200000) + i * (int64_t)MS_PER_MINUTE),
                     .open = (double)open / 100,
                     .high = (double)(MAX(open, close) + rng_between(&rng, 0, 999)) / 100,
                     .low = (double)(MIN(open, close) - rng_between(&rng, 0, 999)) / 100,
                     .close = (double)close / 100,
                     .volume = (double)rng_between(&rng, 0, 99999999) / 100000 };
        candles_push(&b.cs, &c);
        cents = CLAMP(close, 1000000, 9000000);
    }
    write_text(&b);
    double size = (double)b.text.n;
    bench_run("candle_csv_write", write_text, &b, N_CANDLES, size);
    bench_run("candle_csv_read", read_text, &b, N_CANDLES, size);
    for (size_t i = 0; i < b.cs.n; i++) {
        Candle x = candles_get(&b.cs, i), y = candles_get(&b.back, i);
        if (!candle_same_data(&x, &y)) {
            fprintf(stderr, "bench_csv: row %zu did not come back\n", i);
            return 1;
        }
    }
    candles_done_heap(&b.cs);
    candles_done_heap(&b.back);
    buf_done(&b.text);
    return 0;
}
