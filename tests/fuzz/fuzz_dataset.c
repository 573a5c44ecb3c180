/* Hostile bytes as a JSON or InfluxDB file of candles: reading ends within bounds, in pieces as in one, and what it
 * accepts is written again and read back the same. The first byte chooses: format, packing, size of the pieces. */

#include "core/dataset.h"
#include "core/dataset_text.h"
#include "fuzz.h"

typedef struct File {
    Str bytes;
} File;

static int read_at(void *arg, Ctx *cx, int64_t at, size_t n, char *out) {
    UNUSED(cx);
    const File *f = arg;
    MUST(at >= 0 && (uint64_t)at <= f->bytes.n && n <= f->bytes.n - (uint64_t)at);
    memcpy(out, f->bytes.p + at, n);
    return 0;
}

static int read_all(Ctx *cx, DatasetForm form, Str bytes, SeriesKey *key, Candles *out) {
    File f = { bytes };
    DatasetReader *r = NULL;
    Candles some;
    candles_init_heap(&some, 1);
    int e = dataset_reader_new(cx, form, &(DatasetSource){ read_at, &f, (int64_t)bytes.n }, NULL, &r);
    while (e == 0 && (e = dataset_next(r, cx, &some)) == 0) {
        MUST(some.n > 0);
        candles_reserve_heap(out, out->n + some.n);
        candles_append(out, &some, 0, some.n);
    }
    if (r)
        *key = *dataset_key(r);
    dataset_reader_free(r);
    candles_done_heap(&some);
    return e;
}

static void check_again(Ctx *cx, DatasetForm form, const SeriesKey *key, const Candles *rows) {
    DatasetWriter *w;
    Buf out;
    Candles back;
    SeriesKey got;
    buf_init(&out, 64 << 20);
    candles_init_heap(&back, 1);
    MUST(dataset_writer_new(cx, form, key, &w) == 0);
    if (dataset_put(w, cx, rows, 0, rows->n, &out) == 0) {
        MUST(dataset_end(w, cx, &out) == 0);
        MUST(read_all(cx, form, buf_str(&out), &got, &back) == DATASET_ENDED && back.n == rows->n);
        MUST(memcmp(back.open_ms, rows->open_ms, rows->n * 8) == 0 &&
             memcmp(back.close, rows->close, rows->n * 8) == 0);
        MUST(memcmp(back.flags, rows->flags, rows->n) == 0);
    }
    dataset_writer_free(w);
    candles_done_heap(&back);
    buf_done(&out);
}

static void check_pieces(Ctx *cx, Str bytes, size_t piece, const Candles *whole) {
    LineRows *r = line_rows_new(&(SeriesKey){ 0 });
    Candles rows;
    int e = 0;
    candles_init_heap(&rows, 1);
    for (Str rest = bytes; e == 0 && rest.n > 0; rest = str_from(rest, MIN(piece, rest.n)))
        e = line_rows_feed(r, cx, str_first(rest, piece), &rows);
    if (e == 0)
        e = line_rows_end(r, cx, &rows);
    MUST(e == 0 && rows.n == whole->n);
    line_rows_free(r);
    candles_done_heap(&rows);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0 || size > 1 << 20)
        return 0;
    Arena arena = { 0 };
    ClockManual clock;
    Ctx cx;
    Candles rows;
    SeriesKey key = { 0 };
    Str bytes = str_n((const char *)data + 1, size - 1);
    DatasetForm form = { .format = data[0] & 1 ? DATASET_JSON : DATASET_INFLUX,
                         .pack = (DatasetPack)(data[0] / 2 % 3) };
    clock_manual_init(&clock, time_ms(0));
    ctx_init(&cx, &arena, &clock.clock);
    candles_init_heap(&rows, 1);
    int e = read_all(&cx, form, bytes, &key, &rows);
    MUST(e == DATASET_ENDED || e == ERR_INVALID || e == ERR_CORRUPT || e == ERR_LIMIT);
    if (e == DATASET_ENDED && rows.n > 0) {
        check_again(&cx, form, &key, &rows);
        if (form.format == DATASET_INFLUX && form.pack == DATASET_PLAIN)
            check_pieces(&cx, bytes, 1 + data[0] / 8, &rows);
    }
    candles_done_heap(&rows);
    arena_done(&arena);
    return 0;
}
