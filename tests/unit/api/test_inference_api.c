/* Requests of the open inference protocol: what is read of their JSON, and what is refused. */

#include "api/inference/internal.h"
#include "lib/test.h"

static const ForecastShape shape = { .look_back = 2, .horizon = 3, .n_channels = 2, .n_targets = 1, .season = 1 };

TEST(tensors_that_are_read) {
    static const struct {
        const char *name, *json;
        size_t windows;
        double first, last;
    } rows[] = {
        { "flat", "[{\"name\":\"x\",\"datatype\":\"FP32\",\"shape\":[1,2,2],\"data\":[1,2,3,4]}]", 1, 1, 4 },
        { "nested", "[{\"name\":\"x\",\"datatype\":\"FP64\",\"shape\":[1,2,2],\"data\":[[[1,2],[3,4]]]}]", 1, 1, 4 },
        { "two windows", "[{\"datatype\":\"INT64\",\"shape\":[2,2,2],\"data\":[1,2,3,4,5,6,7,8]}]", 2, 1, 8 },
        { "data before the shape", "[{\"data\":[1,2,3,4],\"shape\":[1,2,2],\"datatype\":\"FP64\"}]", 1, 1, 4 },
        { "keys nobody knows", "[{\"more\":{\"a\":[1]},\"data\":[1,2,3,4],\"shape\":[1,2,2],\"datatype\":\"FP64\"}]", 1,
          1, 4 },
    };
    TestCtx t;
    test_ctx_init(&t);
    EACH_ROW (row, rows) {
        InferTensor x;
        CHECK_OK(&t.cx, infer_read_input(&t.cx, str_c(row->json), &shape, &x));
        CHECK_EQ((size_t)x.shape[0], row->windows);
        CHECK_EQ(x.n, row->windows * 4);
        CHECK_NEAR(x.data[0], row->first, 0);
        CHECK_NEAR(x.data[x.n - 1], row->last, 0);
    }
    test_ctx_done(&t);
}

TEST(tensors_that_are_refused) {
    static const struct {
        const char *name, *json;
        int code;
    } rows[] = {
        { "none", "[]", ERR_INVALID },
        { "two", "[{\"datatype\":\"FP64\",\"shape\":[1,2,2],\"data\":[1,2,3,4]},{}]", ERR_INVALID },
        { "another name", "[{\"name\":\"y\",\"datatype\":\"FP64\",\"shape\":[1,2,2],\"data\":[1,2,3,4]}]",
          ERR_INVALID },
        { "no type", "[{\"shape\":[1,2,2],\"data\":[1,2,3,4]}]", ERR_UNSUPPORTED },
        { "text", "[{\"datatype\":\"BYTES\",\"shape\":[1,2,2],\"data\":[1,2,3,4]}]", ERR_UNSUPPORTED },
        { "words among the data", "[{\"datatype\":\"FP64\",\"shape\":[1,2,2],\"data\":[1,2,\"3\",4]}]", ERR_INVALID },
        { "too few", "[{\"datatype\":\"FP64\",\"shape\":[1,2,2],\"data\":[1,2,3]}]", ERR_INVALID },
        { "too many", "[{\"datatype\":\"FP64\",\"shape\":[1,2,2],\"data\":[1,2,3,4,5]}]", ERR_INVALID },
        { "no window", "[{\"datatype\":\"FP64\",\"shape\":[0,2,2],\"data\":[]}]", ERR_INVALID },
        { "less than none", "[{\"datatype\":\"FP64\",\"shape\":[-1,2,2],\"data\":[]}]", ERR_INVALID },
        { "four dimensions", "[{\"datatype\":\"FP64\",\"shape\":[1,1,2,2],\"data\":[1,2,3,4]}]", ERR_INVALID },
        { "a shape twice", "[{\"datatype\":\"FP64\",\"shape\":[1],\"shape\":[2,2],\"data\":[1,2,3,4]}]", ERR_INVALID },
        { "data twice", "[{\"datatype\":\"FP64\",\"shape\":[1,2,2],\"data\":[1,2],\"data\":[3,4]}]", ERR_INVALID },
        { "cut short", "[{\"datatype\":\"FP64\",\"shape\":[1,2,2],\"data\":[1,2", ERR_INVALID },
    };
    TestCtx t;
    test_ctx_init(&t);
    EACH_ROW (row, rows) {
        InferTensor x;
        CHECK_EQ(infer_read_input(&t.cx, str_c(row->json), &shape, &x), row->code);
        CHECK(t.cx.err.text[0]);
        err_clear(&t.cx);
    }
    test_ctx_done(&t);
}

/* Data given twice wrote behind their memory; data without end took eight bytes for each two of the body. */
TEST(data_stay_within_their_memory) {
    TestCtx t;
    InferTensor x;
    Buf b;
    test_ctx_init(&t);
    buf_init(&b, 8 << 20);
    buf_printf(&b, "[{\"data\":[");
    for (int i = 0; i < 1024; i++)
        buf_printf(&b, "%s1", i ? "," : "");
    buf_printf(&b, "],\"data\":[");
    for (int i = 0; i < 4096; i++)
        buf_printf(&b, "%s2", i ? "," : "");
    buf_printf(&b, "]}]");
    CHECK_EQ(infer_read_input(&t.cx, buf_str(&b), &shape, &x), ERR_INVALID);
    buf_clear(&b);
    buf_printf(&b, "[{\"data\":[0");
    for (int i = 0; i < 1000000; i++)
        buf_printf(&b, ",0");
    buf_printf(&b, "]}]");
    size_t before = t.arena.used;
    CHECK_EQ(infer_read_input(&t.cx, buf_str(&b), &shape, &x), ERR_INVALID);
    CHECK(t.arena.used - before <= 4 * INFER_WINDOWS_MAX * 4 * sizeof(double)); /* of the largest that could be */
    buf_done(&b);
    test_ctx_done(&t);
}

TEST(outputs_and_level) {
    static const struct {
        const char *name, *json;
        int code;
        unsigned wanted;
    } rows[] = {
        { "left out", "", 0, INFER_FORECAST | INFER_LOW | INFER_HIGH },
        { "one", "[{\"name\":\"low\"}]", 0, INFER_LOW },
        { "one twice", "[{\"name\":\"low\"},{\"name\":\"low\"}]", 0, INFER_LOW },
        { "two", "[{\"name\":\"forecast\",\"parameters\":{\"a\":1}},{\"name\":\"high\"}]", 0,
          INFER_FORECAST | INFER_HIGH },
        { "unknown", "[{\"name\":\"y\"}]", ERR_INVALID, 0 },
        { "unknown behind a known one", "[{\"name\":\"low\"},{\"name\":\"y\"}]", ERR_INVALID, 0 },
        { "nameless", "[{}]", ERR_INVALID, 0 },
        { "nameless behind a known one", "[{\"name\":\"low\"},{}]", ERR_INVALID, 0 },
        { "no list", "7", ERR_INVALID, 0 },
    };
    TestCtx t;
    double level;
    test_ctx_init(&t);
    EACH_ROW (row, rows) {
        unsigned wanted;
        CHECK_EQ(infer_read_wanted(&t.cx, str_c(row->json), &wanted), row->code);
        CHECK(row->code || wanted == row->wanted);
        err_clear(&t.cx);
    }
    CHECK_OK(&t.cx, infer_read_level(&t.cx, S(""), &level));
    CHECK_NEAR(level, 0, 0);
    CHECK_OK(&t.cx, infer_read_level(&t.cx, S("{\"other\":[1],\"level\":0.9}"), &level));
    CHECK_NEAR(level, 0.9, 0);
    CHECK_EQ(infer_read_level(&t.cx, S("{\"level\":\"much\"}"), &level), ERR_INVALID);
    test_ctx_done(&t);
}

TESTS(T(tensors_that_are_read), T(tensors_that_are_refused), T(data_stay_within_their_memory), T(outputs_and_level))
