/* A million candles through every pair of formats, in one walk over all twelve, and through every packing: no value, flag
 * or label changes, and no more is held than a piece (MDS-38, MDS-39). */

#include "base/rng.h"
#include "core/dataset.h"
#include "lib/test.h"

enum { N = 1000000, N_SMALL = 30000 };

typedef struct Stream { /* a file in memory */
    Buf bytes;
} Stream;

static int read_at(void *arg, Ctx *cx, int64_t at, size_t n, char *out) {
    UNUSED(cx);
    const Stream *s = arg;
    if (at < 0 || (uint64_t)at + n > s->bytes.n)
        FAIL("read outside of the file");
    memcpy(out, s->bytes.p + at, n);
    return 0;
}

static void make_rows(Candles *out, size_t n) {
    Rng rng;
    rng_seed(&rng, prop_seed(38));
    candles_init_heap(out, n);
    int64_t cents = 4200000, t = INT64_C(1500000000000) / 60000 * 60000;
    for (size_t i = 0; i < n; i++) {
        int64_t close = cents + rng_between(&rng, -3000, 3000);
        double scale = i % 1000 == 999 ? 7e-7 : 100; /* and some numbers that are no short decimals */
        Candle c = { .open_time = time_ms(t),
                     .open = (double)cents / scale,
                     .high = (double)(MAX(cents, close) + 17) / scale,
                     .low = (double)(MIN(cents, close) - 17) / scale,
                     .close = (double)close / scale,
                     .volume = rng_chance(&rng, 0.1) ? 0 : rng_f64(&rng) * 1e6,
                     .known_at = time_ms(i % 5 ? t + 61234 : 0),
                     .flags = (uint8_t)(rng_chance(&rng, 0.01) ? rng_below(&rng, CANDLE_FLAGS_ALL + 1) : 0) };
        candles_push(out, &c);
        cents = CLAMP(close, 1000000, 9000000);
        t += rng_chance(&rng, 0.001) ? 600000 : 60000;
    }
}

static void write_all(Ctx *cx, DatasetForm form, const SeriesKey *key, const Candles *rows, Stream *out) {
    DatasetWriter *w;
    Buf piece;
    buf_init(&out->bytes, (size_t)512 << 20);
    buf_init(&piece, 16 << 20);
    CHECK_OK_PLAIN(cx, dataset_writer_new(cx, form, key, &w));
    for (size_t at = 0; at < rows->n; at += 10000) {
        CHECK_OK_PLAIN(cx, dataset_put(w, cx, rows, at, MIN(rows->n - at, (size_t)10000), &piece));
        buf_put_str(&out->bytes, buf_str(&piece));
        buf_clear(&piece);
    }
    CHECK_OK_PLAIN(cx, dataset_end(w, cx, &piece));
    buf_put_str(&out->bytes, buf_str(&piece));
    if (dataset_rows(w) != (int64_t)rows->n)
        FAIL("%lld rows were written", (long long)dataset_rows(w));
    dataset_writer_free(w);
    buf_done(&piece);
}

/* Converts as the service does: piece by piece, comparing with the rows it began with on the way. */
static void convert(Ctx *cx, DatasetForm from, DatasetForm to, Stream *file, const SeriesKey *key,
                    const Candles *rows) {
    DatasetReader *r;
    DatasetWriter *w;
    DatasetSource source = { .read_at = read_at, .arg = file, .size = (int64_t)file->bytes.n };
    Candles some;
    Stream out;
    size_t n = 0;
    candles_init_heap(&some, 1);
    buf_init(&out.bytes, (size_t)512 << 20);
    CHECK_OK_PLAIN(cx, dataset_reader_new(cx, from, &source, NULL, &r));
    CHECK_OK_PLAIN(cx, dataset_writer_new(cx, to, key, &w));
    int e;
    while ((e = dataset_next(r, cx, &some)) == 0) {
        for (size_t i = 0; i < some.n; i++, n++) {
            Candle x = candles_get(&some, i), y = n < rows->n ? candles_get(rows, n) : (Candle){ 0 };
            if (!candle_same_data(&x, &y) || x.flags != y.flags || x.known_at.ms != y.known_at.ms)
                FAIL("%s to %s: row %zu differs", dataset_format_name(from.format), dataset_format_name(to.format), n);
        }
        CHECK_OK_PLAIN(cx, dataset_put(w, cx, &some, 0, some.n, &out.bytes));
    }
    if (e != DATASET_ENDED || n != rows->n || !series_key_eq(dataset_key(r), key))
        FAIL("%s: %d %s, %zu rows", dataset_format_name(from.format), e, cx->err.text, n);
    CHECK_OK_PLAIN(cx, dataset_end(w, cx, &out.bytes));
    dataset_reader_free(r);
    dataset_writer_free(w);
    candles_done_heap(&some);
    buf_done(&file->bytes);
    *file = out;
}

static SeriesKey label(void) {
    SeriesKey key;
    if (!series_key_parse(S("kraken:BTC/USD:1m@sim/bid+splits"), &key))
        FAIL("no key");
    return key;
}

TEST(every_pair_of_formats_round_trips_on_a_million_candles_MDS_38) {
    /* every ordered pair once */
    static const uint8_t walk_[] = { 0, 1, 0, 2, 0, 3, 1, 2, 1, 3, 2, 3, 0 };
    TestCtx t;
    test_ctx_init(&t);
    SeriesKey key = label();
    Candles rows;
    Stream file;
    make_rows(&rows, N);
    bool seen[DATASET_FORMATS][DATASET_FORMATS] = { 0 };
    write_all(&t.cx, (DatasetForm){ .format = walk_[0] }, &key, &rows, &file);
    for (size_t i = 1; i < ARRAY_LEN(walk_); i++) {
        DatasetForm from = { .format = walk_[i - 1] }, to = { .format = walk_[i] };
        convert(&t.cx, from, to, &file, &key, &rows);
        seen[walk_[i - 1]][walk_[i]] = true;
    }
    for (int a = 0; a < DATASET_FORMATS; a++)
        for (int b = 0; b < DATASET_FORMATS; b++)
            CHECK(a == b || seen[a][b]);
    DatasetForm first = { .format = 0 };
    convert(&t.cx, first, first, &file, &key, &rows); /* and one into itself */
    buf_done(&file.bytes);
    candles_done_heap(&rows);
    test_ctx_done(&t);
}

TEST(packings_change_nothing_MDS_39) {
    static const DatasetForm forms[] = { { DATASET_CSV, DATASET_GZIP, 1 },      { DATASET_JSON, DATASET_ZSTD, 0 },
                                         { DATASET_INFLUX, DATASET_GZIP, 0 },   { DATASET_CSV, DATASET_ZSTD, 19 },
                                         { DATASET_PARQUET, DATASET_PLAIN, 0 }, { DATASET_JSON, DATASET_GZIP, 9 },
                                         { DATASET_INFLUX, DATASET_ZSTD, 1 } };
    TestCtx t;
    test_ctx_init(&t);
    UNUSED(state_);
    SeriesKey key = label();
    Candles rows;
    Stream file;
    make_rows(&rows, N_SMALL);
    write_all(&t.cx, forms[0], &key, &rows, &file);
    for (size_t i = 1; i <= ARRAY_LEN(forms); i++)
        convert(&t.cx, forms[i - 1], forms[i % ARRAY_LEN(forms)], &file, &key, &rows);
    buf_done(&file.bytes);
    candles_done_heap(&rows);
    test_ctx_done(&t);
}

TESTS(T(every_pair_of_formats_round_trips_on_a_million_candles_MDS_38), T(packings_change_nothing_MDS_39))
