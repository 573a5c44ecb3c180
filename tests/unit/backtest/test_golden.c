/* The engine `backtrader` against dumps of Backtrader's own runs (MDS-30), and the comparison against itself: a wrong
 * number, a rule it does not know and a missing data set must fail. */

#include <dirent.h>

#include "base/file.h"
#include "golden/backtest_case.h"
#include "test.h"

static void check_file(TestCtx *t, CaseReport *rep, const char *path) {
    Str json = test_read_file(&t->arena, path);
    case_check(&t->cx, rep, str_c(path), json, test_shared_file("data"));
    arena_reset(&t->arena);
}

TEST(every_dump_of_backtrader_is_run_again_trade_for_trade) { /* MDS-30 */
    const char *folder = test_shared_file("golden/backtrader/cases");
    if (!folder)
        SKIP("no dumps at ../shared/golden/backtrader");
    char dir[1024], path[2048];
    snprintf(dir, sizeof dir, "%s", folder);
    TestCtx t;
    test_ctx_init(&t);
    CaseReport rep = { .out = stderr };
    DIR *d = opendir(dir);
    for (struct dirent *e; d && (e = readdir(d)) != NULL;)
        if (str_ends(str_c(e->d_name), S(".json"))) {
            snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
            check_file(&t, &rep, path);
        }
    if (d)
        closedir(d);
    CHECK(rep.n_passed >= 66);
    CHECK_EQ(rep.n_failed, 0);
    test_ctx_done(&t);
}

/* A case of our own: three days, bought on the first. */
#define CASE(rules, final_value)                                                                                       \
    "{\"case\":\"x\",\"dataset\":\"three\",\"rules\":\"" rules "\",\"sizing\":\"1\",\"params\":{},"                    \
    "\"broker\":{\"cash\":100.0,\"commission\":{\"kind\":\"percent\",\"rate\":0.0,\"sides\":\"both\"}},"               \
    "\"final_value\":" final_value ",\"trades\":[{\"ref\":1,\"dir\":\"long\",\"entry_bar\":1,\"entry_price\":11.0,"    \
    "\"size\":1,\"closed\":false}],\"open_position\":{\"size\":1,\"price\":11.0},\"equity\":[100.0,100.0,101.0],"      \
    "\"orders\":[{\"ref\":1,\"side\":\"buy\",\"type\":\"Market\",\"status\":\"Completed\",\"bar\":1}],"                \
    "\"analyzers\":{}}"

TEST(the_comparison_fails_what_differs_and_what_it_does_not_understand) {
    static const struct {
        const char *name;
        const char *json;
        bool passes;
    } rows[] = {
        { "right", CASE("on the first candle: buy once; never sell", "101.0"), true },
        { "a wrong value", CASE("on the first candle: buy once; never sell", "101.001"), false },
        { "a rule nobody knows", CASE("when the moon is full: buy", "101.0"), false },
        { "half a rule", CASE("on the first candle: buy once and again; never sell", "101.0"), false },
        { "no JSON", "{\"case\":", false },
    };
    const char *dir = test_dir();
    char path[1024];
    snprintf(path, sizeof path, "%s/three.csv", dir);
    FILE *f = fopen(path, "w");
    CHECK(f != NULL);
    fputs("ts,open,high,low,close,volume\n2024-01-01,10,11,9,10,1\n2024-01-02,11,12,10,11,1\n"
          "2024-01-03,11,13,11,12,1\n",
          f);
    fclose(f);
    EACH_ROW (r, rows) {
        TestCtx t;
        test_ctx_init(&t);
        CaseReport rep = { 0 };
        case_check(&t.cx, &rep, str_c(r->name), str_c(r->json), dir);
        CHECK_EQ(rep.n_passed, r->passes);
        CHECK_EQ(rep.n_failed, !r->passes);
        test_ctx_done(&t);
    }
    TestCtx t;
    test_ctx_init(&t);
    CaseReport rep = { 0 };
    case_check(&t.cx, &rep, S("no data"), str_c(rows[0].json), "/nonexistent");
    CHECK_EQ(rep.n_failed, 1);
    test_ctx_done(&t);
    test_dir_done(dir);
}

/* Backtrader's own doing: a reversal of 2.2 short into 9.7 long by a buy of 11.9 closes 2.2 and opens 9.700000000000001,
 * which add up to less than 11.9 by a rounding. The order is filled in part, lives on, and is done a candle later. Told by
 * Backtrader 1.9.78.123 over these candles. */
TEST(a_reversal_that_loses_a_rounding_is_filled_in_part_first) {
    static const char json[] =
        "{\"case\":\"x\",\"dataset\":\"five\",\"broker\":{\"cash\":1000,\"commission\":0},\"script\":["
        "{\"bar\":0,\"size\":-2.2,\"type\":\"Market\"},{\"bar\":1,\"size\":11.9,\"type\":\"Market\"}],"
        "\"orders\":[{\"ref\":1,\"status\":\"Completed\",\"bar\":1},{\"ref\":2,\"status\":\"Partial\",\"bar\":2},"
        "{\"ref\":2,\"status\":\"Completed\",\"bar\":3,\"exec_size\":11.9,\"exec_price\":10}],"
        "\"equity\":[1000,1000,1000,1000,1000]}";
    const char *dir = test_dir();
    char path[1024];
    TestCtx t;
    test_ctx_init(&t);
    snprintf(path, sizeof path, "%s/five.csv", dir);
    CHECK_OK(&t.cx, file_write(&t.cx, path,
                               S("date;open;high;low;close;volume\n2024-01-01;10;10;10;10;1\n"
                                 "2024-01-02;10;10;10;10;1\n2024-01-03;10;10;10;10;1\n"
                                 "2024-01-04;10;10;10;10;1\n2024-01-05;10;10;10;10;1\n"),
                               0644));
    CaseReport rep = { .out = stderr };
    case_check(&t.cx, &rep, S("x"), str_c(json), dir);
    CHECK_EQ(rep.n_passed, 1);
    test_ctx_done(&t);
    test_dir_done(dir);
}

/* A folder of somebody else's cases is run to its end, whatever is in it. */
TEST(cases_that_say_little_or_nonsense_are_understood_or_fail_with_words) {
    static const struct {
        const char *name, *json;
        bool passes;
    } rows[] = {
        { "no rules, but a known strategy",
          "{\"dataset\":\"three\",\"strategy\":\"buyhold\",\"params\":{\"sizing\":\"fixed1\"},\"cash\":100,"
          "\"commission\":0,"
          "\"first_rows\":null,\"final_value\":101,\"trades\":null,\"note\":null}",
          true },
        { "first rows alone",
          "{\"dataset\":\"three.csv\",\"strategy\":\"buyhold\",\"sizing\":\"1\",\"cash\":100,\"commission\":0,\"first_"
          "rows\":2,"
          "\"equity\":[100,100]}",
          true },
        { "nothing told", "{\"dataset\":\"three\",\"strategy\":\"buyhold\",\"sizing\":\"1\"}", false },
        { "no rules and a strategy nobody knows",
          "{\"dataset\":\"three\",\"strategy\":\"moon\",\"sizing\":\"1\",\"final_value\":1}", false },
        { "a period that is none",
          "{\"dataset\":\"three\",\"strategy\":\"smax\",\"params\":{\"fast\":-5,\"slow\":2,\"sizing\":\"fixed1\"},"
          "\"final_value\":1}",
          false },
        { "no data set", "{\"dataset\":\"nowhere\",\"strategy\":\"buyhold\",\"sizing\":\"1\",\"final_value\":1}",
          false },
        { "a list", "[]", false },
        { "nothing", "", false },
        { "an order of no type",
          "{\"dataset\":\"three\",\"script\":[{\"bar\":0,\"size\":1,\"type\":\"Wish\"}],\"equity\":[]}", false },
        { "a child before its parent",
          "{\"dataset\":\"three\",\"script\":[{\"bar\":0,\"size\":1,\"type\":\"Market\",\"parent\":3}],\"equity\":[]}",
          false },
    };
    const char *dir = test_dir();
    char path[1024];
    TestCtx t;
    test_ctx_init(&t);
    snprintf(path, sizeof path, "%s/three.csv", dir);
    CHECK_OK(&t.cx, file_write(&t.cx, path,
                               S("ts,open,high,low,close,volume\n2024-01-01T00:00:00,10,10,10,10,1\n"
                                 "2024-01-02T00:00:00,11,11,11,11,1\n2024-01-03T00:00:00,11,12,11,12,1\n"),
                               0644));
    EACH_ROW (row, rows) {
        CaseReport rep = { 0 };
        case_check(&t.cx, &rep, S("x"), str_c(row->json), dir);
        CHECK_EQ(rep.n_passed, row->passes);
        CHECK_EQ(rep.n_failed, !row->passes);
    }
    test_ctx_done(&t);
    test_dir_done(dir);
}

TESTS(T(every_dump_of_backtrader_is_run_again_trade_for_trade),
      T(the_comparison_fails_what_differs_and_what_it_does_not_understand),
      T(a_reversal_that_loses_a_rounding_is_filled_in_part_first),
      T(cases_that_say_little_or_nonsense_are_understood_or_fail_with_words))
