/* core/parquet_table: results as Parquet and CSV (BKT: exports). That others read the Parquet is in e2e/lake. */

#include "core/parquet.h"
#include "core/parquet_table.h"
#include "lib/test.h"

#include <math.h>

static const double prices[] = { 1.5, -0.0, 1e300 };
static const int64_t counts[] = { -1, TABLE_NULL + 1, INT64_MAX };

TEST(a_table_is_a_parquet_file_and_a_csv) {
    TestCtx t;
    test_ctx_init(&t);
    const double returns[] = { 0.25, (double)NAN, -1 };
    const int64_t times[] = { 0, TABLE_NULL, 1700000000123 };
    const Str words[] = { S("a,b"), { 0 }, S("\"q\"") };
    const TableColumn columns[] = { { "price", TABLE_F64, false, prices },
                                    { "n", TABLE_I64, false, counts },
                                    { "ret", TABLE_F64, true, returns },
                                    { "at", TABLE_TIME, true, times },
                                    { "words", TABLE_TEXT, true, words } };
    const TableLabel label = { S("k"), S("v") };
    ColumnTable table = { columns, ARRAY_LEN(columns), 3, &label, 1 };
    Buf out;
    buf_init(&out, 1 << 20);
    CHECK_EQ(table_write_csv(&table, &out), 0);
    CHECK_STR(buf_str(&out), S("price,n,ret,at,words\r\n"
                               "1.5,-1,0.25,1970-01-01T00:00:00Z,\"a,b\"\r\n"
                               "0,-9223372036854775807,,,\r\n"
                               "1e+300,9223372036854775807,-1,2023-11-14T22:13:20.123Z,\"\"\"q\"\"\"\r\n"));
    buf_clear(&out);
    CHECK_EQ(parquet_table_write(&table, &out), 0);
    CHECK(str_starts(buf_str(&out), S("PAR1")) && str_ends(buf_str(&out), S("PAR1")));
    CHECK(str_find(buf_str(&out), S("words")) > 0);
    buf_done(&out);
    test_ctx_done(&t);
}

/* Our own reader knows such a file for none of its own. */
static int read_at(void *arg, Ctx *cx, int64_t at, size_t n, char *out) {
    UNUSED(cx);
    memcpy(out, ((Buf *)arg)->p + at, n);
    return 0;
}

TEST(a_table_is_no_file_of_candles) {
    TestCtx t;
    test_ctx_init(&t);
    const TableColumn column = { "price", TABLE_F64, false, prices };
    ColumnTable table = { &column, 1, 3, NULL, 0 };
    ParquetReader *reader = NULL;
    Buf out;
    buf_init(&out, 1 << 20);
    CHECK_EQ(parquet_table_write(&table, &out), 0);
    CHECK_EQ(parquet_open(&t.cx, read_at, &out, (int64_t)out.n, &reader), PARQUET_FOREIGN);
    CHECK(!reader);
    buf_done(&out);
    test_ctx_done(&t);
}

TEST(a_table_without_rows_and_one_of_many_groups) {
    enum { ROWS = 2 * PARQUET_GROUP_ROWS + 5 };
    double *v = mem_new_n(double, ROWS);
    for (size_t i = 0; i < ROWS; i++)
        v[i] = (double)i;
    const TableColumn column = { "v", TABLE_F64, true, v };
    size_t had = 0;
    for (size_t n = 0; n <= ROWS; n += PARQUET_GROUP_ROWS) {
        Buf out;
        buf_init(&out, 16 << 20);
        ColumnTable table = { &column, 1, n, NULL, 0 };
        CHECK_EQ(parquet_table_write(&table, &out), 0);
        CHECK(out.n > had);
        had = out.n;
        buf_done(&out);
    }
    mem_free(v);
}

TEST(a_full_buffer_is_told) {
    const TableColumn column = { "v", TABLE_F64, false, prices };
    ColumnTable table = { &column, 1, 3, NULL, 0 };
    for (size_t limit = 1; limit < 200; limit += 7) {
        Buf out;
        buf_init(&out, limit);
        int r = parquet_table_write(&table, &out);
        CHECK(r == ERR_LIMIT || (r == 0 && out.n <= limit));
        buf_done(&out);
    }
}

TESTS(T(a_table_is_a_parquet_file_and_a_csv), T(a_table_is_no_file_of_candles),
      T(a_table_without_rows_and_one_of_many_groups), T(a_full_buffer_is_told))
