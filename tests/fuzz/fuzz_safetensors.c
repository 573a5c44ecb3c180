/* nn/safetensors and a model's state: any bytes are refused or give tensors that lie within them; what was read writes and
 * reads back the same; what loads as a model forecasts. */

#include "nn/model.h"
#include "nn/safetensors.h"

#include "fuzz.h"

static void there_and_back(Ctx *cx, const Tensors *t) {
    Buf out;
    Tensors again;
    buf_init(&out, 1 << 20);
    MUST(tensors_write(t, &out) == 0);
    MUST(tensors_read(cx, buf_str(&out), &again) == 0 && again.n == t->n && again.n_notes == t->n_notes);
    for (size_t i = 0; i < t->n; i++)
        MUST(str_eq(again.v[i].name, t->v[i].name) && again.v[i].n == t->v[i].n &&
             again.v[i].bytes.n == t->v[i].bytes.n);
    buf_done(&out);
}

static bool in_file_order(const Tensors *t) {
    for (size_t i = 1; i < t->n; i++)
        if (t->v[i].bytes.p < t->v[i - 1].bytes.p)
            return false;
    return true;
}

static void load(Ctx *cx, Str bytes) {
    static Nn nn;
    Model *m = NULL;
    if (!nn.k)
        nn_init(&nn, &nn_kernels_sse2, 1);
    int e = model_load(cx, bytes, &nn, &m, NULL);
    MUST((e == 0) == (m != NULL));
    if (e != 0)
        return;
    const ModelSettings *s = model_settings(m);
    size_t rows = (size_t)s->lookback * (size_t)s->channels;
    float *x = arena_zalloc(cx->arena, rows * sizeof *x);
    const float *window = x;
    float *y = arena_alloc(cx->arena, (size_t)s->horizon * (size_t)s->targets * sizeof *y);
    if (model_work_bytes(m, 1, false) < 1 << 24)
        model_forward(m, &(ModelBatch){ .n = 1, .x = &window, .x_stride = (size_t)s->channels }, y);
    model_free(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    Arena arena = { 0 };
    ClockManual clock = { 0 };
    Ctx cx;
    Tensors t;
    Str bytes = str_n((const char *)data, size);
    if (size > 1 << 16)
        return 0;
    ctx_init(&cx, &arena, &clock.clock);
    int e = tensors_read(&cx, bytes, &t);
    MUST(e == 0 || e == ERR_CORRUPT || e == ERR_LIMIT);
    for (size_t i = 0; e == 0 && i < t.n; i++) {
        float *v = arena_alloc(&arena, (t.v[i].n + 1) * sizeof *v);
        tensor_floats(&cx, &t.v[i], t.v[i].n, v);
    }
    if (e == 0 && in_file_order(&t))
        there_and_back(&cx, &t);
    load(&cx, bytes);
    arena_done(&arena);
    return 0;
}
