/* nn/safetensors: what is written reads back; every way of lying about a tensor is refused with words. A model's state:
 * to the last bit, with the optimiser's moments, and refused when it does not fit. */

#include "nn/model.h"
#include "nn/safetensors.h"

#include "test.h"

static TestCtx t;
static Nn nn;

static int setup(void **state) {
    UNUSED(state);
    test_ctx_init(&t);
    nn_init(&nn, NULL, 1);
    return 0;
}

static int teardown(void **state) {
    UNUSED(state);
    nn_done(&nn);
    test_ctx_done(&t);
    return 0;
}

static Str file(const char *header, size_t data) {
    size_t length = strlen(header);
    char *p = arena_zalloc(&t.arena, 8 + length + data);
    for (int i = 0; i < 8; i++)
        p[i] = (char)(length >> 8 * i);
    memcpy(p + 8, header, length);
    return str_n(p, 8 + length + data);
}

TEST(floats_and_notes_come_back) {
    const float a[] = { 1, -2.5f, 3e-40f, INFINITY, 0, 6 }, b[] = { 7 };
    const size_t shape_a[] = { 2, 3, 0 }, shape_b[] = { 1, 0 };
    Tensor v[] = { tensor_of_floats(S("layer \"one\".weight"), shape_a, a), tensor_of_floats(S("b"), shape_b, b) };
    TensorNote notes[] = { { S("key"), S("value, \n and more") } };
    Buf out;
    Tensors back;
    buf_init(&out, 1 << 12);
    CHECK_EQ(tensors_write(&(Tensors){ v, 2, notes, 1 }, &out), 0);
    CHECK_OK(&t.cx, tensors_read(&t.cx, buf_str(&out), &back));
    CHECK_EQ(back.n, 2);
    const Tensor *first = tensors_find(&back, S("layer \"one\".weight"));
    float got[6];
    CHECK(first && first->rank == 2 && first->shape[0] == 2 && first->shape[1] == 3);
    CHECK_OK(&t.cx, tensor_floats(&t.cx, first, 6, got));
    CHECK_EQ(memcmp(got, a, sizeof a), 0);
    CHECK_EQ(tensor_floats(&t.cx, first, 5, got), ERR_CORRUPT);
    Str note;
    CHECK(tensors_note(&back, S("key"), &note) && str_eq(note, S("value, \n and more")));
    CHECK(!tensors_find(&back, S("c")) && !tensors_note(&back, S("c"), &note));
    buf_done(&out);
}

TEST(narrow_floats_widen_exactly) {
    Str f = file("{\"h\":{\"dtype\":\"F16\",\"shape\":[6],\"data_offsets\":[0,12]},"
                 "\"b\":{\"dtype\":\"BF16\",\"shape\":[2],\"data_offsets\":[12,16]}}",
                 16);
    static const uint16_t bits[] = { 0x3C00, 0xC000, 0x0001, 0x7BFF, 0x7C00, 0x8000, 0x3F80, 0xC020 };
    memcpy((char *)(uintptr_t)f.p + f.n - 16, bits, 16);
    Tensors back;
    float h[6], b[2];
    CHECK_OK(&t.cx, tensors_read(&t.cx, f, &back));
    CHECK_OK(&t.cx, tensor_floats(&t.cx, tensors_find(&back, S("h")), 6, h));
    CHECK_OK(&t.cx, tensor_floats(&t.cx, tensors_find(&back, S("b")), 2, b));
    CHECK(h[0] == 1 && h[1] == -2 && h[2] == 0x1p-24f && h[3] == 65504 && h[4] == INFINITY && h[5] == 0 &&
          signbit(h[5]));
    CHECK(b[0] == 1 && b[1] == -2.5f);
}

TEST(lies_about_tensors_are_refused) {
    static const struct {
        const char *name, *header;
        size_t data;
        const char *words;
    } rows[] = {
        { "not JSON", "{]", 0, "header" },
        { "not an object", "[]", 0, "header" },
        { "beyond the end", "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 4, "outside" },
        { "backwards", "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}}", 4, "outside" },
        { "not its shape", "{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}}", 8, "shape says" },
        { "overflow", "{\"a\":{\"dtype\":\"F64\",\"shape\":[4611686018427387904,8],\"data_offsets\":[0,8]}}", 8,
          "cannot be" },
        { "bytes overflow", "{\"a\":{\"dtype\":\"F64\",\"shape\":[2305843009213693952],\"data_offsets\":[0,0]}}", 0,
          "shape says" },
        { "unknown type", "{\"a\":{\"dtype\":\"F8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1, "type" },
        { "no type", "{\"a\":{\"shape\":[1],\"data_offsets\":[0,1]}}", 1, "lacks" },
        { "field twice", "{\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1,
          "twice" },
        { "overlap",
          "{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},"
          "\"b\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}}",
          2, "overlaps" },
        { "hole",
          "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
          "\"b\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[2,3]}}",
          3, "hole" },
        { "name twice",
          "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
          "\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}}",
          2, "twice" },
        { "bytes at the end", "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 2, "at the end" },
        { "nine dimensions", "{\"a\":{\"dtype\":\"U8\",\"shape\":[1,1,1,1,1,1,1,1,1],\"data_offsets\":[0,1]}}", 1,
          "dimensions" },
    };
    EACH_ROW (r, rows) {
        Tensors back = { .n = 77 };
        CHECK_EQ(tensors_read(&t.cx, file(r->header, r->data), &back), ERR_CORRUPT);
        if (!strstr(t.cx.err.text, r->words))
            FAIL("'%s' does not speak of '%s'", t.cx.err.text, r->words);
        CHECK_EQ(back.n, 77);
    }
    Tensors back;
    CHECK_EQ(tensors_read(&t.cx, S("short"), &back), ERR_CORRUPT);
    CHECK_EQ(tensors_read(&t.cx, S("\xff\xff\xff\xff\xff\xff\xff\x7f{}"), &back), ERR_CORRUPT);
}

static Model *model(ModelKind kind) {
    ModelSettings s = model_defaults(kind, 32, 4, 2);
    s.seed = UINT64_MAX - 5;
    Model *m = NULL;
    CHECK_OK_PLAIN(&t.cx, model_new(&t.cx, &s, &nn, &m));
    return m;
}

TEST(a_model_comes_back_to_the_bit_with_its_optimiser) {
    for (ModelKind kind = 0; kind < MODEL_KINDS; kind++) {
        Model *m = model(kind), *back = NULL;
        Adam adam, adam_back;
        adam_init(&adam, model_params(m)->n);
        adam.step = 41;
        adam.beta1 = .95;
        for (size_t i = 0; i < adam.n; i++) {
            adam.m[i] = (float)i * .37f;
            adam.v[i] = 1 / (1 + (float)i);
        }
        const ModelExtra extra[] = { { S("epoch"), S("7") }, { S("finsight.model"), S("not the settings") } };
        Buf out, again;
        buf_init(&out, 1 << 24);
        buf_init(&again, 1 << 24);
        CHECK_EQ(model_save(m, &adam, extra, 2, &out), 0);
        CHECK_OK(&t.cx, model_load(&t.cx, buf_str(&out), &nn, &back, &adam_back));
        CHECK_EQ(memcmp(model_params(m)->value, model_params(back)->value, model_params(m)->n * sizeof(float)), 0);
        CHECK(adam_back.step == 41 && adam_back.beta1 == .95 && adam_back.n == adam.n);
        CHECK_EQ(memcmp(adam.m, adam_back.m, adam.n * sizeof(float)), 0);
        CHECK_EQ(memcmp(adam.v, adam_back.v, adam.n * sizeof(float)), 0);
        CHECK_EQ(model_save(back, &adam_back, extra, 2, &again), 0); /* settings too: the same file */
        CHECK(str_eq(buf_str(&out), buf_str(&again)));
        buf_done(&again);
        Str value;
        CHECK(model_extra(&t.cx, buf_str(&out), S("epoch"), &value) && str_eq(value, S("7")));
        CHECK(!model_extra(&t.cx, buf_str(&out), S("age"), &value));
        adam_done(&adam_back);

        buf_clear(&out);
        CHECK_EQ(model_save(m, NULL, NULL, 0, &out), 0);
        CHECK_EQ(model_load_into(&t.cx, buf_str(&out), back, &adam_back), ERR_NOT_FOUND);
        CHECK_OK(&t.cx, model_load_into(&t.cx, buf_str(&out), back, NULL));
        buf_done(&out);
        adam_done(&adam);
        model_free(back);
        model_free(m);
    }
}

TEST(a_state_that_does_not_fit_is_refused_and_changes_nothing) {
    Model *linear = model(MODEL_NLINEAR), *other = model(MODEL_DLINEAR), *none = NULL;
    Buf out;
    buf_init(&out, 1 << 20);
    CHECK_EQ(model_save(linear, NULL, NULL, 0, &out), 0);
    float before = model_params(other)->value[0];
    CHECK_EQ(model_load_into(&t.cx, buf_str(&out), other, NULL), ERR_CORRUPT);
    CHECK(model_params(other)->value[0] == before);
    CHECK_EQ(model_load(&t.cx, str_first(buf_str(&out), out.n - 1), &nn, &none, NULL), ERR_CORRUPT);
    CHECK_EQ(model_load(&t.cx, file("{}", 0), &nn, &none, NULL), ERR_CORRUPT);
    CHECK_EQ(model_load(&t.cx, file("{\"__metadata__\":{\"finsight.model\":\"{\\\"kind\\\":\\\"nlinear\\\"}\"}}", 0),
                        &nn, &none, NULL),
             ERR_CORRUPT);
    CHECK(!none);
    buf_done(&out);
    buf_init(&out, 100);
    CHECK_EQ(model_save(linear, NULL, NULL, 0, &out), ERR_LIMIT);
    buf_done(&out);
    model_free(linear);
    model_free(other);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(floats_and_notes_come_back),
        T(narrow_floats_widen_exactly),
        T(lies_about_tensors_are_refused),
        T(a_model_comes_back_to_the_bit_with_its_optimiser),
        T(a_state_that_does_not_fit_is_refused_and_changes_nothing),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
