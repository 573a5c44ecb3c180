/* The contract of ports/object_store.h, run against every adapter (STO-16; STO-15 runs it against S3). */

#include "contract/object_store.h"

#include <pthread.h>

typedef struct Fixture {
    TestCtx t;
    const char *dir;
    ObjectStore *s;
} Fixture;

static void begin(Fixture *f) {
    test_ctx_init(&f->t);
    f->dir = test_dir();
    f->s = object_store_maker.open(&f->t, f->dir);
}

static void end(Fixture *f) {
    object_store_close(f->s);
    test_dir_done(f->dir);
    test_ctx_done(&f->t);
}

static ObjectInfo put(Fixture *f, const char *key, Str bytes) {
    ObjectInfo info;
    ObjectPut p = { .key = str_c(key), .content_type = S("text/plain") };
    CHECK_OK_PLAIN(&f->t.cx, object_put(f->s, &f->t.cx, &p, bytes, &info));
    return info;
}

static Str get(Fixture *f, const char *key) {
    Str got = { 0 };
    CHECK_OK_PLAIN(&f->t.cx, object_get_all(f->s, &f->t.cx, str_c(key), 64 << 20, &got));
    return got;
}

TEST(what_is_put_comes_back_with_its_words) {
    Fixture f;
    begin(&f);
    const ObjectLabel labels[] = { { S("symbol"), S("BTC/USDT") }, { S("note"), S("ünïcode = ok") } };
    ObjectPut p = { .key = S("datasets/btc.csv"), .content_type = S("text/csv"), .labels = labels, .n_labels = 2 };
    ObjectInfo made, info;
    Time before = clock_wall(f.t.cx.clock);
    CHECK_OK(&f.t.cx, object_put(f.s, &f.t.cx, &p, S("abc"), &made));
    Time after = clock_wall(f.t.cx.clock);
    CHECK_OK(&f.t.cx, object_head(f.s, &f.t.cx, p.key, &info));
    CHECK_STR(info.key, p.key);
    CHECK_EQ(info.size, 3);
    CHECK_STR(str_c(info.etag), str_c(made.etag));
    CHECK_STR(str_c(info.sha256), S("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
    CHECK_STR(info.content_type, S("text/csv"));
    CHECK(info.modified.ms >= before.ms && info.modified.ms <= after.ms);
    CHECK_STR(object_label(&info, S("symbol")), S("BTC/USDT"));
    CHECK_STR(object_label(&info, S("note")), S("ünïcode = ok"));
    CHECK_STR(object_label(&info, S("nothing")), S(""));
    CHECK_STR(get(&f, "datasets/btc.csv"), S("abc"));
    end(&f);
}

TEST(a_key_that_was_never_put_is_an_outcome) {
    Fixture f;
    begin(&f);
    ObjectInfo info;
    char byte;
    size_t got;
    CHECK_EQ(object_head(f.s, &f.t.cx, S("a"), &info), OBJECT_NONE);
    CHECK_EQ(object_get(f.s, &f.t.cx, S("a"), S(""), 0, 1, &byte, &got), OBJECT_NONE);
    CHECK_EQ(object_remove(f.s, &f.t.cx, S("a")), OBJECT_NONE);
    put(&f, "a/b", S("x"));
    CHECK_EQ(object_head(f.s, &f.t.cx, S("a"), &info), OBJECT_NONE);
    end(&f);
}

TEST(ranges_are_read_as_asked) {
    Fixture f;
    begin(&f);
    put(&f, "digits", S("0123456789"));
    static const struct {
        const char *name;
        int64_t at;
        size_t n;
        const char *want;
    } cases[] = { { "all", 0, 10, "0123456789" },  { "middle", 3, 4, "3456" },       { "over the end", 8, 9, "89" },
                  { "behind the end", 10, 5, "" }, { "far behind", 1000000, 5, "" }, { "nothing", 2, 0, "" } };
    EACH_ROW (c, cases) {
        char bytes[16];
        size_t got = 99;
        CHECK_OK(&f.t.cx, object_get(f.s, &f.t.cx, S("digits"), S(""), c->at, c->n, bytes, &got));
        CHECK_STR(str_n(bytes, got), str_c(c->want));
    }
    end(&f);
}

TEST(nothing_of_a_put_is_seen_before_its_end_MDS_37) {
    Fixture f;
    begin(&f);
    ObjectInfo info, *v;
    ObjectWriter *w;
    size_t n;
    bool more;
    put(&f, "old", S("old bytes"));
    static const char *const keys[] = { "new", "old" };
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        ObjectPut p = { .key = str_c(keys[i]) };
        CHECK_OK(&f.t.cx, object_put_begin(f.s, &f.t.cx, &p, &w));
        CHECK_OK(&f.t.cx, object_put_data(w, &f.t.cx, S("half of it")));
        CHECK_EQ(object_head(f.s, &f.t.cx, S("new"), &info), OBJECT_NONE);
        CHECK_STR(get(&f, "old"), S("old bytes"));
        CHECK_OK(&f.t.cx, object_list(f.s, &f.t.cx, S(""), S(""), 0, &v, &n, &more));
        CHECK_EQ(n, 1);
        w = object_put_abort(w);
        CHECK_OK(&f.t.cx, object_list(f.s, &f.t.cx, S(""), S(""), 0, &v, &n, &more));
        CHECK_EQ(n, 1);
        CHECK_STR(get(&f, "old"), S("old bytes"));
    }
    end(&f);
}

static int fail_at(void *arg, Ctx *cx, const char *point) {
    return strcmp(point, arg) == 0 ? err_set(cx, ERR_STORAGE, "no room, says the test") : 0;
}

TEST(a_failing_put_leaves_what_was_there_FLW_20) {
    Fixture f;
    begin(&f);
    static char begin_[] = "put_begin", data[] = "put_data", end_[] = "put_end";
    char *const points[] = { begin_, data, end_ };
    put(&f, "a", S("first"));
    for (size_t i = 0; i < ARRAY_LEN(points); i++) {
        ObjectInfo info;
        object_store_set_fault(f.s, fail_at, points[i]);
        CHECK_EQ(object_put(f.s, &f.t.cx, &(ObjectPut){ .key = S("a") }, S("second"), &info), ERR_STORAGE);
        CHECK_EQ(object_put(f.s, &f.t.cx, &(ObjectPut){ .key = S("b") }, S("second"), &info), ERR_STORAGE);
        object_store_set_fault(f.s, NULL, NULL);
        CHECK_STR(get(&f, "a"), S("first"));
        CHECK_EQ(object_head(f.s, &f.t.cx, S("b"), &info), OBJECT_NONE);
    }
    end(&f);
}

TEST(a_put_replaces_whole_objects) {
    Fixture f;
    begin(&f);
    ObjectInfo first = put(&f, "a", S("first and long")), second = put(&f, "a", S("2nd"));
    CHECK(strcmp(first.etag, second.etag) != 0);
    CHECK_STR(get(&f, "a"), S("2nd"));
    char bytes[32];
    size_t got;
    CHECK_EQ(object_get(f.s, &f.t.cx, S("a"), str_c(first.etag), 0, 5, bytes, &got), OBJECT_CHANGED);
    CHECK_EQ(object_get(f.s, &f.t.cx, S("a"), str_c(second.etag), 0, 5, bytes, &got), 0);
    ObjectInfo third = put(&f, "a", S("2nd"));
    CHECK_STR(str_c(third.sha256), str_c(second.sha256));
    CHECK_STR(get(&f, "a"), S("2nd"));
    end(&f);
}

TEST(conditions_hold_at_the_end_of_the_put) {
    Fixture f;
    begin(&f);
    ObjectInfo info;
    ObjectPut fresh = { .key = S("a"), .if_absent = true };
    CHECK_OK(&f.t.cx, object_put(f.s, &f.t.cx, &fresh, S("1"), &info));
    CHECK_EQ(object_put(f.s, &f.t.cx, &fresh, S("2"), NULL), OBJECT_CHANGED);
    CHECK_STR(get(&f, "a"), S("1"));
    ObjectPut swap = { .key = S("a"), .if_etag = str_c(info.etag) };
    ObjectWriter *late;
    CHECK_OK(&f.t.cx, object_put_begin(f.s, &f.t.cx, &swap, &late));
    CHECK_OK(&f.t.cx, object_put(f.s, &f.t.cx, &swap, S("3"), NULL));
    CHECK_OK(&f.t.cx, object_put_data(late, &f.t.cx, S("4")));
    CHECK_EQ(object_put_end(late, &f.t.cx, NULL), OBJECT_CHANGED);
    CHECK_STR(get(&f, "a"), S("3"));
    ObjectPut none = { .key = S("b"), .if_etag = S("xyz") };
    CHECK_EQ(object_put(f.s, &f.t.cx, &none, S("5"), NULL), OBJECT_CHANGED);
    CHECK_EQ(object_head(f.s, &f.t.cx, S("b"), &info), OBJECT_NONE);
    end(&f);
}

enum { LISTED_MAX = 16 };

/* Keys whose order by bytes is not that of a tree, put out of order; sorted into out. */
static size_t put_listed(Fixture *f, Str out[static LISTED_MAX]) {
    static const char *const keys[] = { "Z",     "a",   "a b", "a!b",   "a-b", "a.b/c", "a/b",
                                        "a/b/c", "a/c", "a0",  "b/%41", "b/A", "é" };
    bool (*hides)(void) = object_store_maker.hides_below_keys;
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        Str key = str_c(keys[(i * 5) % ARRAY_LEN(keys)]);
        if (hides && hides() && (str_eq(key, S("a")) || str_eq(key, S("a/b"))))
            continue;
        put(f, key.p, S("x"));
        size_t at = n++; /* insertion sort by bytes */
        for (; at > 0 && str_cmp(out[at - 1], key) > 0; at--)
            out[at] = out[at - 1];
        out[at] = key;
    }
    return n;
}

TEST(lists_are_in_the_order_of_the_bytes_and_in_pages) {
    Fixture f;
    begin(&f);
    Str sorted[LISTED_MAX];
    size_t n_sorted = put_listed(&f, sorted);
    const size_t limits[] = { 1, 2, 5, n_sorted - 1, n_sorted, 100 };
    for (size_t k = 0; k < ARRAY_LEN(limits); k++) {
        Str after = { 0 };
        size_t seen = 0;
        for (bool more = true; more;) {
            ObjectInfo *v;
            size_t n;
            CHECK_OK(&f.t.cx, object_list(f.s, &f.t.cx, S(""), after, limits[k], &v, &n, &more));
            CHECK_EQ(n, MIN(limits[k], n_sorted - seen));
            for (size_t i = 0; i < n; i++)
                CHECK_STR(v[i].key, sorted[seen + i]);
            seen += n;
            CHECK_EQ(more, seen < n_sorted);
            after = v[n - 1].key;
        }
        CHECK_EQ(seen, n_sorted);
    }
    static const char *const prefixes[] = { "a", "a/", "a/b", "a/b/", "b/%", "x", "a/b/c/d" };
    for (size_t p = 0; p < ARRAY_LEN(prefixes); p++) {
        ObjectInfo *v;
        size_t n, want = 0;
        bool more;
        for (size_t i = 0; i < n_sorted; i++)
            want += str_starts(sorted[i], str_c(prefixes[p]));
        CHECK_OK(&f.t.cx, object_list(f.s, &f.t.cx, str_c(prefixes[p]), S(""), 0, &v, &n, &more));
        CHECK_EQ(n, want);
        CHECK(!more);
    }
    end(&f);
}

TEST(removed_objects_are_gone_and_their_neighbours_are_not) {
    Fixture f;
    begin(&f);
    ObjectInfo info, *v;
    size_t n;
    bool more;
    put(&f, "a", S("1"));
    put(&f, "a/b", S("2"));
    put(&f, "a/b/c", S("3"));
    CHECK_OK(&f.t.cx, object_remove(f.s, &f.t.cx, S("a/b")));
    CHECK_EQ(object_head(f.s, &f.t.cx, S("a/b"), &info), OBJECT_NONE);
    CHECK_STR(get(&f, "a"), S("1"));
    CHECK_STR(get(&f, "a/b/c"), S("3"));
    CHECK_OK(&f.t.cx, object_remove(f.s, &f.t.cx, S("a/b/c")));
    CHECK_OK(&f.t.cx, object_remove(f.s, &f.t.cx, S("a")));
    CHECK_OK(&f.t.cx, object_list(f.s, &f.t.cx, S(""), S(""), 0, &v, &n, &more));
    CHECK_EQ(n, 0);
    put(&f, "a/b", S("4"));
    CHECK_STR(get(&f, "a/b"), S("4"));
    end(&f);
}

TEST(keys_and_labels_that_cannot_be_are_refused) {
    Fixture f;
    begin(&f);
    char long_key[OBJECT_KEY_MAX + 2], long_segment[OBJECT_SEGMENT_MAX + 2];
    memset(long_key, 'k', sizeof long_key - 1);
    for (size_t i = 40; i < sizeof long_key; i += 41)
        long_key[i] = '/';
    long_key[sizeof long_key - 1] = '\0';
    memset(long_segment, 's', sizeof long_segment - 1);
    long_segment[sizeof long_segment - 1] = '\0';
    const char *const keys[] = { "",       "/",   "/a",   "a/",    "a//b",     ".",      "..",
                                 "a/../b", "./a", "a\nb", "a\x7f", "\xff\xfe", long_key, long_segment };
    ObjectInfo info;
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        CHECK_EQ(object_put(f.s, &f.t.cx, &(ObjectPut){ .key = str_c(keys[i]) }, S("x"), NULL), ERR_INVALID);
        CHECK_EQ(object_head(f.s, &f.t.cx, str_c(keys[i]), &info), ERR_INVALID);
        CHECK_EQ(object_remove(f.s, &f.t.cx, str_c(keys[i])), ERR_INVALID);
    }
    static const ObjectLabel bad[] = {
        { S(""), S("v") }, { S("Upper"), S("v") }, { S("a b"), S("v") }, { S("a"), S("x\n") }
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        ObjectPut p = { .key = S("k"), .labels = &bad[i], .n_labels = 1 };
        CHECK_EQ(object_put(f.s, &f.t.cx, &p, S("x"), NULL), ERR_INVALID);
    }
    static const char *const odd[] = { "..a", "a..",  "...",    "a\\b", "C:",  "con",
                                       "~",   "a\"b", "%2e%2e", "-rf",  "a b", "ß/ü" };
    for (size_t i = 0; i < ARRAY_LEN(odd); i++) { /* and these are just names */
        put(&f, odd[i], str_c(odd[i]));
        CHECK_STR(get(&f, odd[i]), str_c(odd[i]));
    }
    end(&f);
}

TEST(large_objects_come_in_pieces_MDS_37) {
    Fixture f;
    begin(&f);
    enum { PIECE = 100003, N = 50 };
    char *piece = arena_alloc(&f.t.arena, PIECE), sum[SHA256_HEX + 1];
    Sha256 all;
    ObjectWriter *w;
    ObjectInfo info;
    sha256_init(&all);
    CHECK_OK(&f.t.cx, object_put_begin(f.s, &f.t.cx, &(ObjectPut){ .key = S("large") }, &w));
    for (int i = 0; i < N; i++) {
        for (int k = 0; k < PIECE; k++)
            piece[k] = (char)(i * 31 + k * 7 + k / 251);
        sha256_put(&all, str_n(piece, PIECE));
        CHECK_OK(&f.t.cx, object_put_data(w, &f.t.cx, str_n(piece, PIECE)));
    }
    CHECK_OK(&f.t.cx, object_put_end(w, &f.t.cx, &info));
    sha256_end_hex(&all, sum);
    CHECK_EQ(info.size, PIECE * N);
    CHECK_STR(str_c(info.sha256), str_c(sum));
    CHECK_EQ(get(&f, "large").n, PIECE * N);
    CHECK_OK(&f.t.cx, object_put(f.s, &f.t.cx, &(ObjectPut){ .key = S("empty") }, S(""), &info));
    CHECK_EQ(info.size, 0);
    CHECK_EQ(get(&f, "empty").n, 0);
    end(&f);
}

typedef struct Racer {
    Fixture *f;
    pthread_t thread;
    int id, wins;
    bool failed;
} Racer;

/* Each round one put of many may find the key absent; readers see one whole object or another. */
static void *race(void *arg) {
    Racer *me = arg;
    Arena arena = { 0 };
    Ctx cx;
    ctx_init(&cx, &arena, me->f->t.cx.clock);
    for (int i = 0; i < 20; i++) {
        char key[32], text[64];
        snprintf(key, sizeof key, "round/%d", i);
        int n = snprintf(text, sizeof text, "written by %d", me->id);
        int r = object_put(me->f->s, &cx, &(ObjectPut){ .key = str_c(key), .if_absent = true }, str_n(text, (size_t)n),
                           NULL);
        me->wins += r == 0;
        me->failed |= r < 0;
        r = object_put(me->f->s, &cx, &(ObjectPut){ .key = S("shared") }, str_n(text, (size_t)n), NULL);
        me->failed |= r != 0;
        Str got = { 0 };
        char bytes[64];
        r = object_get(me->f->s, &cx, S("shared"), S(""), 0, sizeof bytes, bytes, &got.n);
        got.p = bytes;
        me->failed |= r != 0 || !str_starts(got, S("written by "));
        arena_reset(&arena);
    }
    arena_done(&arena);
    return NULL;
}

TEST(of_many_that_want_a_key_absent_one_wins) {
    Fixture f;
    begin(&f);
    Racer racers[4];
    int wins = 0;
    for (int i = 0; i < 4; i++) {
        racers[i] = (Racer){ .f = &f, .id = i };
        pthread_create(&racers[i].thread, NULL, race, &racers[i]);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(racers[i].thread, NULL);
        wins += racers[i].wins;
        CHECK(!racers[i].failed);
    }
    CHECK_EQ(wins, 20);
    end(&f);
}

TEST(objects_outlive_the_store_and_half_puts_do_not) {
    Fixture f;
    begin(&f);
    if (!object_store_maker.persistent) {
        end(&f);
        return;
    }
    ObjectWriter *w;
    put(&f, "kept/this", S("bytes"));
    CHECK_OK(&f.t.cx, object_put_begin(f.s, &f.t.cx, &(ObjectPut){ .key = S("half") }, &w));
    CHECK_OK(&f.t.cx, object_put_data(w, &f.t.cx, S("half")));
    ObjectStore *second = object_store_maker.open(&f.t, f.dir); /* as after a kill */
    ObjectInfo info, *v;
    size_t n;
    bool more;
    CHECK_OK(&f.t.cx, object_list(second, &f.t.cx, S(""), S(""), 0, &v, &n, &more));
    CHECK_EQ(n, 1);
    CHECK_EQ(object_head(second, &f.t.cx, S("half"), &info), OBJECT_NONE);
    object_store_close(second);
    object_put_abort(w);
    CHECK_STR(get(&f, "kept/this"), S("bytes"));
    end(&f);
}

TESTS(T(what_is_put_comes_back_with_its_words), T(a_key_that_was_never_put_is_an_outcome), T(ranges_are_read_as_asked),
      T(nothing_of_a_put_is_seen_before_its_end_MDS_37), T(a_failing_put_leaves_what_was_there_FLW_20),
      T(a_put_replaces_whole_objects), T(conditions_hold_at_the_end_of_the_put),
      T(lists_are_in_the_order_of_the_bytes_and_in_pages), T(removed_objects_are_gone_and_their_neighbours_are_not),
      T(keys_and_labels_that_cannot_be_are_refused), T(large_objects_come_in_pieces_MDS_37),
      T(of_many_that_want_a_key_absent_one_wins), T(objects_outlive_the_store_and_half_puts_do_not))
