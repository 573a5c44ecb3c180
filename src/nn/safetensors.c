/* nn/safetensors.c - see safetensors.h. */

#include "nn/safetensors.h"

#include "base/json.h"

#include <stdlib.h>

static const struct {
    const char *name;
    size_t width;
} types[TENSOR_TYPES] = {
    [TENSOR_F64] = { "F64", 8 },   [TENSOR_F32] = { "F32", 4 }, [TENSOR_F16] = { "F16", 2 },
    [TENSOR_BF16] = { "BF16", 2 }, [TENSOR_I64] = { "I64", 8 }, [TENSOR_I32] = { "I32", 4 },
    [TENSOR_I16] = { "I16", 2 },   [TENSOR_I8] = { "I8", 1 },   [TENSOR_U64] = { "U64", 8 },
    [TENSOR_U32] = { "U32", 4 },   [TENSOR_U16] = { "U16", 2 }, [TENSOR_U8] = { "U8", 1 },
    [TENSOR_BOOL] = { "BOOL", 1 },
};

enum { LENGTH_BYTES = 8 };

typedef struct Reading {
    Ctx *cx;
    JsonReader json;
    Str data; /* behind the header */
    Tensors *out;
    size_t cap, notes_cap;
} Reading;

static int corrupt(Reading *r, Str name, const char *why) {
    return err_set(r->cx, ERR_CORRUPT, "safetensors: tensor '" STR_FMT "' %s", STR_ARG(str_first(name, 100)), why);
}

static int bad_header(Reading *r) {
    return err_set(r->cx, r->json.err == ERR_LIMIT ? ERR_LIMIT : ERR_CORRUPT, "safetensors: the header: %s",
                   r->json.why ? r->json.why : "not as the format has it");
}

static int read_type(Reading *r, Tensor *t) {
    Str word;
    if (json_read_str(&r->json, &word) != 0)
        return bad_header(r);
    for (int i = 0; i < TENSOR_TYPES; i++)
        if (str_eq(word, str_c(types[i].name))) {
            t->type = (TensorType)i;
            return 0;
        }
    return corrupt(r, t->name, "is of an unknown type");
}

static int read_shape(Reading *r, Tensor *t) {
    int more;
    if (json_open_array(&r->json) != 0)
        return bad_header(r);
    t->rank = 0;
    t->n = 1;
    while ((more = json_array_next(&r->json)) > 0) {
        int64_t size;
        if (json_read_i64(&r->json, &size) != 0)
            return bad_header(r);
        if (t->rank == SAFETENSORS_RANK_MAX)
            return corrupt(r, t->name, "has too many dimensions");
        if (size < 0 || __builtin_mul_overflow(t->n, (size_t)size, &t->n))
            return corrupt(r, t->name, "has a size that cannot be");
        t->shape[t->rank++] = (size_t)size;
    }
    return more < 0 ? bad_header(r) : 0;
}

static int read_offsets(Reading *r, Tensor *t) {
    int64_t at[2];
    if (json_open_array(&r->json) != 0)
        return bad_header(r);
    for (int i = 0; i < 2; i++)
        if (json_array_next(&r->json) <= 0 || json_read_i64(&r->json, &at[i]) != 0)
            return bad_header(r);
    if (json_array_next(&r->json) != 0)
        return bad_header(r);
    if (at[0] < 0 || at[1] < at[0] || (uint64_t)at[1] > r->data.n)
        return corrupt(r, t->name, "lies outside the file");
    t->bytes = str_n(r->data.p + at[0], (size_t)(at[1] - at[0]));
    return 0;
}

enum { SAW_TYPE = 1, SAW_SHAPE = 2, SAW_OFFSETS = 4, SAW_ALL = 7 };

static int read_field(Reading *r, Str key, Tensor *t, unsigned *saw) {
    unsigned what = str_eq(key, S("dtype"))          ? SAW_TYPE
                    : str_eq(key, S("shape"))        ? SAW_SHAPE
                    : str_eq(key, S("data_offsets")) ? SAW_OFFSETS
                                                     : 0;
    if (what == 0 || *saw & what)
        return corrupt(r, t->name, "has a field that is not of the format, or one twice");
    *saw |= what;
    return what == SAW_TYPE ? read_type(r, t) : what == SAW_SHAPE ? read_shape(r, t) : read_offsets(r, t);
}

static int read_fields(Reading *r, Tensor *t) {
    unsigned saw = 0;
    Str key;
    int more;
    if (json_open_object(&r->json) != 0)
        return bad_header(r);
    while ((more = json_object_next(&r->json, &key)) > 0) {
        int e = read_field(r, key, t, &saw);
        if (e != 0)
            return e;
    }
    if (more < 0)
        return bad_header(r);
    return saw == SAW_ALL ? 0 : corrupt(r, t->name, "lacks dtype, shape or data_offsets");
}

static int read_tensor(Reading *r, Str name) {
    Tensor t = { .name = name };
    size_t size;
    int e = read_fields(r, &t);
    if (e != 0)
        return e;
    if (__builtin_mul_overflow(t.n, types[t.type].width, &size) || size != t.bytes.n)
        return corrupt(r, name, "is not as long as its shape says");
    if (r->out->n == SAFETENSORS_TENSORS_MAX)
        return err_set(r->cx, ERR_LIMIT, "safetensors: more than %d tensors", SAFETENSORS_TENSORS_MAX);
    if (r->out->n == r->cap) {
        size_t cap = r->cap ? 2 * r->cap : 64;
        r->out->v = arena_grow(r->cx->arena, r->out->v, r->cap * sizeof t, cap * sizeof t);
        r->cap = cap;
    }
    r->out->v[r->out->n++] = t;
    return 0;
}

static int read_notes(Reading *r) {
    Str key, value;
    int more;
    if (json_open_object(&r->json) != 0)
        return bad_header(r);
    while ((more = json_object_next(&r->json, &key)) > 0) {
        if (json_read_str(&r->json, &value) != 0)
            return bad_header(r);
        if (r->out->n_notes == r->notes_cap) {
            size_t cap = r->notes_cap ? 2 * r->notes_cap : 8;
            r->out->notes =
                arena_grow(r->cx->arena, r->out->notes, r->notes_cap * sizeof(TensorNote), cap * sizeof(TensorNote));
            r->notes_cap = cap;
        }
        r->out->notes[r->out->n_notes++] = (TensorNote){ key, value };
    }
    return more < 0 ? bad_header(r) : 0;
}

static int by_name(const void *a, const void *b) {
    return str_cmp((*(const Tensor *const *)a)->name, (*(const Tensor *const *)b)->name);
}

static int by_place(const void *a, const void *b) {
    const Tensor *x = *(const Tensor *const *)a, *y = *(const Tensor *const *)b;
    if (x->bytes.p != y->bytes.p)
        return x->bytes.p < y->bytes.p ? -1 : 1;
    return (x->bytes.n > y->bytes.n) - (x->bytes.n < y->bytes.n); /* empty ones before what begins there */
}

/* The format's own rules: no name twice; the tensors follow each other from the data's first byte to its last. */
static int check_whole(Reading *r) {
    size_t n = r->out->n;
    const Tensor **sorted = arena_new_n(r->cx->arena, const Tensor *, MAX(n, 1));
    for (size_t i = 0; i < n; i++)
        sorted[i] = &r->out->v[i];
    qsort(sorted, n, sizeof(void *), by_name);
    for (size_t i = 1; i < n; i++)
        if (str_eq(sorted[i]->name, sorted[i - 1]->name))
            return corrupt(r, sorted[i]->name, "stands there twice");
    qsort(sorted, n, sizeof(void *), by_place);
    const char *at = r->data.p;
    for (size_t i = 0; i < n; i++) {
        if (sorted[i]->bytes.p != at)
            return corrupt(r, sorted[i]->name, "overlaps another, or leaves a hole");
        at += sorted[i]->bytes.n;
    }
    if (at != r->data.p + r->data.n)
        return err_set(r->cx, ERR_CORRUPT, "safetensors: bytes that belong to no tensor at the end");
    return 0;
}

int tensors_read(Ctx *cx, Str bytes, Tensors *out) {
    uint64_t length = 0;
    Tensors found = { 0 };
    if (bytes.n < LENGTH_BYTES)
        return err_set(cx, ERR_CORRUPT, "safetensors: %zu bytes are too few for a header", bytes.n);
    for (int i = 0; i < LENGTH_BYTES; i++)
        length |= (uint64_t)(uint8_t)bytes.p[i] << 8 * i;
    if (length > SAFETENSORS_HEADER_MAX || length > bytes.n - LENGTH_BYTES)
        return err_set(cx, ERR_CORRUPT, "safetensors: a header of %llu bytes does not fit the file, or is no header",
                       (unsigned long long)length);
    Reading r = { .cx = cx, .data = str_from(bytes, LENGTH_BYTES + (size_t)length), .out = &found };
    json_reader_init(&r.json, str_n(bytes.p + LENGTH_BYTES, (size_t)length), cx->arena, 8);
    Str key;
    int more, e;
    if (json_open_object(&r.json) != 0)
        return bad_header(&r);
    while ((more = json_object_next(&r.json, &key)) > 0) {
        e = str_eq(key, S("__metadata__")) ? read_notes(&r) : read_tensor(&r, key);
        if (e != 0)
            return e;
    }
    if (more < 0 || json_finish(&r.json) != 0)
        return bad_header(&r);
    e = check_whole(&r);
    if (e == 0)
        *out = found;
    return e;
}

const Tensor *tensors_find(const Tensors *t, Str name) {
    for (size_t i = 0; i < t->n; i++)
        if (str_eq(t->v[i].name, name))
            return &t->v[i];
    return NULL;
}

bool tensors_note(const Tensors *t, Str key, Str *out) {
    for (size_t i = 0; i < t->n_notes; i++)
        if (str_eq(t->notes[i].key, key)) {
            *out = t->notes[i].value;
            return true;
        }
    return false;
}

/* IEEE half to float: exponent and mantissa moved up, subnormals through a multiplication. */
static float float_of_half(uint16_t h) {
    uint32_t sign = (uint32_t)(h >> 15) << 31, exponent = h >> 10 & 31, mantissa = h & 1023;
    uint32_t bits = sign | (exponent == 31 ? 0x7F800000u | mantissa << 13 : (exponent + 112) << 23 | mantissa << 13);
    float f;
    if (exponent == 0) {
        f = (float)mantissa * 0x1p-24f;
        return sign ? -f : f;
    }
    memcpy(&f, &bits, sizeof f);
    return f;
}

int tensor_floats(Ctx *cx, const Tensor *t, size_t n, float *out) {
    if (t->n != n)
        return err_set(cx, ERR_CORRUPT, "safetensors: tensor '" STR_FMT "' has %zu elements, not %zu",
                       STR_ARG(str_first(t->name, 100)), t->n, n);
    if (!out && t->type <= TENSOR_BF16)
        return 0;
    switch (t->type) {
    case TENSOR_F32:
        if (n > 0)
            memcpy(out, t->bytes.p, t->bytes.n);
        return 0;
    case TENSOR_F64:
        for (size_t i = 0; i < n; i++) {
            double d;
            memcpy(&d, t->bytes.p + 8 * i, sizeof d);
            out[i] = (float)d;
        }
        return 0;
    case TENSOR_F16:
    case TENSOR_BF16:
        for (size_t i = 0; i < n; i++) {
            uint16_t h;
            memcpy(&h, t->bytes.p + 2 * i, sizeof h);
            uint32_t bits = (uint32_t)h << 16;
            if (t->type == TENSOR_F16)
                out[i] = float_of_half(h);
            else
                memcpy(&out[i], &bits, sizeof bits);
        }
        return 0;
    default:
        return err_set(cx, ERR_CORRUPT, "safetensors: tensor '" STR_FMT "' holds %s, not floats",
                       STR_ARG(str_first(t->name, 100)), types[t->type].name);
    }
}

Tensor tensor_of_floats(Str name, const size_t *shape, const float *v) {
    Tensor t = { .name = name, .type = TENSOR_F32, .n = 1 };
    for (; shape[t.rank]; t.rank++) {
        assert(t.rank < SAFETENSORS_RANK_MAX - 1);
        t.shape[t.rank] = shape[t.rank];
        t.n *= shape[t.rank];
    }
    t.bytes = str_n((const char *)v, t.n * sizeof *v);
    return t;
}

static void write_header(const Tensors *t, Buf *out) {
    JsonWriter w;
    json_writer_init(&w, out, false);
    json_object(&w);
    if (t->n_notes > 0) {
        json_key(&w, S("__metadata__"));
        json_object(&w);
        for (size_t i = 0; i < t->n_notes; i++) {
            json_key(&w, t->notes[i].key);
            json_str(&w, t->notes[i].value);
        }
        json_object_end(&w);
    }
    size_t at = 0;
    for (size_t i = 0; i < t->n; i++) {
        const Tensor *v = &t->v[i];
        json_key(&w, v->name);
        json_object(&w);
        json_put_str(&w, "dtype", str_c(types[v->type].name));
        json_key(&w, S("shape"));
        json_array(&w);
        for (int d = 0; d < v->rank; d++)
            json_i64(&w, (int64_t)v->shape[d]);
        json_array_end(&w);
        json_key(&w, S("data_offsets"));
        json_array(&w);
        json_i64(&w, (int64_t)at);
        json_i64(&w, (int64_t)(at += v->bytes.n));
        json_array_end(&w);
        json_object_end(&w);
    }
    json_object_end(&w);
}

int tensors_write(const Tensors *t, Buf *out) {
    Buf header;
    buf_init(&header, SAFETENSORS_HEADER_MAX);
    write_header(t, &header);
    while (header.n % 8 != 0 && buf_put_c(&header, ' ') == 0) { /* so that the data of a mapped file is aligned */
    }
    uint8_t length[LENGTH_BYTES];
    for (int i = 0; i < LENGTH_BYTES; i++)
        length[i] = (uint8_t)(header.n >> 8 * i);
    if (buf_ok(&header)) {
        buf_put(out, length, sizeof length);
        buf_put_str(out, buf_str(&header));
        for (size_t i = 0; i < t->n; i++)
            buf_put_str(out, t->v[i].bytes);
    }
    bool ok = buf_ok(&header) && buf_ok(out);
    buf_done(&header);
    return ok ? 0 : ERR_LIMIT;
}
