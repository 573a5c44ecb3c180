/* Hostile bytes as a Parquet file: opening and reading end within bounds, and what they accept is written again and
 * read back with the same bits. The sums of the pages are not made right: that is the fuzzer's own work, and what lies
 * behind them is reached by the decoders below. */

#include "core/parquet.h"
#include "core/parquet_codec.h"
#include "fuzz.h"

static int read_at(void *arg, Ctx *cx, int64_t at, size_t n, char *out) {
    UNUSED(cx);
    const Str *file = arg;
    MUST(at >= 0 && (uint64_t)at <= file->n && n <= file->n - (uint64_t)at);
    memcpy(out, file->p + at, n);
    return 0;
}

static void check_again(Ctx *cx, const Candles *rows, const SeriesKey *key) {
    ParquetWriter *w = parquet_writer_new(key);
    ParquetReader *r = NULL;
    Buf out;
    Candles back;
    buf_init(&out, 64 << 20);
    candles_init_heap(&back, rows->n + 1);
    MUST(parquet_put(w, rows, 0, rows->n, &out) == 0 && parquet_end(w, &out) == 0);
    Str file = buf_str(&out);
    MUST(parquet_open(cx, read_at, &file, (int64_t)file.n, &r) == 0);
    for (size_t g = 0; g < parquet_groups(r); g++)
        MUST(parquet_read(r, cx, g, &back) == 0);
    MUST(back.n == rows->n && series_key_eq(parquet_key(r), key));
    MUST(memcmp(back.open_ms, rows->open_ms, rows->n * 8) == 0 && memcmp(back.low, rows->low, rows->n * 8) == 0 &&
         memcmp(back.known_ms, rows->known_ms, rows->n * 8) == 0 && memcmp(back.flags, rows->flags, rows->n) == 0);
    parquet_reader_free(r);
    parquet_writer_free(w);
    candles_done_heap(&back);
    buf_done(&out);
}

static void fuzz_file(Ctx *cx, Str file) {
    ParquetReader *r = NULL;
    Candles rows;
    bool whole = true;
    int e = parquet_open(cx, read_at, &file, (int64_t)file.n, &r);
    MUST(e == 0 || e == PARQUET_FOREIGN || e == ERR_CORRUPT);
    if (e)
        return;
    candles_init_heap(&rows, 1);
    for (size_t g = 0; g < MIN(parquet_groups(r), (size_t)4) && whole; g++) {
        size_t had = rows.n;
        e = parquet_read(r, cx, g, &rows);
        whole = e == 0;
        MUST(e == 0 || (e == ERR_CORRUPT && rows.n == had));
    }
    if (whole)
        check_again(cx, &rows, parquet_key(r));
    candles_done_heap(&rows);
    parquet_reader_free(r);
}

static void fuzz_decoders(Str bytes) {
    enum { N = 300 };
    int64_t v[N];
    uint8_t present[N];
    size_t n_present, n = (uint8_t)bytes.p[0] + 1;
    Str rest = str_from(bytes, 1);
    if (delta_decode(rest, n, v)) {
        Buf again;
        int64_t back[N];
        buf_init(&again, 1 << 20);
        delta_encode(v, n, &again);
        MUST(delta_decode(buf_str(&again), n, back) && memcmp(v, back, n * sizeof *v) == 0);
        buf_done(&again);
    }
    if (levels_decode(&rest, n, present, &n_present))
        MUST(n_present <= n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    Arena arena = { 0 };
    ClockManual clock;
    Ctx cx;
    if (size == 0 || size > 1 << 20)
        return 0;
    clock_manual_init(&clock, time_ms(0));
    ctx_init(&cx, &arena, &clock.clock);
    fuzz_file(&cx, str_n((const char *)data, size));
    fuzz_decoders(str_n((const char *)data, size));
    arena_done(&arena);
    return 0;
}
