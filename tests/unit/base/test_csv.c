/* base/csv: rows from bytes in pieces. */

#include "base/csv.h"

#include "lib/test.h"

/* Reads text in pieces of `step` bytes and writes what it saw as "line:a/b/c|line:..." with the error behind it. */
static Str dump(Arena *a, Str text, char separator, size_t step, CsvLimits limits) {
    CsvReader r;
    CsvRow row;
    Buf out;
    char *copy = NULL;
    int got;
    buf_init(&out, 1 << 20);
    csv_reader_init(&r, &limits, separator);
    while ((got = csv_next(&r, &row)) > 0) {
        if (got == CSV_MORE) {
            mem_free(copy);
            copy = NULL;
            Str piece = str_first(text, step);
            text = str_from(text, step);
            if (piece.n == 0) {
                csv_end(&r);
                continue;
            }
            copy = mem_alloc(piece.n); /* exact, so that a sanitizer sees a read outside of the piece */
            memcpy(copy, piece.p, piece.n);
            csv_feed(&r, str_n(copy, piece.n));
            continue;
        }
        buf_printf(&out, "%zu:", row.line);
        for (size_t i = 0; i < row.n_fields; i++)
            buf_printf(&out, "%s" STR_FMT, i ? "/" : "", STR_ARG(row.fields[i]));
        buf_put_c(&out, '|');
    }
    if (got < 0)
        buf_printf(&out, "%d at %zu %s", got, r.err_line, r.why);
    if (csv_next(&r, &row) != got)
        FAIL("the end did not stay the end");
    Str all = str_dup(a, buf_str(&out));
    mem_free(copy);
    csv_reader_done(&r);
    buf_done(&out);
    return all;
}

TEST(rows_whatever_the_pieces) {
    static const struct {
        const char *name;
        char separator;
        Str text;
        const char *want;
    } rows[] = {
        { "plain", ',', STR_INIT("a,b,c\n1,2,3\n"), "1:a/b/c|2:1/2/3|" },
        { "no line end at the end", ',', STR_INIT("a,b\n1,2"), "1:a/b|2:1/2|" },
        { "CRLF", ',', STR_INIT("a,b\r\n1,2\r\n"), "1:a/b|2:1/2|" },
        { "CR", ',', STR_INIT("a,b\r1,2\r"), "1:a/b|2:1/2|" },
        { "empty fields", ',', STR_INIT(",\n,,\n\"\"\n"), "1:/|2://|3:|" },
        { "separator at the end", ',', STR_INIT("a,"), "1:a/|" },
        { "blank lines are no rows", ',', STR_INIT("\n\r\na\r\n\r\n\rb\n\n"), "3:a|6:b|" },
        { "nothing", ',', STR_INIT(""), "" },
        { "quotes", ',', STR_INIT("\"a,b\",\"c\"\"d\",\"\"\"\"\n"), "1:a,b/c\"d/\"|" },
        { "line ends in quotes", ',', STR_INIT("\"a\nb\r\nc\",1\nx,2\n"), "1:a\nb\r\nc/1|4:x/2|" },
        { "a quote inside a field", ',', STR_INIT("5\" disk,a\"\"b\n"), "1:5\" disk/a\"\"b|" },
        { "quoted at the end", ',', STR_INIT("a,\"b\""), "1:a/b|" },
        { "byte order mark", ',', STR_INIT("\xEF\xBB\xBF\"a\",b\n"), "1:a/b|" },
        { "half a mark is text", ',', STR_INIT("\xEF\xBB,b\n"), "1:\xEF\xBB/b|" },
        { "half a mark is all", ',', STR_INIT("\xEF\xBB"), "1:\xEF\xBB|" },
        { "a mark is all", ',', STR_INIT("\xEF\xBB\xBF"), "" },
        { "two marks", ',', STR_INIT("\xEF\xBB\xBF\xEF\xBB\xBFx"), "1:\xEF\xBB\xBFx|" },
        { "guess comma", 0, STR_INIT("a,b;c,d\n1,2\n"), "1:a/b;c/d|2:1/2|" },
        { "guess semicolon", 0, STR_INIT("a;b;c,5\n1;2;3\n"), "1:a/b/c,5|2:1/2/3|" },
        { "guess tab", 0, STR_INIT("a\tb\n1\t2\n"), "1:a/b|2:1/2|" },
        { "guess bar", 0, STR_INIT("a|b|c\n1|2|3"), "1:a/b/c|2:1/2/3|" },
        { "guess outside of quotes", 0, STR_INIT("\"a;b;c;d\",x\n1,2\n"), "1:a;b;c;d/x|2:1/2|" },
        { "guess behind blank lines", 0, STR_INIT("\r\n\na;b\r\n1;2"), "3:a/b|4:1/2|" },
        { "guess without a separator", 0, STR_INIT("ab\ncd"), "1:ab|2:cd|" },
        { "guess nothing", 0, STR_INIT("\n"), "" },
        { "guess behind a mark", 0,
          STR_INIT("\xEF\xBB\xBF"
                   "a;b"),
          "1:a/b|" },
        { "open quote", ',', STR_INIT("a,b\nc,\"d\ne\nf"), "1:a/b|-1 at 2 a quote is not closed" },
        { "open quote alone", ',', STR_INIT("\""), "-1 at 1 a quote is not closed" },
        { "text behind a quote", ',', STR_INIT("a\n\"b\nc\"d,e\n"), "1:a|-1 at 3 text follows a closing quote" },
        { "zero bytes are text", ',', STR_INIT("a\0b,c\n"), "1:a" },
    };
    Arena a = { 0 };
    EACH_ROW (r, rows) {
        for (size_t step = 1; step <= r->text.n + 1; step++) {
            Str got = dump(&a, r->text, r->separator, step, (CsvLimits){ 0 });
            if (memchr(r->text.p, 0, r->text.n))
                got = str_first(got, 3); /* printf stops there */
            CHECK_STR(got, str_c(r->want));
        }
    }
    arena_done(&a);
}

TEST(limits_do_not_depend_on_the_pieces) {
    static const struct {
        const char *name;
        Str text;
        const char *want;
    } rows[] = {
        { "a row that just fits", STR_INIT("123456789\n1\n"), "1:123456789|2:1|" },
        { "and one at the end", STR_INIT("1\n1234567890"), "1:1|2:1234567890|" },
        { "one byte more", STR_INIT("1\n1234567890\n"), "1:1|-11 at 2 the row is too long" },
        { "in quotes", STR_INIT("\"12345678901\"\n"), "-11 at 1 the row is too long" },
        { "a fault before the limit", STR_INIT("\"1234\"x890123456789"), "-1 at 1 text follows a closing quote" },
        { "a fault behind the limit", STR_INIT("\"1234567890\"x"), "-11 at 1 the row is too long" },
        { "too many fields", STR_INIT("1,2,3\n1,2,3,4\n"), "1:1/2/3|-11 at 2 the row has too many fields" },
        { "an open quote", STR_INIT("\"1\n2\n3\n4\n5\n6\n7"), "-11 at 1 the row is too long" },
        { "a long piece of nothing", STR_INIT("\n\n\n\n\n\n\n\n\n\n\n\n\n1\n"), "14:1|" },
    };
    Arena a = { 0 };
    EACH_ROW (r, rows)
        for (size_t step = 1; step <= r->text.n; step++)
            for (int guess = 0; guess < 2; guess++)
                CHECK_STR(dump(&a, r->text, guess ? 0 : ',', step, (CsvLimits){ .row_size = 10, .n_fields = 3 }),
                          str_c(r->want));
    arena_done(&a);
}

TEST(written_rows_read_back) {
    static const char pool[] = "ab,;\t|\"\"\n\r\xEF\xBB\xBF 0";
    static const char separators[] = { ',', ';', '\t', '|', 'a' };
    uint64_t x = prop_seed(2718) | 1;
    for (int round = 0; round < 3000; round++) {
        Arena a = { 0 };
        Str fields[8][5];
        size_t n_rows = 1 + (size_t)round % 8, n_fields = 1 + (size_t)round / 8 % 5, at = 0;
        char separator = separators[round % 5];
        Buf text;
        buf_init(&text, 1 << 16);
        for (size_t i = 0; i < n_rows; i++) {
            for (size_t j = 0; j < n_fields; j++) {
                char *p = arena_alloc(&a, 12);
                size_t n = 0;
                for (x = x * UINT64_C(6364136223846793005) + 1; n < (x >> 60); n += n < 12 ? 1 : 16)
                    if (n < 12)
                        p[n] = pool[(x >> (4 * n)) % (sizeof pool - 1)];
                fields[i][j] = str_n(p, MIN(n, (size_t)12));
            }
            CHECK_EQ(csv_write_row(&text, separator, fields[i], n_fields), 0);
        }
        CsvReader r;
        CsvRow row;
        int got;
        size_t step = 1 + (x >> 33) % (text.n + 1), n_read = 0;
        csv_reader_init(&r, &(CsvLimits){ 0 }, separator);
        while ((got = csv_next(&r, &row)) > 0) {
            if (got == CSV_MORE) {
                Str piece = str_first(str_from(buf_str(&text), at), step);
                at += piece.n;
                piece.n ? csv_feed(&r, piece) : csv_end(&r);
                continue;
            }
            CHECK(n_read < n_rows);
            CHECK_EQ(row.n_fields, n_fields);
            for (size_t j = 0; j < n_fields; j++)
                CHECK_STR(row.fields[j], fields[n_read][j]);
            n_read++;
        }
        CHECK_EQ(got, 0);
        CHECK_EQ(n_read, n_rows);
        csv_reader_done(&r);
        buf_done(&text);
        arena_done(&a);
    }
}

TEST(quoting_only_where_needed) {
    static const struct {
        const char *name;
        const char *want;
    } rows[] = {
        { "plain", "plain" },   { "", "" },
        { "a;b", "a;b" },       { "a,b", "\"a,b\"" },
        { "a\nb", "\"a\nb\"" }, { "a\rb", "\"a\rb\"" },
        { "\"", "\"\"\"\"" },   { "5\" disk", "\"5\"\" disk\"" },
        { " a ", " a " },
    };
    Buf b;
    buf_init(&b, 64);
    EACH_ROW (r, rows) {
        buf_clear(&b);
        CHECK_EQ(csv_write_field(&b, ',', str_c(r->name)), 0);
        CHECK_STR(buf_str(&b), str_c(r->want));
    }
    buf_done(&b);
    buf_init(&b, 4);
    CHECK_EQ(csv_write_field(&b, ',', S("a,b,c")), ERR_LIMIT);
    buf_done(&b);
}

TESTS(T(rows_whatever_the_pieces), T(limits_do_not_depend_on_the_pieces), T(written_rows_read_back),
      T(quoting_only_where_needed))
