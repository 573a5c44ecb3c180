/* fuzz: core/candle_csv. The first four bytes choose the options and the size of the pieces. What holds for every
 * input: a row given out is a candle without errors; the cut into pieces changes nothing; what was read, written and
 * read again is the same bits. */

#include "core/candle_csv.h"
#include "core/validate.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok) {
    if (!ok)
        abort();
}

static int read_pieces(const CandleCsvOptions *options, Str text, size_t piece, Candles *out) {
    Arena arena = { 0 };
    ClockManual clock;
    Ctx cx;
    CandleCsv *r = NULL;
    clock_manual_init(&clock, time_ms(0));
    ctx_init(&cx, &arena, &clock.clock);
    candles_init_heap(out, 0);
    int e = candle_csv_open(&cx, options, &r);
    for (size_t at = 0; e == 0 && at < text.n; at += piece)
        e = candle_csv_feed(r, &cx, str_first(str_from(text, at), piece), out);
    if (e == 0)
        e = candle_csv_finish(r, &cx, out);
    require(e <= 0 && (e == 0) == (cx.err.code == 0)); /* an error has words, a success none */
    if (r) {
        const CandleCsvReport *report = candle_csv_report(r);
        require(report->n_rows == (int64_t)out->n);
        require(report->n_faults <= CSV_FAULTS && report->n_skipped >= 0);
        for (size_t i = 0; i < report->n_faults; i++)
            require(memchr(report->faults[i].text, '\0', CSV_FAULT_TEXT) != NULL);
    }
    candle_csv_close(r);
    arena_done(&arena);
    return e;
}

static void require_same(const Candles *a, const Candles *b) {
    require(a->n == b->n);
    for (size_t i = 0; i < a->n; i++) {
        Candle x = candles_get(a, i), y = candles_get(b, i);
        require(candle_same_data(&x, &y) && x.flags == y.flags && x.known_at.ms == y.known_at.ms);
        require(!(candle_issues(&x, (Timeframe){ 0 }) & ISSUE_ERRORS));
    }
}

static void write_and_read(const Candles *cs) {
    Buf text;
    Candles back;
    CandleCsvFormat format = { .with_known_at = true, .with_flags = true, .separator = ';' };
    buf_init(&text, 64 << 20);
    require(candle_csv_write_header(&format, &text) == 0 && candle_csv_write(cs, 0, cs->n, &format, &text) == 0);
    CandleCsvOptions options = { .timeframe = { UNIT_SECOND, 1 } };
    require(read_pieces(&options, buf_str(&text), 4096, &back) == 0);
    require_same(cs, &back);
    candles_done_heap(&back);
    buf_done(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 4)
        return 0;
    CandleCsvOptions options = {
        .stamp = data[0] & 1,
        .skip_bad = data[0] & 2,
        .date_order = (data[0] >> 2 & 3) % 3,
        .timeframe = data[0] & 16 ? (Timeframe){ (uint8_t)(1 + data[1] % 6), 1 } : (Timeframe){ 0 },
        .time_unit = (CsvTimeUnit)(data[1] / 6 % 5),
        .price_scale = data[2] % 41 - 20, /* past the bounds too */
    };
    Str text = str_n((const char *)data + 4, size - 4);
    Candles whole, pieces;
    int e = read_pieces(&options, text, text.n ? text.n : 1, &whole);
    int in_pieces = read_pieces(&options, text, 1 + data[3], &pieces);
    require(e == in_pieces);
    require_same(&whole, &pieces);
    if (whole.n > 0)
        write_and_read(&whole);
    candles_done_heap(&whole);
    candles_done_heap(&pieces);
    return 0;
}
