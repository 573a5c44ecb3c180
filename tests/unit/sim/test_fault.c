/* sim/fault: rules as text, and when they hit. */

#include "lib/test.h"

#include "sim/fault.h"

static const unsigned all = ~0u;

TEST(a_rule_hits_as_it_says) {
    static const struct {
        const char *name; /* the rule */
        const char *hits; /* of twelve requests for BTCUSDT klines */
    } rows[] = {
        { "500", "xxxxxxxxxxxx" },
        { "500:count=3", "xxx........." },
        { "500:every=4", "...x...x...x" },
        { "500:every=4,count=2", "...x...x...." },
        { "500:after=5,count=1", ".....x......" },
        { "500:after=2,every=3", "....x..x..x." },
        { "500:symbol=BTCUSDT,count=1", "x..........." },
        { "500:symbol=ETHUSDT", "............" },
        { "500:path=klines,count=2", "xx.........." },
        { "500:path=ticker", "............" },
        { " 500:prob=1,count=1 ", "x..........." },
    };
    TestCtx t;
    test_ctx_init(&t);
    EACH_ROW (r, rows) {
        Faults f;
        char got[13] = "";
        faults_init(&f, 1);
        CHECK_OK(&t.cx, faults_add(&f, &t.cx, str_c(r->name)));
        for (int i = 0; i < 12; i++) {
            FaultHit hit = faults_next(&f, all, S("/api/v3/klines"), S("BTCUSDT"));
            got[i] = hit.kind == FAULT_500 ? 'x' : '.';
        }
        CHECK_STR(str_c(got), str_c(r->hits));
    }
    test_ctx_done(&t);
}

TEST(a_probability_holds_and_is_seeded) {
    TestCtx t;
    Faults a, b;
    test_ctx_init(&t);
    faults_init(&a, 9);
    faults_init(&b, 9);
    CHECK_OK(&t.cx, faults_add(&a, &t.cx, S("reset:prob=0.2")));
    CHECK_OK(&t.cx, faults_add(&b, &t.cx, S("reset:prob=0.2")));
    int hits = 0;
    for (int i = 0; i < 5000; i++) {
        FaultHit hit = faults_next(&a, all, S("/"), S(""));
        CHECK_EQ(hit.kind, faults_next(&b, all, S("/"), S("")).kind);
        hits += hit.kind == FAULT_RESET;
    }
    CHECK(hits > 850 && hits < 1150);
    test_ctx_done(&t);
}

TEST(the_first_rule_that_hits_decides_and_has_its_number) {
    TestCtx t;
    Faults f;
    test_ctx_init(&t);
    faults_init(&f, 1);
    CHECK_OK(&t.cx, faults_add(&f, &t.cx, S("429:count=1,n=7")));
    CHECK_OK(&t.cx, faults_add(&f, &t.cx, S("418")));
    FaultHit one = faults_next(&f, all, S("/"), S("")), two = faults_next(&f, all, S("/"), S(""));
    CHECK_EQ(one.kind, FAULT_429);
    CHECK_EQ(one.n, 7);
    CHECK_EQ(two.kind, FAULT_418);
    CHECK_EQ(two.n, 120); /* the default of its kind */
    faults_clear(&f);
    CHECK_EQ(faults_next(&f, all, S("/"), S("")).kind, FAULT_NONE);
    test_ctx_done(&t);
}

TEST(a_fault_that_would_not_show_waits) {
    TestCtx t;
    Faults f;
    test_ctx_init(&t);
    faults_init(&f, 1);
    CHECK_OK(&t.cx, faults_add(&f, &t.cx, S("empty-page:count=1")));
    CHECK_EQ(faults_next(&f, FAULTS_ALWAYS_FIT, S("/"), S("")).kind, FAULT_NONE);
    CHECK_EQ(f.v[0].seen, 0);
    CHECK_EQ(faults_next(&f, FAULTS_ALWAYS_FIT | 1u << FAULT_EMPTY_PAGE, S("/"), S("")).kind, FAULT_EMPTY_PAGE);
    CHECK_EQ(f.v[0].hits, 1);
    test_ctx_done(&t);
}

TEST(bad_rules_are_refused_with_words) {
    static const struct {
        const char *name, *words;
    } rows[] = {
        { "", "no fault is called \"\"; there are short-page, " },
        { "none", "no fault is called \"none\"" },
        { "explode:every=2", "no fault is called \"explode\"" },
        { "500:every=0", "every=0: a whole number from 1" },
        { "500:every=x", "every=x: a whole number" },
        { "500:count=99999999999", "count=99999999999" },
        { "500:prob=0", "prob=0: a number above 0" },
        { "500:prob=1.5", "prob=1.5" },
        { "500:prob=nan", "prob=nan" },
        { "500:every", "\"every\": key=value is needed" },
        { "500:colour=red", "\"colour\" is not an option of a fault" },
        { "500:symbol=a b", "symbol=a b is not a symbol" },
        { "500:path=", "path= takes" },
    };
    TestCtx t;
    Faults f;
    test_ctx_init(&t);
    faults_init(&f, 1);
    EACH_ROW (r, rows) {
        CHECK_EQ(faults_add(&f, &t.cx, str_c(r->name)), ERR_INVALID);
        if (str_find(str_c(t.cx.err.text), str_c(r->words)) < 0)
            FAIL("\"%s\" says \"%s\"", r->name, t.cx.err.text);
        CHECK_EQ(f.n, 0);
    }
    test_row_name = NULL;
    for (int i = 0; i < FAULT_RULES_MAX; i++)
        CHECK_OK(&t.cx, faults_add(&f, &t.cx, S("500")));
    CHECK_EQ(faults_add(&f, &t.cx, S("500")), ERR_LIMIT);
    test_ctx_done(&t);
}

TEST(every_kind_has_a_name_that_reads_back) {
    TestCtx t;
    test_ctx_init(&t);
    for (int k = FAULT_NONE + 1; k < FAULT_KINDS; k++) {
        Faults f;
        faults_init(&f, 1);
        CHECK_OK(&t.cx, faults_add(&f, &t.cx, str_c(fault_name((FaultKind)k))));
        CHECK_EQ(f.v[0].kind, k);
    }
    test_ctx_done(&t);
}

TEST(rules_are_written_with_their_counts) {
    TestCtx t;
    Faults f;
    Buf b;
    JsonWriter w;
    test_ctx_init(&t);
    faults_init(&f, 1);
    CHECK_OK(&t.cx, faults_add(&f, &t.cx, S("429:every=2,n=5,symbol=BTCUSDT,path=klines")));
    for (int i = 0; i < 5; i++)
        faults_next(&f, all, S("/api/v3/klines"), S("BTCUSDT"));
    buf_init(&b, 4096);
    json_writer_init(&w, &b, false);
    faults_write(&f, &w);
    CHECK_STR(buf_str(&b), S("[{\"fault\":\"429\",\"seen\":5,\"hits\":2,\"every\":2,\"n\":5,\"symbol\":\"BTCUSDT\","
                             "\"path\":\"klines\"}]"));
    buf_done(&b);
    test_ctx_done(&t);
}

TESTS(T(a_rule_hits_as_it_says), T(a_probability_holds_and_is_seeded),
      T(the_first_rule_that_hits_decides_and_has_its_number), T(a_fault_that_would_not_show_waits),
      T(bad_rules_are_refused_with_words), T(every_kind_has_a_name_that_reads_back),
      T(rules_are_written_with_their_counts))
