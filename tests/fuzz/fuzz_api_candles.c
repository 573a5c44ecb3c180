/* api/candle_json: whatever rows are read are written, and read again as the same candles. */

#include "api/op.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    Arena arena;
    Ctx cx;
    JsonReader r;
    JsonWriter w;
    Candles cs, back;
    arena_init(&arena, 1 << 22);
    ctx_init(&cx, &arena, NULL);
    json_reader_init(&r, str_n((const char *)data, size), &arena, 16);
    int e = candles_read_json(&r, &cx, &cs, 1000);
    if (e) {
        MUST(e == ERR_INVALID || e == ERR_BAD_REQUEST || e == ERR_TOO_LARGE);
        MUST(cx.err.code == e && cx.err.text[0]);
    } else {
        Buf b;
        buf_init(&b, 1 << 22);
        json_writer_init(&w, &b, size % 2);
        candles_write_json(&w, &cs);
        MUST(buf_ok(&b));
        json_reader_init(&r, buf_str(&b), &arena, 16);
        MUST(candles_read_json(&r, &cx, &back, 1000) == 0 && json_finish(&r) == 0);
        MUST(back.n == cs.n);
        for (size_t i = 0; i < cs.n; i++) {
            Candle x = candles_get(&cs, i), y = candles_get(&back, i);
            x.open += 0.0, x.high += 0.0, x.low += 0.0, x.close += 0.0, x.volume += 0.0; /* -0 is written as 0 */
            MUST(candle_same_data(&x, &y) && x.flags == y.flags);
        }
        buf_done(&b);
    }
    arena_done(&arena);
    return 0;
}
