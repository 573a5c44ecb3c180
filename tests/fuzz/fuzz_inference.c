/* Requests of the open inference protocol: whatever the JSON, tensors lie within their memory and fit the model.
 *
 * The first byte says what the rest is: i inputs, o outputs, p parameters. */

#include "api/inference/internal.h"

#include "fuzz.h"

static void inputs(Ctx *cx, Str text) {
    static const ForecastShape s = { .look_back = 2, .horizon = 3, .n_channels = 2, .n_targets = 1, .season = 1 };
    InferTensor t;
    double sum = 0;
    int r = infer_read_input(cx, text, &s, &t);
    MUST(r == 0 || ((r == ERR_INVALID || r == ERR_UNSUPPORTED) && cx->err.text[0]));
    if (r)
        return;
    MUST(t.rank == 3 && t.shape[0] >= 1 && t.shape[0] <= INFER_WINDOWS_MAX);
    MUST(t.n == (size_t)t.shape[0] * s.look_back * s.n_channels);
    for (size_t i = 0; i < t.n; i++)
        sum += t.data[i]; /* all of them can be read */
    MUST(sum == sum);     /* JSON has no other numbers */
}

static void outputs(Ctx *cx, Str text) {
    unsigned wanted = 0;
    int r = infer_read_wanted(cx, text, &wanted);
    MUST(r == 0 || (r == ERR_INVALID && cx->err.text[0]));
    MUST(r || (wanted & ~(unsigned)(INFER_FORECAST | INFER_LOW | INFER_HIGH)) == 0);
}

static void parameters(Ctx *cx, Str text) {
    double level;
    int r = infer_read_level(cx, text, &level);
    MUST(r == 0 || (r == ERR_INVALID && cx->err.text[0]));
    MUST(r || level == level);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    Arena a;
    ClockManual clock;
    Ctx cx;
    if (size == 0 || size > 1 << 16)
        return 0;
    arena_init(&a, 0);
    clock_manual_init(&clock, time_ms(1700000000000));
    ctx_init(&cx, &a, &clock.clock);
    Str text = str_n((const char *)data + 1, size - 1);
    if (data[0] == 'i')
        inputs(&cx, text);
    else if (data[0] == 'o')
        outputs(&cx, text);
    else if (data[0] == 'p')
        parameters(&cx, text);
    arena_done(&a);
    return 0;
}
