/* GWY-16: one question has one place (U32), answers come back as they were put, and forms and keys lie apart. */

#include "lib/test.h"

#include "gateway/shelf.h"

static const KeepPlan minute = { .keep = true, .for_all = true, .fresh_ms = 60000, .while_ms = 5000, .error_ms = 9000 };

typedef struct Fixture {
    TestCtx t;
    Shelf *s;
    HttpHead head;
    HttpField asks[2];
} Fixture;

static void fixture_init(Fixture *f) {
    test_ctx_init(&f->t);
    f->s = shelf_new(1 << 20, 7);
    f->head = (HttpHead){ .fields = f->asks };
}

static void fixture_done(Fixture *f) {
    shelf_free(f->s);
    test_ctx_done(&f->t);
}

static MonoNs at(int64_t ms) {
    return (MonoNs){ ms * 1000000 };
}

static void put(Fixture *f, Str base, Str who, const KeepPlan *plan, Str vary, Str body, int64_t ms) {
    HttpField v[] = { { S("etag"), S("\"e\"") }, { S("x-a"), S("") }, { S("vary"), vary } };
    ShelfQuestion q = { .base = base, .who = who, .head = &f->head };
    ShelfPut p = { plan, 200, v, vary.n ? 3 : 2, body, S("service"), shelf_token(f->s) };
    CacheBlob *b = shelf_put(f->s, &f->t.arena, &q, &p, at(ms));
    assert(b);
    cache_blob_unref(b);
}

static ShelfFound find(Fixture *f, Str base, Str who, bool public_only, int64_t ms, Str *body) {
    ShelfQuestion q = { .base = base, .who = who, .public_only = public_only, .head = &f->head };
    ShelfAnswer a;
    ShelfFound found = shelf_find(f->s, &f->t.arena, &q, at(ms), &a);
    *body = (Str){ 0 };
    if (found == SHELF_FRESH || found == SHELF_STALE) {
        *body = str_dup(&f->t.arena, a.body);
        shelf_done(&a);
    }
    return found;
}

TEST(one_question_has_one_base) {
    Fixture f;
    fixture_init(&f);
    Arena *a = &f.t.arena;
    Str base = shelf_base(a, S("s"), S("h"), S("/p"), S("a=1&b=2"));
    CHECK_STR(shelf_base(a, S("s"), S("h"), S("/p"), S("b=2&a=1")), base);
    static const char *const others[] = { "a=1&b=3", "a=1", "a=1&b=2&b=2", "a=1&b=2&c", "" };
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        CHECK(!str_eq(shelf_base(a, S("s"), S("h"), S("/p"), str_c(others[i])), base));
    /* members of one name have an order */
    CHECK(!str_eq(shelf_base(a, S("s"), S("h"), S("/p"), S("a=1&a=2")),
                  shelf_base(a, S("s"), S("h"), S("/p"), S("a=2&a=1"))));
    CHECK(!str_eq(shelf_base(a, S("s"), S("h"), S("/p"), (Str){ 0 }), shelf_base(a, S("s"), S("h"), S("/p"), S(""))));
    char many[600];
    memset(many, 'x', sizeof many);
    CHECK_EQ(shelf_base(a, S("s"), S("h"), str_n(many, sizeof many), S("")).n, 0);
    memset(many, '&', 70);
    CHECK_EQ(shelf_base(a, S("s"), S("h"), S("/"), str_n(many, 70)).n, 0);
    fixture_done(&f);
}

TEST(an_answer_comes_back_as_it_was_put) {
    Fixture f;
    fixture_init(&f);
    put(&f, S("b"), (Str){ 0 }, &minute, (Str){ 0 }, S("body"), 1000);
    ShelfQuestion q = { .base = S("b"), .head = &f.head };
    ShelfAnswer a;
    CHECK_EQ(shelf_find(f.s, &f.t.arena, &q, at(31000), &a), SHELF_FRESH);
    CHECK_EQ(a.status, 200);
    CHECK_EQ(a.n_fields, 2);
    CHECK_STR(a.fields[0].name, S("etag"));
    CHECK_STR(a.etag, S("\"e\""));
    CHECK_STR(a.fields[1].name, S("x-a"));
    CHECK_EQ(a.fields[1].value.n, 0);
    CHECK_STR(a.body, S("body"));
    CHECK_EQ(a.age_ms, 30000);
    CHECK_EQ(a.left_ms, 30000);
    CHECK(a.while_ms == 5000 && a.error_ms == 9000 && a.for_all);
    shelf_done(&a);
    CHECK_EQ(shelf_find(f.s, &f.t.arena, &q, at(62000), &a), SHELF_STALE);
    CHECK_EQ(a.left_ms, -1000);
    /* asked, and still so: its life begins anew */
    shelf_renew(f.s, &f.t.arena, &q, &(ShelfRenew){ &minute, S("service"), shelf_token(f.s) }, &a, at(62000));
    CHECK_STR(a.body, S("body"));
    shelf_done(&a);
    CHECK_EQ(shelf_find(f.s, &f.t.arena, &q, at(63000), &a), SHELF_FRESH);
    CHECK_EQ(a.age_ms, 1000);
    shelf_done(&a);
    fixture_done(&f);
}

TEST(forms_and_keys_lie_apart) {
    Fixture f;
    fixture_init(&f);
    Str body;
    f.asks[0] = (HttpField){ S("accept"), S("json") };
    f.head.n_fields = 1;
    put(&f, S("b"), (Str){ 0 }, &minute, S("Accept"), S("as json"), 0);
    f.asks[0].value = S("csv");
    CHECK_EQ(find(&f, S("b"), (Str){ 0 }, false, 1, &body), SHELF_MISS);
    put(&f, S("b"), (Str){ 0 }, &minute, S("Accept"), S("as csv"), 0);
    CHECK_EQ(find(&f, S("b"), (Str){ 0 }, false, 1, &body), SHELF_FRESH);
    CHECK_STR(body, S("as csv"));
    f.asks[0].value = S("json");
    CHECK_EQ(find(&f, S("b"), (Str){ 0 }, false, 1, &body), SHELF_FRESH);
    CHECK_STR(body, S("as json"));
    /* what is for one key alone */
    KeepPlan own = minute;
    own.for_all = false;
    put(&f, S("k"), S("ann"), &own, (Str){ 0 }, S("ann's"), 0);
    CHECK_EQ(find(&f, S("k"), S("bob"), false, 1, &body), SHELF_MISS);
    CHECK_EQ(find(&f, S("k"), (Str){ 0 }, false, 1, &body), SHELF_MISS);
    CHECK_EQ(find(&f, S("k"), S("ann"), false, 1, &body), SHELF_FRESH);
    CHECK_STR(body, S("ann's"));
    /* who comes with a cookie gets only what was said to be for all */
    put(&f, S("p"), (Str){ 0 }, &own, (Str){ 0 }, S("nobody's"), 0);
    CHECK_EQ(find(&f, S("p"), (Str){ 0 }, true, 1, &body), SHELF_MISS);
    CHECK_EQ(find(&f, S("p"), (Str){ 0 }, false, 1, &body), SHELF_FRESH);
    fixture_done(&f);
}

TEST(what_is_forgotten_is_gone_in_every_form) {
    Fixture f;
    fixture_init(&f);
    Str body;
    f.asks[0] = (HttpField){ S("accept"), S("json") };
    f.head.n_fields = 1;
    put(&f, S("a"), (Str){ 0 }, &minute, S("accept"), S("1"), 0);
    put(&f, S("b"), (Str){ 0 }, &minute, (Str){ 0 }, S("2"), 0);
    CHECK(shelf_forget_base(f.s, S("a")) >= 1);
    CHECK_EQ(find(&f, S("a"), (Str){ 0 }, false, 1, &body), SHELF_MISS);
    CHECK_EQ(find(&f, S("b"), (Str){ 0 }, false, 1, &body), SHELF_FRESH);
    shelf_pass(f.s, &(ShelfQuestion){ .base = S("c"), .head = &f.head }, at(0));
    CHECK_EQ(find(&f, S("c"), (Str){ 0 }, false, 1, &body), SHELF_PASS);
    CHECK_EQ(find(&f, S("c"), (Str){ 0 }, false, SHELF_PASS_MS + 1, &body), SHELF_MISS);
    /* what was asked for before a change is not kept after it (CAC-13) */
    HttpField v[1] = { { S("etag"), S("\"e\"") } };
    ShelfQuestion q = { .base = S("d"), .head = &f.head };
    CacheToken before = shelf_token(f.s);
    CHECK_EQ(shelf_forget_tag(f.s, S("service")), 1);
    CacheBlob *b =
        shelf_put(f.s, &f.t.arena, &q, &(ShelfPut){ &minute, 200, v, 1, S("old"), S("service"), before }, at(0));
    CHECK(b != NULL); /* it is told to those who waited for it */
    cache_blob_unref(b);
    CHECK_EQ(find(&f, S("d"), (Str){ 0 }, false, 1, &body), SHELF_MISS);
    fixture_done(&f);
}

TESTS(T(one_question_has_one_base), T(an_answer_comes_back_as_it_was_put), T(forms_and_keys_lie_apart),
      T(what_is_forgotten_is_gone_in_every_form))
