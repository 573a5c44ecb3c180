/* api/lint: each kind of mistake in a table is found, and a right table is not accused. */

#include "api/op.h"
#include "demo.h"
#include "lib/test.h"

typedef struct Rec {
    Str a, b;
    int64_t n;
    List list;
    double x;
    DemoRisk risk;
} Rec;

static const Shape empty_shape = { .name = "Empty", .size = 8 };

static int run_nothing(void *role, Ctx *cx, const void *in, void *out) {
    UNUSED(role), UNUSED(cx), UNUSED(in), UNUSED(out);
    return 0;
}

static int lint_one(TestCtx *t, const Op *op) {
    const Op *ops[] = { op };
    OpTable table = { .role = "t", .ops = ops, .n_ops = 1 };
    const OpTable *tables[] = { &table };
    err_clear(&t->cx);
    return op_lint(&t->cx, tables, 1);
}

TEST(the_demo_table_is_clean) {
    TestCtx t;
    test_ctx_init(&t);
    const OpTable *tables[] = { &demo_table };
    CHECK_OK(&t.cx, op_lint(&t.cx, tables, 1));
    test_ctx_done(&t);
}

TEST(each_mistake_in_a_field_is_found) {
    static const struct {
        const char *name;
        Field field;
        const char *words;
    } rows[] = {
        { "no doc", FIELD(Rec, a), "has no doc" },
        { "no such pattern", FIELD(Rec, a, .doc = "d", .pattern = "nope"), "a pattern that does not exist" },
        { "default refused", FIELD(Rec, n, .doc = "d", .def = "0", .min = 1),
          "its default is refused: n must be at least 1" },
        { "example refused", FIELD(Rec, n, .doc = "d", .example = "x"), "its example is refused" },
        { "bounds crossed", FIELD(Rec, n, .doc = "d", .min = 5, .max = 1), "min is above max" },
        { "default of a required field", FIELD(Rec, n, .doc = "d", .def = "1", .flags = F_REQUIRED), "has a default" },
        { "default of a nullable number", FIELD(Rec, x, .doc = "d", .def = "1", .flags = F_NULLABLE),
          "has a default and is nullable" },
        { "shape without of", FIELD(Rec, risk, .doc = "d"), "struct without .of" },
        { "repeat of a scalar", FIELD(Rec, n, .doc = "d", .flags = F_REPEAT), "no list of strings" },
        { "a list in the query", FIELD(Rec, list, .doc = "d"), "without F_REPEAT" },
        { "another struct's field", { .name = "z", .offset = 4000, .type = FT_I64, .doc = "d" }, "outside its struct" },
        { "in no path", FIELD(Rec, a, .doc = "d", .flags = F_PATH), "is said to be in the path" },
        { "body of a GET", FIELD(Rec, a, .doc = "d", .flags = F_BODY), "takes none" },
        { "secret with an example", FIELD(Rec, a, .doc = "d", .flags = F_SECRET, .example = "x"),
          "a secret with an example" },
        { "in another shape", FIELD(Rec, risk, .doc = "d", .of = &empty_shape), "shape Empty has 0 fields" },
    };
    TestCtx t;
    test_ctx_init(&t);
    EACH_ROW (r, rows) {
        Shape shape = { .name = "Rec", .size = sizeof(Rec), .fields = &r->field, .n_fields = 1 };
        Op op = {
            .name = "t.x", .method = "GET", .path = "/x", .summary = "s", .tag = "t", .in = &shape, .run = run_nothing
        };
        CHECK_EQ(lint_one(&t, &op), ERR_INTERNAL);
        if (!strstr(t.cx.err.text, r->words))
            FAIL("\"%s\" lacks \"%s\"", t.cx.err.text, r->words);
    }
    test_ctx_done(&t);
}

TEST(each_mistake_in_an_operation_is_found) {
    static const Field a[] = { FIELD(Rec, a, .doc = "d") };
    static const Field same_tag[] = { FIELD(Rec, a, .doc = "d", .tag = 1), FIELD(Rec, b, .doc = "d", .tag = 1) };
    SHAPE(shape_a, Rec, a);
    SHAPE(shape_tags, Rec, same_tag);
    const Op good = {
        .name = "t.x", .method = "GET", .path = "/x", .summary = "s", .tag = "t", .in = &shape_a, .run = run_nothing
    };
    TestCtx t;
    test_ctx_init(&t);
    CHECK_OK(&t.cx, lint_one(&t, &good));
#define FINDS(words, ...)                                                                                              \
    do {                                                                                                               \
        Op op_ = good;                                                                                                 \
        __VA_ARGS__;                                                                                                   \
        CHECK_EQ(lint_one(&t, &op_), ERR_INTERNAL);                                                                    \
        if (!strstr(t.cx.err.text, words))                                                                             \
            FAIL("\"%s\" lacks \"%s\"", t.cx.err.text, words);                                                         \
    } while (0)
    FINDS("unknown method", op_.method = "FETCH");
    FINDS("lacks a name", op_.summary = NULL);
    FINDS("begins with /", op_.path = "x");
    FINDS("begins with /", op_.path = "/x/");
    FINDS("has no field", op_.path = "/x/{zz}");
    FINDS("must be required", op_.path = "/x/{a}");
    FINDS("two dates", op_.deprecated = "2027-01-01");
    FINDS("two dates", op_.deprecated = "2027-01-01/2026-01-01");
    FINDS("CSV without", op_.csv = true);
    FINDS("the tag", op_.in = &shape_tags);
    FINDS("share a route", op_.aliases = ((const char *const[]){ "/x", NULL }));
#undef FINDS
    Op other = good, clash = good;
    other.name = "t.y", other.path = "/y", clash.path = "/z";
    const Op *ops[] = { &good, &other };
    OpTable table = { .role = "t", .ops = ops, .n_ops = 2 };
    const OpTable *tables[] = { &table };
    CHECK_OK(&t.cx, op_lint(&t.cx, tables, 1));
    ops[1] = &clash;
    CHECK_EQ(op_lint(&t.cx, tables, 1), ERR_INTERNAL);
    CHECK_STR(str_c(t.cx.err.text), S("two operations are named t.x"));
    test_ctx_done(&t);
}

TESTS(T(the_demo_table_is_clean), T(each_mistake_in_a_field_is_found), T(each_mistake_in_an_operation_is_found))
