/* base/json: the reader and the writer. ../shared/data/json is JSONTestSuite, used when it is there. */

#include "base/json.h"
#include "base/utf8.h"

#include <dirent.h>

#include "lib/test.h"

static JsonReader reader(Arena *a, Str text) {
    JsonReader r;
    json_reader_init(&r, text, a, 64);
    return r;
}

/* Reads all of text; 0 when it is JSON. */
static int read_all(Arena *a, Str text) {
    JsonReader r = reader(a, text);
    JsonToken t;
    int e;
    while (!(e = json_next(&r, &t)) && t.kind != JSON_NONE)
        ;
    return e;
}

/* The same text through the reader and the writer. */
static int copy(Arena *a, Str text, bool pretty, Buf *out) {
    JsonReader r = reader(a, text);
    JsonWriter w;
    JsonToken t;
    int e;
    json_writer_init(&w, out, pretty);
    while (!(e = json_next(&r, &t)) && t.kind != JSON_NONE) {
        switch (t.kind) {
        case JSON_OBJECT:
            json_object(&w);
            break;
        case JSON_OBJECT_END:
            json_object_end(&w);
            break;
        case JSON_ARRAY:
            json_array(&w);
            break;
        case JSON_ARRAY_END:
            json_array_end(&w);
            break;
        case JSON_KEY:
            json_key(&w, t.text);
            break;
        case JSON_STRING:
            json_str(&w, t.text);
            break;
        case JSON_NUMBER:
            json_raw(&w, t.text);
            break;
        case JSON_NULL:
            json_null(&w);
            break;
        default:
            json_bool(&w, t.kind == JSON_TRUE);
        }
    }
    return e;
}

TEST(suite_of_the_standard) {
    const char *folder = test_shared_file("data/json");
    DIR *dir = folder ? opendir(folder) : NULL;
    if (!dir)
        SKIP("no ../shared/data/json");
    Arena a = { 0 };
    char path[1024];
    int n_yes = 0, n_no = 0;
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (!str_ends(str_c(entry->d_name), S(".json")))
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        Str text = test_read_file(&a, path);
        int e = read_all(&a, text);
        test_row_name = entry->d_name;
        if (entry->d_name[0] == 'y')
            CHECK_EQ(e, 0);
        else if (entry->d_name[0] == 'n')
            CHECK(e == ERR_BAD_REQUEST || e == ERR_LIMIT);
        n_yes += entry->d_name[0] == 'y';
        n_no += entry->d_name[0] == 'n';
        if (e)
            continue;
        Buf once, twice;
        buf_init(&once, 1 << 24);
        buf_init(&twice, 1 << 24);
        CHECK_EQ(copy(&a, text, true, &once), 0);
        CHECK_EQ(copy(&a, buf_str(&once), true, &twice), 0);
        CHECK_STR(buf_str(&twice), buf_str(&once));
        buf_done(&once);
        buf_done(&twice);
    }
    closedir(dir);
    arena_done(&a);
    test_row_name = NULL;
    CHECK(n_yes > 90 && n_no > 180);
}

TEST(good_and_bad_texts) {
    static const struct {
        const char *name;
        int want;
    } rows[] = {
        { "0", 0 },
        { " [ 1 , -2.5e+3 , \"x\" , true , false , null , { } , [ ] ] \r\n\t", 0 },
        { "{\"a\":{\"b\":[{}]},\"a\":1}", 0 },
        { "\"\\u0000\\uD83D\\ude00\\\"\\\\\\/\\b\\f\\n\\r\\t\"", 0 },
        { "\"\xE2\x82\xAC\x7F\"", 0 },
        { "", ERR_BAD_REQUEST },
        { " ", ERR_BAD_REQUEST },
        { "[1,]", ERR_BAD_REQUEST },
        { "[,1]", ERR_BAD_REQUEST },
        { "[1 2]", ERR_BAD_REQUEST },
        { "{\"a\":1,}", ERR_BAD_REQUEST },
        { "{\"a\" 1}", ERR_BAD_REQUEST },
        { "{1:1}", ERR_BAD_REQUEST },
        { "{\"a\":}", ERR_BAD_REQUEST },
        { "[1}", ERR_BAD_REQUEST },
        { "{\"a\":1]", ERR_BAD_REQUEST },
        { "1 1", ERR_BAD_REQUEST },
        { "[1]]", ERR_BAD_REQUEST },
        { "01", ERR_BAD_REQUEST },
        { "+1", ERR_BAD_REQUEST },
        { "1.", ERR_BAD_REQUEST },
        { ".5", ERR_BAD_REQUEST },
        { "1e", ERR_BAD_REQUEST },
        { "-", ERR_BAD_REQUEST },
        { "NaN", ERR_BAD_REQUEST },
        { "nul", ERR_BAD_REQUEST },
        { "truee", ERR_BAD_REQUEST },
        { "'a'", ERR_BAD_REQUEST },
        { "\"a", ERR_BAD_REQUEST },
        { "\"a\nb\"", ERR_BAD_REQUEST },
        { "\"\\x\"", ERR_BAD_REQUEST },
        { "\"\\u12g4\"", ERR_BAD_REQUEST },
        { "\"\\ud800\"", ERR_BAD_REQUEST },
        { "\"\\ude00\\ud83d\"", ERR_BAD_REQUEST },
        { "\"\\ud83d\\u0041\"", ERR_BAD_REQUEST },
        { "\"\xC0\x80\"", ERR_BAD_REQUEST },
        { "\"\xED\xA0\x80\"", ERR_BAD_REQUEST },
        { "\"\\", ERR_BAD_REQUEST },
        { "\xEF\xBB\xBF{}", ERR_BAD_REQUEST },
        { "[1] // x", ERR_BAD_REQUEST },
    };
    Arena a = { 0 };
    EACH_ROW (r, rows) {
        /* An exact copy, so that a sanitizer sees a read past the end; and every shorter one must not crash. */
        Str s = str_c(r->name);
        char *p = mem_alloc(s.n);
        memcpy(p, s.p, s.n);
        CHECK_EQ(read_all(&a, str_n(p, s.n)), r->want);
        mem_free(p);
        for (size_t n = 0; n < s.n; n++) {
            p = mem_alloc(n);
            memcpy(p, s.p, n);
            int e = read_all(&a, str_n(p, n));
            CHECK(e == 0 || e == ERR_BAD_REQUEST);
            mem_free(p);
        }
    }
    arena_done(&a);
}

TEST(typed_reading) {
    Arena a = { 0 };
    JsonReader r = reader(
        &a, S("{\"s\":\"a\\u0041\\n\",\"i\":-12,\"iq\":\"17\",\"e\":1e3,\"f\":\"0.5\",\"b\":true,"
              "\"n\":null,\"skip\":{\"x\":[1,{\"y\":\"\\n\"}]},\"raw\": [1, 2] ,\"list\":[1,2,3],\"unread\":[9]}"));
    Str key, s = { 0 }, raw = { 0 };
    int64_t i = 0, iq = 0, big = 0, sum = 0, v = 0;
    double f = 0;
    bool b = false;
    int more, keys = 0, e = 0;
    CHECK_EQ(json_open_object(&r), 0);
    while ((more = json_object_next(&r, &key)) > 0) {
        keys++;
        if (str_eq(key, S("s")))
            e = json_read_str(&r, &s);
        else if (str_eq(key, S("i")))
            e = json_read_i64(&r, &i);
        else if (str_eq(key, S("iq")))
            e = json_read_i64(&r, &iq);
        else if (str_eq(key, S("e")))
            e = json_read_i64(&r, &big);
        else if (str_eq(key, S("f")))
            e = json_read_f64(&r, &f);
        else if (str_eq(key, S("b")))
            e = json_read_bool(&r, &b);
        else if (str_eq(key, S("n")))
            CHECK(json_read_null(&r));
        else if (str_eq(key, S("skip")))
            e = json_skip(&r);
        else if (str_eq(key, S("raw")))
            e = json_skip_raw(&r, &raw);
        else if (str_eq(key, S("list")))
            for (e = json_open_array(&r); json_array_next(&r) > 0; sum += v)
                e = json_read_i64(&r, &v);
        CHECK_EQ(e, 0);
    }
    CHECK_EQ(more, 0);
    CHECK_EQ(json_finish(&r), 0);
    CHECK_EQ(keys, 11);
    CHECK_STR(s, S("aA\n"));
    CHECK_STR(raw, S("[1, 2]"));
    CHECK(i == -12 && iq == 17 && big == 1000 && sum == 6 && b);
    CHECK_NEAR(f, 0.5, 0);
    arena_done(&a);
}

TEST(wrong_kinds_are_invalid_not_malformed) {
    static const struct {
        const char *name;
        int call; /* 0 i64, 1 f64, 2 str, 3 bool, 4 object, 5 array */
        int want;
        size_t column;
    } rows[] = {
        { " \"x\"", 0, ERR_INVALID, 3 },
        { " 1.5", 0, ERR_INVALID, 2 },
        { "9223372036854775808", 0, ERR_INVALID, 1 },
        { "9223372036854775807", 0, 0, 20 },
        { "1e400", 1, ERR_INVALID, 1 },
        { "\"\"", 1, ERR_INVALID, 2 },
        { "\"nan\"", 1, ERR_INVALID, 2 },
        { "null", 1, ERR_INVALID, 1 },
        { "  7", 2, ERR_INVALID, 3 },
        { "0", 3, ERR_INVALID, 1 },
        { "[]", 4, ERR_INVALID, 1 },
        { "{}", 5, ERR_INVALID, 1 },
        { "[", 4, ERR_INVALID, 1 },
        { "\"\\u00", 2, ERR_BAD_REQUEST, 2 },
        { "]", 0, ERR_BAD_REQUEST, 1 },
    };
    Arena a = { 0 };
    EACH_ROW (row, rows) {
        JsonReader r = reader(&a, str_c(row->name));
        int64_t i;
        double f;
        bool b;
        Str s;
        int got = row->call == 0   ? json_read_i64(&r, &i)
                  : row->call == 1 ? json_read_f64(&r, &f)
                  : row->call == 2 ? json_read_str(&r, &s)
                  : row->call == 3 ? json_read_bool(&r, &b)
                  : row->call == 4 ? json_open_object(&r)
                                   : json_open_array(&r);
        size_t line, column;
        CHECK_EQ(got, row->want);
        json_where(&r, &line, &column);
        CHECK_EQ(line, 1);
        CHECK_EQ(column, row->column);
        CHECK_EQ(json_skip(&r) < 0, true);
    }
    arena_done(&a);
}

TEST(an_error_tells_its_place_and_stays) {
    Arena a = { 0 };
    JsonReader r = reader(&a, S("{\n  \"a\": 1,\n  \"b\": @\n}"));
    Str key;
    size_t line, column;
    int64_t v;
    CHECK_EQ(json_open_object(&r), 0);
    CHECK_EQ(json_object_next(&r, &key), 1);
    CHECK_EQ(json_object_next(&r, &key), 1); /* the 1 was not read: skipped */
    CHECK_STR(key, S("b"));
    CHECK_EQ(json_read_i64(&r, &v), ERR_BAD_REQUEST);
    CHECK_EQ(json_object_next(&r, &key), ERR_BAD_REQUEST);
    CHECK_EQ(json_finish(&r), ERR_BAD_REQUEST);
    CHECK_EQ(json_peek(&r), JSON_NONE);
    CHECK_STR(str_c(r.why), S("a value is expected"));
    json_where(&r, &line, &column);
    CHECK(line == 3 && column == 8);
    arena_done(&a);
}

TEST(depth_and_memory_are_limited) {
    Arena a = { 0 };
    enum { N = 1000 };
    char text[N];
    JsonToken t;
    memset(text, '[', N);
    for (int depth = 1; depth <= JSON_DEPTH_MAX; depth += 51) {
        JsonReader r;
        int opened = 0;
        json_reader_init(&r, str_n(text, N), &a, depth);
        while (json_next(&r, &t) == 0)
            opened++;
        CHECK_EQ(opened, depth);
        CHECK_EQ(r.err, ERR_LIMIT);
    }
    Arena small;
    arena_init(&small, 64);
    memset(text, 'x', N);
    memcpy(text, "\"\\n", 3);
    text[N - 1] = '"';
    JsonReader r;
    Str s;
    json_reader_init(&r, str_n(text, N), &small, 4);
    CHECK_EQ(json_read_str(&r, &s), ERR_LIMIT);
    json_reader_init(&r, str_n(text, N), &small, 4);
    CHECK_EQ(json_skip(&r), 0); /* needs no memory */
    arena_done(&small);
    arena_done(&a);
}

TEST(strings_without_escapes_borrow) {
    Arena a = { 0 };
    Str text = S("[\"plain \xE2\x82\xAC\",\"esc\\u00e9\"]");
    JsonReader r = reader(&a, text);
    Str s;
    CHECK_EQ(json_open_array(&r), 0);
    CHECK_EQ(json_array_next(&r), 1);
    CHECK_EQ(json_read_str(&r, &s), 0);
    CHECK(s.p == text.p + 2);
    CHECK_EQ(json_array_next(&r), 1);
    CHECK_EQ(json_read_str(&r, &s), 0);
    CHECK_STR(s, S("esc\xC3\xA9"));
    CHECK_EQ(json_array_next(&r), 0);
    CHECK_EQ(json_finish(&r), 0);
    arena_done(&a);
}

/* --- writer --- */

TEST(compact_and_pretty) {
    Buf b;
    for (int pretty = 0; pretty < 2; pretty++) {
        JsonWriter w;
        buf_init(&b, 4096);
        json_writer_init(&w, &b, pretty);
        json_object(&w);
        json_put_str(&w, "symbol", S("BTCUSDT"));
        json_put_i64(&w, "n", -3);
        json_put_f64(&w, "price", 46216.93);
        json_put_f64(&w, "none", NAN);
        json_put_bool(&w, "open", false);
        json_put_time(&w, "at", time_ms(1));
        json_key(&w, S("list"));
        json_array(&w);
        json_null(&w);
        json_array(&w);
        json_array_end(&w);
        json_raw(&w, S("{\"raw\":1}"));
        json_array_end(&w);
        json_key(&w, S("empty"));
        json_object(&w);
        json_object_end(&w);
        json_object_end(&w);
        CHECK(buf_ok(&b));
        CHECK_STR(buf_str(&b),
                  pretty ? S("{\n  \"symbol\": \"BTCUSDT\",\n  \"n\": -3,\n  \"price\": 46216.93,\n  \"none\": null,\n"
                             "  \"open\": false,\n  \"at\": \"1970-01-01T00:00:00.001Z\",\n  \"list\": [\n    null,\n"
                             "    [],\n    {\"raw\":1}\n  ],\n  \"empty\": {}\n}")
                         : S("{\"symbol\":\"BTCUSDT\",\"n\":-3,\"price\":46216.93,\"none\":null,\"open\":false,"
                             "\"at\":\"1970-01-01T00:00:00.001Z\",\"list\":[null,[],{\"raw\":1}],\"empty\":{}}"));
        buf_done(&b);
    }
}

TEST(quoting) {
    static const struct {
        const char *name;
        Str in, want;
    } rows[] = {
        { "empty", STR_INIT(""), STR_INIT("\"\"") },
        { "plain", STR_INIT("a longer plain text, 8 bytes a step"),
          STR_INIT("\"a longer plain text, 8 bytes a step\"") },
        { "escapes", STR_INIT("\"\\/\b\f\n\r\t"), STR_INIT("\"\\\"\\\\/\\b\\f\\n\\r\\t\"") },
        { "controls", STR_INIT("a\0b\x1f\x7f"), STR_INIT("\"a\\u0000b\\u001f\x7f\"") },
        { "UTF-8", STR_INIT("\xE2\x82\xAC \xF0\x9F\x98\x80"), STR_INIT("\"\xE2\x82\xAC \xF0\x9F\x98\x80\"") },
        { "a stray byte", STR_INIT("a\xFFz"), STR_INIT("\"a\xEF\xBF\xBDz\"") },
        { "cut at the end", STR_INIT("abcdefgh\xE2\x82"), STR_INIT("\"abcdefgh\xEF\xBF\xBD\"") },
        { "overlong", STR_INIT("\xC0\x80"), STR_INIT("\"\xEF\xBF\xBD\xEF\xBF\xBD\"") },
        { "a surrogate", STR_INIT("\xED\xA0\x80"), STR_INIT("\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"") },
    };
    Buf b;
    buf_init(&b, 4096);
    EACH_ROW (r, rows) {
        buf_clear(&b);
        CHECK_EQ(json_quote(&b, r->in), 0);
        CHECK_STR(buf_str(&b), r->want);
    }
    buf_done(&b);
}

TEST(a_full_buffer_is_seen_at_the_end) {
    Buf b;
    JsonWriter w;
    buf_init(&b, 16);
    json_writer_init(&w, &b, true);
    json_array(&w);
    for (int i = 0; i < 100; i++)
        json_str(&w, S("a\nb"));
    json_array_end(&w);
    CHECK(!buf_ok(&b));
    CHECK(b.n <= 16);
    CHECK_EQ(json_quote(&b, S("\n")), ERR_LIMIT);
    buf_done(&b);
}

TEST(any_bytes_come_back_as_clean_utf8) {
    uint64_t x = prop_seed(31337) | 1;
    Arena a = { 0 };
    Buf b;
    buf_init(&b, 1 << 16);
    for (int i = 0; i < 20000; i++) {
        char text[48];
        size_t n = 0, size = (x >> 40) % sizeof text;
        while (n < size) {
            x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            static const char pool[] = "\"\\\n\0\xE2\x82\xAC\xF0\x9F\x98\x80\xED\xA0\xC3 abc{}[],:";
            text[n++] = x >> 63 ? pool[(x >> 33) % sizeof pool] : (char)(x >> 50);
        }
        buf_clear(&b);
        arena_reset(&a);
        CHECK_EQ(json_quote(&b, str_n(text, n)), 0);
        JsonReader r = reader(&a, buf_str(&b));
        Str back;
        CHECK_EQ(json_read_str(&r, &back), 0);
        CHECK_EQ(json_finish(&r), 0);
        CHECK_STR(back, utf8_clean(&a, str_n(text, n)));
    }
    buf_done(&b);
    arena_done(&a);
}

TESTS(T(suite_of_the_standard), T(good_and_bad_texts), T(typed_reading), T(wrong_kinds_are_invalid_not_malformed),
      T(an_error_tells_its_place_and_stays), T(depth_and_memory_are_limited), T(strings_without_escapes_borrow),
      T(compact_and_pretty), T(quoting), T(a_full_buffer_is_seen_at_the_end), T(any_bytes_come_back_as_clean_utf8))
