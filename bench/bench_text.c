/* bench/bench_text.c - numbers, times and CSV, on one core. Aims: 30 M prices read a second, CSV in 400 MB/s. */

#include "base/csv.h"
#include "base/num.h"
#include "base/time.h"

#include "bench.h"

enum { PRICES = 1 << 20, LINES = 100000 };

typedef struct TextBench {
    Str texts[256];
    double values[256];
    Buf csv;
} TextBench;

static void make(TextBench *b, Arena *a) {
    buf_init(&b->csv, 1 << 26);
    for (int i = 0; i < 256; i++) {
        b->texts[i] = str_fmt(a, "%d.%02d", 40000 + i * 37 % 10000, i * 7919 % 100);
        num_parse_f64(b->texts[i], &b->values[i]);
    }
    for (int i = 0; i < LINES; i++) {
        buf_printf(&b->csv, "%lld,", (long long)(INT64_C(1709296496000) + i * INT64_C(60000)));
        for (int k = 0; k < 5; k++) {
            buf_put_str(&b->csv, b->texts[(i * 5 + k) % 256]);
            buf_put_c(&b->csv, k < 4 ? ',' : '\n');
        }
    }
}

static double parse_prices(void *ctx) {
    TextBench *b = ctx;
    double sum = 0, v = 0;
    for (int i = 0; i < PRICES; i++) {
        num_parse_f64(b->texts[i & 255], &v);
        sum += v;
    }
    return sum;
}

static double format_prices(void *ctx) {
    TextBench *b = ctx;
    char out[NUM_TEXT_MAX];
    size_t sum = 0;
    int hint = 0;
    for (int i = 0; i < PRICES; i++)
        sum += num_format_f64_hint(b->values[i & 255], &hint, out);
    return (double)sum;
}

static double format_any(void *ctx) {
    char out[NUM_TEXT_MAX];
    size_t sum = 0;
    uint64_t x = 88172645463325252;
    UNUSED(ctx);
    for (int i = 0; i < PRICES; i++) {
        x = x * UINT64_C(6364136223846793005) + 1;
        sum += num_format_f64((double)(int64_t)x * 1e-19, out);
    }
    return (double)sum;
}

static double iso_there_and_back(void *ctx) {
    char out[TIME_TEXT_MAX];
    int64_t sum = 0;
    UNUSED(ctx);
    for (int i = 0; i < PRICES; i++) {
        Time t;
        size_t n = time_format_iso(time_ms(INT64_C(1709296496001) + i * INT64_C(60001)), out);
        if (!time_parse_iso(str_n(out, n), &t, NULL))
            abort();
        sum += t.ms & 0xFF;
    }
    return (double)sum;
}

static double csv_rows(void *ctx) {
    TextBench *b = ctx;
    CsvReader r;
    CsvRow row;
    Str rest = buf_str(&b->csv);
    size_t rows = 0, sum = 0;
    int got;
    csv_reader_init(&r, &(CsvLimits){ 0 }, ',');
    while ((got = csv_next(&r, &row)) > 0) {
        if (got == CSV_MORE) {
            Str piece = str_first(rest, 1 << 16);
            rest = str_from(rest, 1 << 16);
            piece.n ? csv_feed(&r, piece) : csv_end(&r);
            continue;
        }
        rows++;
        sum += row.fields[5].n;
    }
    if (got != CSV_END || rows != LINES)
        abort();
    csv_reader_done(&r);
    return (double)sum;
}

int main(void) {
    Arena a = { 0 };
    TextBench b = { 0 };
    make(&b, &a);
    bench_run("num_parse_prices", parse_prices, &b, PRICES, 0);
    bench_run("num_format_prices", format_prices, &b, PRICES, 0);
    bench_run("num_format_17_digits", format_any, &b, PRICES, 0);
    bench_run("time_iso_there_and_back", iso_there_and_back, &b, PRICES, 0);
    bench_run("csv_rows", csv_rows, &b, LINES, (double)b.csv.n);
    buf_done(&b.csv);
    arena_done(&a);
    return 0;
}
