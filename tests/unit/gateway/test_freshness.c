/* GWY-16: what may be kept, for whom and for how long; which answers the asker has already. */

#include "lib/test.h"

#include "gateway/freshness.h"

typedef struct Fields {
    HttpField v[6];
    size_t n;
} Fields;

/* "name: value|name: value" */
static Fields fields_of(const char *text) {
    Fields f = { 0 };
    Str rest = str_c(text), line;
    while (text && str_next(&rest, '|', &line)) {
        ptrdiff_t colon = str_find_char(line, ':');
        f.v[f.n++] = (HttpField){ str_first(line, (size_t)colon), str_trim(str_from(line, (size_t)colon + 1)) };
    }
    return f;
}

TEST(an_answer_is_kept_as_its_fields_say) {
    static const struct {
        const char *name, *fields;
        int status;
        bool keyed;
        int64_t standard_s; /* 0: none */
        bool keep, for_all;
        int64_t fresh_s, while_s, error_s;
    } rows[] = {
        { "an age", "cache-control: max-age=60", 200, false, 0, true, true, 60, 0, 0 },
        { "no word", "x: y", 200, false, 0, false, false, 0, 0, 0 },
        { "the route's age", "x: y", 200, false, 30, true, true, 30, 0, 0 },
        { "its own before the route's", "cache-control: max-age=5", 200, false, 30, true, true, 5, 0, 0 },
        { "shared caches' age first", "cache-control: max-age=60, s-maxage=5", 200, false, 0, true, true, 5, 0, 0 },
        { "the shorter of two", "cache-control: max-age=60|cache-control: max-age=9", 200, false, 0, true, true, 9, 0,
          0 },
        { "quoted", "cache-control: max-age=\"7\"", 200, false, 0, true, true, 7, 0, 0 },
        { "what nobody can read is 0", "cache-control: max-age=7x", 200, false, 0, false, true, 0, 0, 0 },
        { "no number at all", "cache-control: max-age", 200, false, 30, false, true, 0, 0, 0 },
        { "over all numbers", "cache-control: max-age=99999999999999999999", 200, false, 0, true, true, 31536000, 0,
          0 },
        { "no-store", "cache-control: max-age=60, NO-STORE", 200, false, 60, false, false, 0, 0, 0 },
        { "private", "cache-control: private, max-age=60", 200, false, 60, false, false, 0, 0, 0 },
        { "private fields", "cache-control: private=\"a, max-age=9\"", 200, false, 60, false, false, 0, 0, 0 },
        { "no-cache alone", "cache-control: no-cache", 200, false, 60, false, true, 0, 0, 0 },
        { "no-cache with a validator", "cache-control: no-cache|etag: \"1\"", 200, false, 0, true, true, 0, 0, 0 },
        { "a validator alone", "etag: \"1\"", 200, false, 0, false, false, 0, 0, 0 },
        { "over, with a validator", "cache-control: max-age=0|last-modified: x", 200, false, 0, true, true, 0, 0, 0 },
        { "a cookie", "cache-control: max-age=60|set-cookie: a=1", 200, false, 0, false, false, 0, 0, 0 },
        { "for a key", "cache-control: max-age=60", 200, true, 0, true, false, 60, 0, 0 },
        { "public for a key", "cache-control: public, max-age=60", 200, true, 0, true, true, 60, 0, 0 },
        { "a failure", "cache-control: max-age=60", 500, false, 60, false, false, 0, 0, 0 },
        { "a part", "cache-control: max-age=60", 206, false, 60, false, false, 0, 0, 0 },
        { "nothing there", "cache-control: max-age=60", 404, false, 0, true, true, 60, 0, 0 },
        { "its age counts", "cache-control: max-age=60|age: 50", 200, false, 0, true, true, 10, 0, 0 },
        { "too old when it came", "cache-control: max-age=60|age: 70", 200, false, 0, false, true, 0, 0, 0 },
        { "stale", "cache-control: max-age=1, stale-while-revalidate=5, stale-if-error=9", 200, false, 0, true, true, 1,
          5, 9 },
        { "never stale", "cache-control: max-age=1, must-revalidate, stale-if-error=9", 200, false, 0, true, true, 1, 0,
          0 },
        { "a date", "expires: Thu, 01 Jan 1970 00:02:00 GMT|date: Thu, 01 Jan 1970 00:01:00 GMT", 200, false, 0, true,
          true, 60, 0, 0 },
        { "a date that is past", "expires: Thu, 01 Jan 1970 00:00:00 GMT", 200, false, 60, false, true, 0, 0, 0 },
        { "no date", "expires: 0", 200, false, 60, false, true, 0, 0, 0 },
    };
    EACH_ROW (r, rows) {
        Fields f = fields_of(r->fields);
        KeepPlan p = keep_plan(&(KeepQuestion){ .status = r->status,
                                                .fields = f.v,
                                                .n_fields = f.n,
                                                .keyed = r->keyed,
                                                .standard_ms = r->standard_s ? r->standard_s * 1000 : -1,
                                                .now = time_ms(1000) });
        CHECK_EQ(p.keep, r->keep);
        if (!r->keep)
            continue;
        CHECK_EQ(p.for_all, r->for_all);
        CHECK_EQ(p.fresh_ms, r->fresh_s * 1000);
        CHECK_EQ(p.while_ms, r->while_s * 1000);
        CHECK_EQ(p.error_ms, r->error_s * 1000);
    }
}

TEST(who_has_the_answer_is_told_so) {
    static const struct {
        const char *name, *fields, *etag, *modified;
        bool same;
    } rows[] = {
        { "the same", "if-none-match: \"a\"", "\"a\"", "", true },
        { "weakly", "if-none-match: W/\"a\"", "\"a\"", "", true },
        { "weakly here", "if-none-match: \"a\"", "W/\"a\"", "", true },
        { "one of several", "if-none-match: \"x\", \"a\" , \"y\"", "\"a\"", "", true },
        { "a comma within", "if-none-match: \"x,y\"", "\"x,y\"", "", true },
        { "any", "if-none-match: *", "\"a\"", "", true },
        { "another", "if-none-match: \"b\"", "\"a\"", "", false },
        { "a part of it", "if-none-match: \"a", "\"a\"", "", false },
        { "an answer without one", "if-none-match: \"\"", "", "", false },
        { "the date it was told", "if-modified-since: Thu", "", "Thu", true },
        { "another date", "if-modified-since: Fri", "", "Thu", false },
        { "tags go before dates", "if-none-match: \"b\"|if-modified-since: Thu", "\"a\"", "Thu", false },
        { "neither", "x: y", "\"a\"", "Thu", false },
    };
    EACH_ROW (r, rows) {
        Fields f = fields_of(r->fields);
        HttpHead h = { .fields = f.v, .n_fields = f.n };
        CHECK_EQ(not_modified(&h, str_c(r->etag), str_c(r->modified)), r->same);
    }
}

TEST(what_answers_vary_by_is_read_once_and_in_order) {
    TestCtx t;
    test_ctx_init(&t);
    Str names;
    Fields f = fields_of("vary: Accept, accept-ENCODING|vary: accept,x-a");
    CHECK(vary_names(&t.arena, f.v, f.n, &names));
    CHECK_STR(names, S("accept,accept-encoding,x-a"));
    Fields asks = fields_of("accept: a, b|x-a: 1|x-a: 2|other: 3");
    HttpHead h = { .fields = asks.v, .n_fields = asks.n };
    CHECK_STR(vary_values(&t.arena, names, &h), S("a, b,\n\n1,2,\n"));
    Fields star = fields_of("vary: accept, *");
    CHECK(!vary_names(&t.arena, star.v, star.n, &names));
    Fields many = fields_of("vary: a,b,c,d,e,f,g,h,i");
    CHECK(!vary_names(&t.arena, many.v, many.n, &names));
    Fields none = fields_of("x: y");
    CHECK(vary_names(&t.arena, none.v, none.n, &names));
    CHECK_EQ(names.n, 0);
    test_ctx_done(&t);
}

TESTS(T(an_answer_is_kept_as_its_fields_say), T(who_has_the_answer_is_told_so),
      T(what_answers_vary_by_is_read_once_and_in_order))
