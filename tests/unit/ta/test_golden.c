/* Indicators against the dumps of TA-Lib and Backtrader, used in place; and that the comparison can fail. */

#include "golden/indicator_dump.h"
#include "golden/indicator_list.h"
#include "ta/ta.h"
#include "test.h"

/* What a dump's check says, its words in `said`. */
static int check(TestCtx *t, Str json, const char *data, DumpReport *rep, Str *said) {
    char *p = NULL;
    size_t n = 0;
    *rep = (DumpReport){ .out = open_memstream(&p, &n) };
    int err = dump_check(&t->cx, json, data, rep);
    fclose(rep->out);
    *said = str_dup(&t->arena, str_n(p, n));
    free(p);
    return err;
}

static void check_shared(const char *file, size_t n_entries) {
    const char *path = test_shared_file(file);
    if (!path)
        SKIP("../shared/%s is absent", file);
    TestCtx t;
    DumpReport rep;
    Str said;
    test_ctx_init(&t);
    Str json = test_read_file(&t.arena, path);
    if (!test_shared_file("data/ohlcv/goog_d1.csv"))
        SKIP("../shared/data is absent");
    CHECK_OK_PLAIN(&t.cx, check(&t, json, test_shared_file("data"), &rep, &said));
    if (rep.n_failed > 0)
        FAIL("%zu of %zu differ: " STR_FMT, rep.n_failed, rep.n_failed + rep.n_passed, STR_ARG(said));
    if (rep.n_passed != n_entries)
        FAIL("%zu entries were compared, not %zu", rep.n_passed, n_entries);
    test_ctx_done(&t);
}

TEST(talib_on_goog) {
    UNUSED(state_);
    check_shared("golden/talib/goog_d1.json", 100);
}

TEST(talib_on_its_own_252_rows) {
    UNUSED(state_);
    check_shared("golden/talib/talib_ref252.json", 100);
}

TEST(backtrader_on_goog) {
    UNUSED(state_);
    check_shared("golden/backtrader/indicators_goog_d1.json", 45);
}

/* --- the comparison itself, on a data set of six rows --- */

static const char CSV[] = "ts,Close,Open,HIGH,low,volume\n"
                          "1,2,1,3,1,10\n2,4,2,5,2,10\n3,6,4,7,4,\n4,8,6,9,6,10\n5,10,8,11,8,10\n6,12,10,13,10,10\n";

#define OF_TALIB(functions)  "{\"dataset\":\"six\",\"functions\":{" functions "}}"
#define OF_BACKTRADER(lines) "{\"dataset\":\"six.csv\",\"indicators\":{" lines "}}"
#define SMA_OF(params, begin, values)                                                                                  \
    "\"SMA\":{\"inputs\":[\"inReal\"],\"params\":{" params "},\"begin\":" begin ",\"outputs\":{\"x\":[" values "]}}"

static const struct {
    const char *name, *json, *says;
    int err;
    size_t n_passed, n_failed;
} DUMPS[] = {
    /* clang-format off */
    { "equal", OF_TALIB(SMA_OF("\"timePeriod\":2", "1", "3,5,7,9,11")), "", 0, 1, 0 },
    { "python's word for it", OF_TALIB(SMA_OF("\"timeperiod\":2", "1", "3,5,7,9,11")), "", 0, 1, 0 },
    { "within 1e-9", OF_TALIB(SMA_OF("\"timePeriod\":2", "1", "3,5,7,9,11.00000001")), "", 0, 1, 0 },
    { "not within 1e-9", OF_TALIB(SMA_OF("\"timePeriod\":2", "1", "3,5,7,9,11.00000002")), "SMA x[5]: 11", 0, 0, 1 },
    { "a value where none is due", OF_TALIB(SMA_OF("\"timePeriod\":2", "1", "3,5,7,9,null")), "SMA x[5]", 0, 0, 1 },
    { "one row short", OF_TALIB(SMA_OF("\"timePeriod\":2", "1", "3,5,7,9")), "the data 6 rows", 0, 0, 1 },
    { "another look-back", OF_TALIB(SMA_OF("\"timePeriod\":2", "2", "5,7,9,11")), "looks back 1", 0, 0, 1 },
    { "data shorter than the look-back", OF_TALIB(SMA_OF("\"timePeriod\":9", "0", "")), "", 0, 1, 0 },
    { "a parameter out of its range", OF_TALIB(SMA_OF("\"timePeriod\":-1", "0", "")), "period cannot be -1", 0, 0, 1 },
    { "a parameter there is not", OF_TALIB(SMA_OF("\"depth\":2", "0", "")), "no parameter depth", 0, 0, 1 },
    { "a whole column", OF_TALIB(SMA_OF("\"timePeriod\":3", "0", "null,null,4,6,8,10")), "", 0, 1, 0 },
    { "a hole is no lead", OF_TALIB(SMA_OF("\"timePeriod\":2", "0", "null,null,5,7,9,11")), "SMA x[1]", 0, 0, 1 },
    { "a function twice", OF_TALIB("\"SMA_2\":{\"inputs\":[\"inClose\"],\"params\":{\"timeperiod\":2},\"begin\":1,"
      "\"outputs\":{\"x\":[3,5,7,9,11]}},\"SMA#3\":{\"inputs\":[\"real\"],\"params\":{\"optInTimePeriod\":3},\"begin\":2,"
      "\"outputs\":{\"x\":[4,6,8,10]}}"), "", 0, 2, 0 },
    { "a function there is not", OF_TALIB("\"NOPE\":{}"), "NOPE: there is no indicator", 0, 0, 1 },
    { "the others still count", OF_TALIB("\"NOPE\":{}," SMA_OF("\"timePeriod\":1", "0", "2,4,6,8,10,12")), "NOPE", 0,
      1, 1 },
    { "rows beyond first_rows", "{\"dataset\":\"six\",\"first_rows\":3,\"functions\":{"
      SMA_OF("\"timePeriod\":2", "1", "3,5") "}}", "", 0, 1, 0 },
    { "backtrader's", OF_BACKTRADER("\"SMA_2\":{\"minperiod\":2,\"sma\":[null,3,5,7,9,11]}"), "", 0, 1, 0 },
    { "its period is in the name", OF_BACKTRADER("\"SMA_3\":{\"sma\":[null,null,4,6,8,10]}"), "", 0, 1, 0 },
    { "a line that is wrong", OF_BACKTRADER("\"SMA_2\":{\"sma\":[null,3,5,7,9,12]}"), "SMA_2 sma[5]", 0, 0, 1 },
    { "a line there is not", OF_BACKTRADER("\"SMA_2\":{\"mean\":[null,3,5,7,9,11]}"), "no line mean", 0, 0, 1 },
    { "no line", OF_BACKTRADER("\"SMA_2\":{\"minperiod\":2}"), "has no line", 0, 0, 1 },
    { "too many numbers", OF_BACKTRADER("\"SMA_2_3\":{\"sma\":[]}"), "takes 1 numbers", 0, 0, 1 },
    { "an indicator there is not", OF_BACKTRADER("\"NOPE_2\":{\"x\":[]}"), "no indicator", 0, 0, 1 },
    { "its class's name", OF_BACKTRADER("\"SimpleMovingAverage_2\":{\"sma\":[null,3,5,7,9,11]}"), "", 0, 1, 0 },
    { "a lagging span of its own lag", OF_BACKTRADER("\"ICHIMOKU_1_2_2_1_2\":{\"chikou_span\":[6,8,10,12,null,null],"
      "\"tenkan_sen\":[2,3.5,5.5,7.5,9.5,11.5]}"), "", 0, 1, 0 },
    { "one number that is two", OF_BACKTRADER("\"KST_1_1_1_1_2_2_2_1_1\":{\"kst\":[null,null,null,null,null,null]}"),
      "smooth is one number here", 0, 0, 1 },
    { "a crossing", OF_BACKTRADER("\"CROSS_SMA1_2\":{\"crossover\":[null,null,0,0,0,0]}"), "", 0, 1, 0 },
    { "a crossing of what is not known", OF_BACKTRADER("\"CROSS_X\":{\"crossover\":[]}"), "not a crossing", 0, 0, 1 },
    { "no data set", "{\"dataset\":\"seven\",\"functions\":{\"SMA\":{}}}", "", ERR_NOT_FOUND, 0, 0 },
    { "no dump", "{\"dataset\":\"six\"}", "", ERR_INVALID, 0, 0 },
    { "no JSON", "{", "", ERR_INVALID, 0, 0 },
    /* clang-format on */
};

TEST(dumps_are_judged_by_their_values) {
    TestCtx t;
    const char *dir = test_dir();
    test_ctx_init(&t);
    FILE *f = fopen(str_cz(&t.arena, str_fmt(&t.arena, "%s/six.csv", dir)), "w");
    CHECK(f && fputs(CSV, f) >= 0 && fclose(f) == 0);
    EACH_ROW (r, DUMPS) {
        DumpReport rep;
        Str said;
        CHECK_EQ(check(&t, str_c(r->json), dir, &rep, &said), r->err);
        CHECK_EQ(rep.n_passed, r->n_passed);
        CHECK_EQ(rep.n_failed, r->n_failed);
        if (str_find(said, str_c(r->says)) < 0)
            FAIL("it says \"" STR_FMT "\"", STR_ARG(said));
        CHECK(r->err < 0 || r->n_failed > 0 || said.n == 0);
    }
    test_ctx_done(&t);
    test_dir_done(dir);
}

/* docs/indicators.md is what the table says: list_indicators writes it anew. */
TEST(the_document_lists_the_table) {
    const char *root = getenv("FINSIGHT_SOURCE");
    if (!root)
        SKIP("FINSIGHT_SOURCE is not set");
    Arena arena = { 0 };
    char *p = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&p, &n);
    CHECK(f);
    indicator_list_write(f);
    fclose(f);
    Str text = test_read_file(&arena, str_cz(&arena, str_fmt(&arena, "%s/docs/indicators.md", root)));
    bool same = str_eq(text, str_n(p, n));
    free(p);
    arena_done(&arena);
    CHECK(same);
}

TESTS(T(talib_on_goog), T(talib_on_its_own_252_rows), T(backtrader_on_goog), T(dumps_are_judged_by_their_values),
      T(the_document_lists_the_table))
