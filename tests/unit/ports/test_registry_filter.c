/* tests/unit/ports/test_registry_filter.c - the language of MLflow's searches, as it is read; what it finds is shown by the
 * contract suite (FUT-05). */

#include "base/buf.h"
#include "lib/test.h"
#include "ports/registry_filter.h"

TEST(a_filter_is_read_into_its_conditions) {
    TestCtx t;
    FilterCondition *v;
    size_t n;
    test_ctx_init(&t);
    CHECK_OK(&t.cx, filter_parse(&t.cx, FILTER_RUNS,
                                 S(" metrics.`a b` >= -1.5e3 and\n PARAMS.x!='it is' AND tag.\"k\" NOT IN ('a',\"b\") "
                                   "and attribute.start_time<9 and `run name` ILIKE 'q%'"),
                                 &v, &n));
    CHECK_EQ(n, 5);
    CHECK_EQ(v[0].field, FILTER_METRIC);
    CHECK_STR(v[0].key, S("a b"));
    CHECK_EQ(v[0].op, FILTER_GE);
    CHECK_NEAR(v[0].number, -1500, 0);
    CHECK_EQ(v[1].field, FILTER_PARAM);
    CHECK_EQ(v[1].op, FILTER_NE);
    CHECK_STR(v[1].text, S("it is"));
    CHECK_EQ(v[2].op, FILTER_NOT_IN);
    CHECK_EQ(v[2].n_list, 2);
    CHECK_STR(v[2].list[1], S("b"));
    CHECK_EQ(v[3].attribute, ATTRIBUTE_START);
    CHECK(v[3].numeric);
    CHECK_EQ(v[4].attribute, ATTRIBUTE_NAME);
    CHECK_EQ(v[4].op, FILTER_ILIKE);
    CHECK_OK(&t.cx, filter_parse(&t.cx, FILTER_RUNS, S("  "), &v, &n));
    CHECK_EQ(n, 0);
    test_ctx_done(&t);
}

TEST(each_subject_has_its_own_fields) {
    static const struct {
        const char *name;
        FilterSubject subject;
        const char *filter;
        int want;
    } rows[] = {
        { "metrics are of runs", FILTER_MODELS, "metrics.a < 1", ERR_INVALID },
        { "parameters too", FILTER_VERSIONS, "params.a = 'x'", ERR_INVALID },
        { "tags are of all", FILTER_EXPERIMENTS, "tags.a = 'x'", 0 },
        { "source of a version", FILTER_VERSIONS, "source_path = 'x'", 0 },
        { "but not of a model", FILTER_MODELS, "source_path = 'x'", ERR_INVALID },
        { "version number", FILTER_VERSIONS, "version_number >= 2", 0 },
        { "no ordering of strings", FILTER_RUNS, "params.a < 'x'", ERR_INVALID },
        { "no LIKE of numbers", FILTER_RUNS, "metrics.a LIKE '1%'", ERR_INVALID },
        { "no list of numbers", FILTER_RUNS, "metrics.a IN ('1')", ERR_INVALID },
        { "an empty list", FILTER_RUNS, "run_id IN ()", ERR_INVALID },
        { "hexadecimal", FILTER_RUNS, "metrics.a < 0x10", ERR_INVALID },
        { "infinity", FILTER_RUNS, "metrics.a < inf", ERR_INVALID },
        { "no key", FILTER_RUNS, "tags. = 'x'", ERR_INVALID },
        { "ends after and", FILTER_RUNS, "tags.a = 'x' and", ERR_INVALID },
    };
    TestCtx t;
    FilterCondition *v;
    size_t n;
    test_ctx_init(&t);
    EACH_ROW (r, rows)
        CHECK_EQ(filter_parse(&t.cx, r->subject, str_c(r->filter), &v, &n), r->want);
    test_ctx_done(&t);
}

TEST(filters_are_bounded) {
    TestCtx t;
    FilterCondition *v;
    size_t n;
    Buf b;
    test_ctx_init(&t);
    buf_init(&b, 1 << 20);
    for (int i = 0; i <= FILTER_CONDITIONS; i++)
        buf_printf(&b, "%stags.a = 'x'", i ? " and " : "");
    CHECK_EQ(filter_parse(&t.cx, FILTER_RUNS, buf_str(&b), &v, &n), ERR_INVALID);
    while (b.n <= FILTER_TEXT_MAX)
        buf_put_c(&b, 'a');
    CHECK_EQ(filter_parse(&t.cx, FILTER_RUNS, buf_str(&b), &v, &n), ERR_INVALID);
    buf_done(&b);
    test_ctx_done(&t);
}

TEST(an_order_is_read) {
    TestCtx t;
    FilterOrder o;
    test_ctx_init(&t);
    CHECK_OK(&t.cx, filter_order_parse(&t.cx, FILTER_RUNS, S("metrics.auc desc"), &o));
    CHECK(o.field == FILTER_METRIC && o.descending);
    CHECK_OK(&t.cx, filter_order_parse(&t.cx, FILTER_MODELS, S("last_updated_timestamp"), &o));
    CHECK(o.attribute == ATTRIBUTE_UPDATED && !o.descending);
    CHECK_EQ(filter_order_parse(&t.cx, FILTER_RUNS, S("metrics.auc down"), &o), ERR_INVALID);
    CHECK_EQ(filter_order_parse(&t.cx, FILTER_RUNS, S("colour"), &o), ERR_INVALID);
    CHECK_EQ(filter_order_parse(&t.cx, FILTER_RUNS, S(""), &o), ERR_INVALID);
    test_ctx_done(&t);
}

TEST(like_is_sqls) {
    static const struct {
        const char *name, *text;
        bool want, any_case;
    } rows[] = {
        { "a%", "abc", true, true },
        { "A%", "abc", false, true },
        { "%c", "abc", true, true },
        { "a_c", "abc", true, true },
        { "a_c", "ac", false, false },
        { "%", "", true, true },
        { "", "", true, true },
        { "", "a", false, false },
        { "a%b%c", "axxbxxbc", true, true },
        { "_", "\xc3\xa4", true, true },
        { "%a%a%a%a%a%b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaa", false, false },
    };
    EACH_ROW (r, rows) {
        CHECK_EQ(filter_like(str_c(r->name), str_c(r->text), false), r->want);
        CHECK_EQ(filter_like(str_c(r->name), str_c(r->text), true), r->any_case);
    }
}

TESTS(T(a_filter_is_read_into_its_conditions), T(each_subject_has_its_own_fields), T(filters_are_bounded),
      T(an_order_is_read), T(like_is_sqls))
