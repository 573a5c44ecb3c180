/* Columns of values from CSV: where time and value are found, what a date means, and what each fault is told. */

#include "core/value_csv.h"
#include "test.h"

static int read(TestCtx *t, const char *text, const char *name, ValueCsv *out) {
    *out = (ValueCsv){ 0 };
    err_clear(&t->cx);
    return value_csv_read(&t->cx, str_c(text), str_c(name), out);
}

TEST(time_and_value_are_found_by_name_or_place) {
    static const char *const texts[] = {
        "timestamp,mood\n2024-01-01T09:30:00Z,0.5\n2024-01-02T09:30:00Z,-1\n",
        "2024-01-01T09:30:00Z,0.5\n2024-01-02T09:30:00Z,-1\n",
        "value;known_at\n0.5;2024-01-01 09:30\n-1;2024-01-02 09:30\n",
        "source,Date,MOOD,note\nx,2024-01-01T09:30:00Z,0.5,\"a, b\"\ny,2024-01-02T09:30:00Z,-1,\n",
        "time,value\r\n1704101400,0.5\r\n1704187800000,-1\r\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        TestCtx t;
        ValueCsv v;
        test_ctx_init(&t);
        CHECK_OK(&t.cx, read(&t, texts[i], "mood", &v));
        CHECK_EQ(v.n, 2);
        CHECK_EQ(v.time[0].ms, INT64_C(1704101400000));
        CHECK_EQ(v.time[1].ms, INT64_C(1704187800000));
        CHECK(v.value[0] == 0.5 && v.value[1] == -1);
        test_ctx_done(&t);
    }
}

/* What is said of a day is known when the day is over: read as its first moment, it would be seen a day too early. */
TEST(a_date_alone_is_the_end_of_that_day) {
    TestCtx t;
    ValueCsv v;
    test_ctx_init(&t);
    CHECK_OK(&t.cx, read(&t, "date,value\n2024-02-29,1\n2024-03-01T00:00:01Z,2\n", "x", &v));
    CHECK_EQ(v.time[0].ms, INT64_C(1709251200000)); /* 2024-03-01T00:00:00Z */
    test_ctx_done(&t);
}

TEST(every_fault_is_told_with_its_line) {
    static const struct {
        const char *text, *place, *words;
    } rows[] = {
        { "", "", "no row with a time and a value" },
        { "timestamp,value\n", "", "no row with a time and a value" },
        { "timestamp\n2024-01-01\n", "line 1", "in two columns" },
        { "timestamp,a,b\n", "line 1", "which of the 3 columns has the values" },
        { "timestamp,value\n2024-01-01,x\n", "line 2", "'x' is not a number" },
        { "timestamp,value\n2024-01-01,\n", "line 2", "'' is not a number" },
        { "timestamp,value\n2024-01-01,nan\n", "line 2", "'nan' is not a number" },
        { "timestamp,value\nyesterday,1\n", "line 2", "'yesterday' is not a time" },
        { "timestamp,value\n2024-01-02,1\n2024-01-01,2\n", "line 3", "is not later than the row before" },
        { "timestamp,value\n2024-01-02,1\n2024-01-02,2\n", "line 3", "is not later than the row before" },
        { "timestamp,value\n2024-01-02\n", "line 2", "has 1 columns" },
        { "timestamp,value\n2024-01-02,\"1\n", "line 2", "" },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        TestCtx t;
        ValueCsv v;
        test_ctx_init(&t);
        CHECK_EQ(read(&t, rows[i].text, "mood", &v), ERR_INVALID);
        CHECK_STR(str_c(t.cx.err.field), str_c(rows[i].place));
        if (!strstr(t.cx.err.text, rows[i].words))
            FAIL("row %zu says: %s", i, t.cx.err.text);
        CHECK_EQ(v.n, 0);
        test_ctx_done(&t);
    }
}

TESTS(T(time_and_value_are_found_by_name_or_place), T(a_date_alone_is_the_end_of_that_day),
      T(every_fault_is_told_with_its_line))
