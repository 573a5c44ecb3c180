/* api/csv.c - the text/csv form of operations that carry candles. The dialects are core/candle_csv's. */

#include "api/decode.h"

#include "core/candle_csv.h"

enum { FEED_BYTES = 256 * 1024 };

/* The heap table ends with the request; the rows move to its arena. */
static int take_rows(const Field *f, Ctx *cx, const Candles *rows, void *in) {
    Place root = { 0 }, at = place_member(&root, field_name(f));
    size_t bytes = mem_mul(rows->n, 7 * sizeof(int64_t) + 1);
    if (cx->arena->limit && (cx->arena->used > cx->arena->limit || bytes > cx->arena->limit - cx->arena->used))
        return err_set_at(cx, ERR_TOO_LARGE, place_text(cx->arena, &at),
                          "more candles than one request may carry; send them in parts");
    Candles *out = FIELD_AT(f, in, Candles);
    candles_init(out, cx->arena, rows->n);
    candles_append(out, rows, 0, rows->n);
    return field_check(f, cx, &at, in);
}

static int read_rows(const Field *f, Ctx *cx, const CandleCsvOptions *options, Str csv, Candles *rows) {
    CLEANUP(candle_csv_closep) CandleCsv *reader = NULL;
    size_t most = field_max_items(f);
    int e = candle_csv_open(cx, options, &reader);
    while (!e && csv.n) {
        e = candle_csv_feed(reader, cx, str_first(csv, FEED_BYTES), rows);
        csv = str_from(csv, FEED_BYTES);
        if (!e && rows->n > most)
            return err_set_at(cx, ERR_INVALID, S("body"), "body must have at most %zu candles", most);
        if (!e)
            e = ctx_check(cx);
    }
    return e ? e : candle_csv_finish(reader, cx, rows);
}

int op_decode_csv(const Op *op, Ctx *cx, const OpText *text, Str csv, void *in) {
    const Field *f = op_candles_field(op->in), *timeframe = op->in ? shape_field(op->in, S("timeframe")) : NULL;
    if (!f || !op->csv)
        return err_set(cx, ERR_MEDIA_TYPE, "%s does not read text/csv", op->name);
    uint64_t seen;
    int e = decode_beside_csv(op, cx, text, &seen, in);
    if (e)
        return e;
    CandleCsvOptions options = { 0 };
    if (timeframe && timeframe->type == FT_STR) /* checked already where the field has its pattern */
        timeframe_parse(FIELD_GET(timeframe, in, Str), &options.timeframe);
    Candles rows;
    candles_init_heap(&rows, 1024);
    e = read_rows(f, cx, &options, csv, &rows);
    if (!e)
        e = take_rows(f, cx, &rows, in);
    candles_done_heap(&rows);
    Place root = { 0 };
    seen |= UINT64_C(1) << (f - op->in->fields);
    return e ? e : shape_finish(op->in, cx, &root, seen, false, in);
}

int op_write_csv(const Op *op, const void *result, Buf *out) {
    const Field *f = op_candles_field(op->out);
    assert(f && op->csv);
    const Candles *cs = &FIELD_GET(f, result, Candles);
    CandleCsvFormat format = { 0 };
    for (size_t i = 0; cs->flags && i < cs->n && !format.with_flags; i++)
        format.with_flags = cs->flags[i] != 0;
    int e = candle_csv_write_header(&format, out);
    return e ? e : candle_csv_write(cs, 0, cs->n, &format, out);
}
