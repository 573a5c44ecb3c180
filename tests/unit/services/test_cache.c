/* services/cache: two levels on virtual time, a second level that fails, answers that are never stale, sessions. */

#include "adapters/cache/memory.h"
#include "base/rng.h"
#include "lib/test.h"
#include "services/cache/answers.h"
#include "services/cache/sessions.h"

#include <pthread.h>
#include <unistd.h>

static TestCtx t;
static Cache *l1, *l2;

static MultiCacheOptions options(void) {
    MultiCacheOptions o = { .l1 = l1, .l2 = l2, .clock = &t.clock.clock };
    cache_ttls_default(&o.ttls);
    return o;
}

static void setup(bool two) {
    test_ctx_init(&t);
    l1 = cache_memory_new(8 << 20, CACHE_TINYLFU, 1);
    l2 = two ? cache_memory_new(8 << 20, CACHE_TINYLFU, 2) : NULL;
}

static void teardown(void) {
    l1 = cache_close(l1);
    l2 = cache_close(l2);
    test_ctx_done(&t);
}

static void put(MultiCache *m, const char *key, const char *value, CacheKind kind) {
    CacheBlob *b = cache_blob_of(str_c(value));
    Str tag = S("tag");
    multi_cache_put(m, &t.cx, kind, false, true, &(CacheEntry){ .key = str_c(key), .tags = &tag, .n_tags = 1 }, b);
    cache_blob_unref(b);
}

static CacheLevel get(MultiCache *m, const char *key) {
    CacheHit hit;
    CacheLevel level = multi_cache_get(m, &t.cx, str_c(key), false, &hit);
    if (level != CACHE_NOWHERE)
        cache_blob_unref(hit.value);
    return level;
}

TEST(cac_01_cac_02_first_level_then_second_with_promotion_and_both_expire) {
    setup(true);
    MultiCacheOptions o = options();
    o.metrics = metrics_new(10);
    MultiCache *m = multi_cache_new(&o);
    CHECK_EQ(get(m, "k"), CACHE_NOWHERE);
    put(m, "k", "v", CACHE_OHLCV);
    CHECK_EQ(get(m, "k"), CACHE_L1);
    clock_manual_advance_ms(&t.clock, 59999);
    CHECK_EQ(get(m, "k"), CACHE_L1);
    clock_manual_advance_ms(&t.clock, 1); /* L1: 60 s */
    CHECK_EQ(get(m, "k"), CACHE_L2);
    CHECK_EQ(get(m, "k"), CACHE_L1); /* promoted */
    clock_manual_advance_ms(&t.clock, 239999);
    CHECK_EQ(get(m, "k"), CACHE_L2);
    clock_manual_advance_ms(&t.clock, 1); /* L2: 300 s; the copy in L1 has no longer to live than it had */
    CHECK_EQ(get(m, "k"), CACHE_NOWHERE);
    MultiCacheStats st;
    multi_cache_stats(m, &st);
    CHECK_EQ(st.hits_l1, 3);
    CHECK_EQ(st.hits_l2, 2);
    CHECK_EQ(st.misses, 2);
    /* OBS-12: the documents' names say the same numbers */
    CHECK_EQ(counter_value(metrics_counter(o.metrics, "python_services_cache_hits_total", "", METRIC_NO_LABELS)), 5);
    CHECK_EQ(counter_value(metrics_counter(o.metrics, "python_services_cache_misses_total", "", METRIC_NO_LABELS)), 2);
    multi_cache_free(m);
    metrics_free(o.metrics);
    teardown();
}

TEST(cac_02_cac_09_dropping_drops_from_both) {
    setup(true);
    MultiCacheOptions o = options();
    MultiCache *m = multi_cache_new(&o);
    const char *const keys[] = { "a:1", "a:2", "b:1" };
    for (int how = 0; how < 3; how++) {
        for (size_t i = 0; i < ARRAY_LEN(keys); i++)
            put(m, keys[i], "v", CACHE_STATS);
        size_t n = how == 0   ? multi_cache_drop(m, &t.cx, S("a:1"))
                   : how == 1 ? multi_cache_drop_pattern(m, &t.cx, S("a:*"))
                              : multi_cache_drop_range(m, &t.cx, S("tag"), TIME_MIN, TIME_MAX);
        CHECK_EQ(n, how + 1);
        CHECK_EQ(get(m, "a:1"), CACHE_NOWHERE);
        CHECK_EQ(get(m, "a:2") == CACHE_NOWHERE, how > 0);
        CHECK_EQ(get(m, "b:1") == CACHE_NOWHERE, how > 1);
    }
    multi_cache_free(m);
    teardown();
}

TEST(cac_03_a_kind_of_its_own_life_leaves_the_others_alone) {
    setup(true);
    MultiCacheOptions o = options();
    o.ttls.of[CACHE_STATS].ttl_ms = 1000;
    MultiCache *m = multi_cache_new(&o);
    put(m, "stats", "v", CACHE_STATS);
    put(m, "ohlcv", "v", CACHE_OHLCV);
    put(m, "none", "v", CACHE_NONE);
    CHECK_EQ(get(m, "none"), CACHE_NOWHERE);
    clock_manual_advance_ms(&t.clock, 1000);
    CHECK_EQ(get(m, "stats"), CACHE_NOWHERE);
    CHECK_EQ(get(m, "ohlcv"), CACHE_L1);
    multi_cache_free(m);
    teardown();
}

static int down_calls;
static int down(void *arg, Ctx *cx, const char *point) {
    UNUSED(arg);
    down_calls++;
    return err_set(cx, ERR_TIMEOUT, "redis: no answer in time (%s)", point);
}

TEST(a_second_level_that_is_down_is_no_error_and_is_asked_seldom) {
    setup(true);
    MultiCacheOptions o = options();
    MultiCache *m = multi_cache_new(&o);
    cache_set_fault(l2, down, NULL);
    down_calls = 0;
    for (int i = 0; i < 100; i++) {
        put(m, "k", "v", CACHE_OHLCV);
        CHECK_EQ(get(m, "k"), CACHE_L1);
        CHECK_EQ(get(m, "not there"), CACHE_NOWHERE);
        CHECK_EQ(t.cx.err.code, 0); /* the request hears nothing of it */
    }
    CHECK_EQ(down_calls, breaker_fast.failures);
    MultiCacheStats st;
    multi_cache_stats(m, &st);
    CHECK(st.l2_open);
    CHECK_EQ(st.l2_errors, 3);
    CHECK_EQ(st.l2_refused, 197);
    clock_manual_advance_ms(&t.clock, breaker_fast.recovery_ms);
    CHECK_EQ(get(m, "not there"), CACHE_NOWHERE);
    CHECK_EQ(down_calls, 4); /* one probe */
    cache_set_fault(l2, NULL, NULL);
    clock_manual_advance_ms(&t.clock, breaker_fast.recovery_ms);
    CHECK_EQ(get(m, "not there"), CACHE_NOWHERE);
    multi_cache_stats(m, &st);
    CHECK(!st.l2_open);
    multi_cache_free(m);
    teardown();
}

TEST(what_was_dropped_while_the_second_level_was_away_does_not_come_back_with_it) {
    for (int many = 0; many < 2; many++) {
        setup(true);
        MultiCacheOptions o = options();
        MultiCache *m = multi_cache_new(&o);
        put(m, "k", "old", CACHE_OHLCV);
        put(m, "other", "v", CACHE_OHLCV);
        cache_set_fault(l2, down, NULL);
        multi_cache_drop(m, &t.cx, S("k"));
        char key[16];
        for (int i = 0; i < 1000 && many; i++) /* more than are remembered one by one */
            multi_cache_drop(m, &t.cx, str_n(key, (size_t)snprintf(key, sizeof key, "x%d", i)));
        CHECK_EQ(get(m, "k"), CACHE_NOWHERE);
        MultiCacheStats st;
        multi_cache_stats(m, &st);
        CHECK(st.owed >= 1 && st.owed <= 256);
        cache_set_fault(l2, NULL, NULL);
        clock_manual_advance_ms(&t.clock, 61000); /* L1 forgets, the breaker allows a probe */
        CHECK_EQ(get(m, "k"), CACHE_NOWHERE);
        CHECK_EQ(get(m, "other"), many ? CACHE_NOWHERE : CACHE_L2);
        multi_cache_stats(m, &st);
        CHECK_EQ(st.owed, 0);
        multi_cache_free(m);
        teardown();
    }
}

/* --- answers --- */

static Answers *answers_of(uint64_t life) {
    AnswersOptions o = { .cache = options(), .seed = life };
    return answers_new(&o);
}

static void change(Answers *a, int64_t revision, int64_t from, int64_t to) {
    answers_changed(
        a, &t.cx,
        &(Change){
            .series = S("s"), .revision = revision, .from = { from }, .to = { to }, .structure = revision <= 1 });
}

/* Asks; loads `text` where it must. Gives what was told, and says whether it had to load. */
static Str ask(Answers *a, const char *key, int64_t from, int64_t to, int64_t revision, bool *loaded) {
    AnswerTicket ticket;
    Answer answer;
    int r = answers_find(a, &t.cx, str_c(key), &ticket, &answer);
    *loaded = r == ANSWER_LOAD;
    if (r == ANSWER_LOAD) {
        Str bytes = str_fmt(&t.arena, "{\"rev\":%lld,\"rows\":[]}", (long long)revision);
        AnswerMade made = { .kind = CACHE_OHLCV,
                            .series = S("s"),
                            .from = { from },
                            .to = { to },
                            .revision = revision,
                            .bytes = bytes,
                            .revision_at = 7,
                            .revision_n = bytes.n - 18 };
        answers_keep(a, &t.cx, &ticket, &made);
        return bytes;
    }
    assert_int_equal(r, 0);
    Str told = answer.tail.n ? str_fmt(&t.arena, STR_FMT "%lld" STR_FMT, STR_ARG(answer.head),
                                       (long long)answer.revision, STR_ARG(answer.tail))
                             : str_dup(&t.arena, answer.head);
    answer_done(&answer);
    return told;
}

TEST(cac_09_a_new_candle_spoils_only_what_covers_it_and_answers_say_the_revision_of_now) {
    setup(false);
    Answers *a = answers_of(1);
    bool loaded;
    change(a, 1, 0, 1000);
    ask(a, "old", 0, 100, 1, &loaded);
    ask(a, "new", 100, 200, 1, &loaded);
    change(a, 2, 150, 151);
    CHECK_STR(ask(a, "old", 0, 100, 2, &loaded), S("{\"rev\":2,\"rows\":[]}"));
    CHECK(!loaded); /* kept at revision 1, true at revision 2 */
    ask(a, "new", 100, 200, 2, &loaded);
    CHECK(loaded);
    for (int i = 3; i < 2 + CHANGES_KEPT; i++)
        change(a, i, 150, 151);
    ask(a, "old", 0, 100, 40, &loaded);
    CHECK(!loaded);
    change(a, 2 + CHANGES_KEPT, 150, 151); /* more than are remembered: better safe */
    ask(a, "old", 0, 100, 2 + CHANGES_KEPT, &loaded);
    CHECK(loaded);
    answers_free(a);
    teardown();
}

TEST(revisions_with_holes_removals_new_series_and_doubt_void_what_is_kept) {
    const struct {
        const char *name;
        Change c;
        bool void_;
    } rows[] = {
        { "the next one, elsewhere", { .series = S("s"), .revision = 6, .from = { 500 }, .to = { 501 } }, false },
        { "a hole", { .series = S("s"), .revision = 7, .from = { 500 }, .to = { 501 } }, true },
        { "one from before", { .series = S("s"), .revision = 4, .from = { 500 }, .to = { 501 } }, true },
        { "a removal", { .series = S("s"), .from = TIME_MIN, .to = TIME_MAX, .structure = true }, true },
        { "another series changes", { .series = S("r"), .revision = 9, .from = { 0 }, .to = { 9 } }, false },
        { "another series comes",
          { .series = S("r"), .revision = 1, .from = { 0 }, .to = { 9 }, .structure = true },
          true },
    };
    EACH_ROW (r, rows) {
        setup(false);
        Answers *a = answers_of(1);
        bool loaded;
        change(a, 5, 0, 1000);
        ask(a, "k", 0, 100, 5, &loaded);
        answers_changed(a, &t.cx, &r->c);
        ask(a, "k", 0, 100, 6, &loaded);
        CHECK_EQ(loaded, r->void_);
        answers_doubt(a, S("s"));
        ask(a, "k", 0, 100, 6, &loaded);
        CHECK(loaded);
        answers_free(a);
        teardown();
    }
}

TEST(what_was_read_before_a_change_is_not_kept_after_it) {
    setup(false);
    Answers *a = answers_of(1);
    change(a, 1, 0, 1000);
    AnswerTicket ticket;
    Answer answer;
    bool loaded;
    CHECK_EQ(answers_find(a, &t.cx, S("k"), &ticket, &answer), ANSWER_LOAD);
    change(a, 2, 50, 51);
    AnswerMade made = {
        .kind = CACHE_OHLCV, .series = S("s"), .from = { 0 }, .to = { 100 }, .revision = 1, .bytes = S("old")
    };
    answers_keep(a, &t.cx, &ticket, &made);
    ask(a, "k", 0, 100, 2, &loaded);
    CHECK(loaded);
    CHECK_EQ(answers_find(a, &t.cx, S("other"), &ticket, &answer), ANSWER_LOAD);
    answers_give_up(a, &ticket); /* the next one loads */
    ask(a, "other", 0, 100, 2, &loaded);
    CHECK(loaded);
    CHECK_EQ(answers_clear(a, &t.cx), 2);
    answers_free(a);
    teardown();
}

/* --- another life of the process, on what the first left in the second level --- */

static uint64_t structure_is;
static int64_t revision_is;
static int structure(void *arg, Ctx *cx, uint64_t *out) {
    UNUSED(arg);
    UNUSED(cx);
    *out = structure_is;
    return 0;
}
static int revision(void *arg, Ctx *cx, Str series, int64_t *out) {
    UNUSED(arg);
    UNUSED(cx);
    UNUSED(series);
    *out = revision_is;
    return 0;
}

static Answers *life(uint64_t seed) {
    AnswersOptions o = { .cache = options(), .seed = seed, .source = { structure, revision, NULL } };
    return answers_new(&o);
}

TEST(another_life_believes_what_is_still_so_and_nothing_else) {
    const struct {
        const char *name;
        uint64_t structure;
        int64_t revision, told; /* told: a change at once after the start, of [50, 51); 0 = none */
        bool believed;
    } rows[] = {
        { "nothing happened", 77, 5, 0, true },
        { "the series went on while we were down", 77, 6, 0, false },
        { "the series is another one now", 77, 4, 0, false },
        { "a series came or went", 78, 5, 0, false },
        { "a change now", 77, 5, 6, false },
    };
    EACH_ROW (r, rows) {
        setup(true);
        structure_is = 77;
        revision_is = 5;
        bool loaded;
        Answers *first = life(1);
        ask(first, "k", 0, 100, 5, &loaded);
        CHECK(loaded);
        answers_free(first);
        cache_close(l1);
        l1 = cache_memory_new(8 << 20, CACHE_TINYLFU, 1);
        structure_is = r->structure;
        revision_is = r->revision;
        Answers *second = life(2);
        if (r->told) {
            ask(second, "elsewhere", 200, 300, 5, &loaded); /* the series is known by this */
            change(second, r->told, 50, 51);
        }
        ask(second, "k", 0, 100, r->revision, &loaded);
        CHECK_EQ(!loaded, r->believed);
        answers_free(second);
        teardown();
    }
}

/* --- threads --- */

enum { READERS = 6, WRITERS = 2, SERIES_LEN = 8, WRITES = 3000 };

/* A store of one series: each place has a number that only grows. */
typedef struct World {
    Answers *a;
    pthread_mutex_t store;
    int64_t value[SERIES_LEN], revision; /* under store */
    _Atomic int64_t acked[SERIES_LEN];
    uint64_t seed;
    _Atomic bool over;
    _Atomic int64_t stale, loads, told, writers, done;
} World;

static void *writer(void *arg) {
    World *w = arg;
    TestCtx own;
    test_ctx_init(&own);
    Rng rng;
    int64_t mine = atomic_fetch_add(&w->writers, 1); /* each its own places: acked only grows */
    rng_seed(&rng, w->seed + (uint64_t)mine);
    for (int i = 0; i < WRITES; i++) {
        int64_t at = (int64_t)rng_below(&rng, SERIES_LEN / WRITERS) * WRITERS + mine;
        pthread_mutex_lock(&w->store);
        int64_t v = ++w->value[at], revision_after = ++w->revision;
        pthread_mutex_unlock(&w->store);
        if (rng_chance(&rng, 0.3))
            sched_yield();
        answers_changed(w->a, &own.cx,
                        &(Change){ .series = S("s"), .revision = revision_after, .from = { at }, .to = { at + 1 } });
        atomic_store(&w->acked[at], v); /* acknowledged */
        arena_reset(&own.arena);
        if (rng_chance(&rng, 0.2))
            usleep(50);
    }
    if (atomic_fetch_add(&w->done, 1) == WRITERS - 1)
        atomic_store(&w->over, true);
    test_ctx_done(&own);
    return NULL;
}

/* The sum of a range, read from the store or told by the cache, is never less than what was acknowledged before it was asked. */
static void *reader(void *arg) {
    World *w = arg;
    TestCtx own;
    test_ctx_init(&own);
    Rng rng;
    rng_seed(&rng, (uint64_t)(uintptr_t)&own);
    while (!atomic_load(&w->over)) {
        int64_t from = (int64_t)rng_below(&rng, SERIES_LEN), to = rng_between(&rng, from + 1, SERIES_LEN);
        int64_t least = 0, sum = 0;
        for (int64_t i = from; i < to; i++)
            least += atomic_load(&w->acked[i]);
        AnswerTicket ticket;
        Answer answer;
        Str key = str_fmt(&own.arena, "%lld-%lld", (long long)from, (long long)to);
        int r = answers_find(w->a, &own.cx, key, &ticket, &answer);
        if (r == ANSWER_LOAD) {
            atomic_fetch_add(&w->loads, 1);
            pthread_mutex_lock(&w->store);
            int64_t rev = w->revision;
            for (int64_t i = from; i < to; i++)
                sum += w->value[i];
            pthread_mutex_unlock(&w->store);
            if (rng_chance(&rng, 0.3))
                usleep(100); /* between reading and keeping */
            Str bytes = str_fmt(&own.arena, "%lld", (long long)sum);
            answers_keep(w->a, &own.cx, &ticket,
                         &(AnswerMade){ .kind = CACHE_OHLCV,
                                        .series = S("s"),
                                        .from = { from },
                                        .to = { to },
                                        .revision = rev,
                                        .bytes = bytes });
        } else {
            atomic_fetch_add(&w->told, 1);
            if (r != 0 || !str_to_i64(answer.head, &sum))
                sum = -1;
            answer_done(&answer);
        }
        if (sum < least)
            atomic_fetch_add(&w->stale, 1);
        arena_reset(&own.arena);
    }
    test_ctx_done(&own);
    return NULL;
}

TEST(cac_13_no_read_is_older_than_an_acknowledged_write) {
    for (int two = 0; two < 2; two++) {
        setup(two);
        static World w;
        memset(&w, 0, sizeof w);
        w.a = answers_of(9);
        w.seed = prop_seed(8);
        pthread_mutex_init(&w.store, NULL);
        pthread_t threads[READERS + WRITERS];
        for (int i = 0; i < READERS; i++)
            CHECK_EQ(pthread_create(&threads[i], NULL, reader, &w), 0);
        for (int i = READERS; i < READERS + WRITERS; i++)
            CHECK_EQ(pthread_create(&threads[i], NULL, writer, &w), 0);
        for (int i = 0; i < READERS + WRITERS; i++)
            pthread_join(threads[i], NULL);
        CHECK_EQ(atomic_load(&w.stale), 0);
        CHECK(atomic_load(&w.told) > 0 && atomic_load(&w.loads) > 0);
        pthread_mutex_destroy(&w.store);
        answers_free(w.a);
        teardown();
    }
}

enum { CROWD = 32, ASKS = 320 };
static _Atomic int n_loads, n_wrong;
static void *asker(void *arg) {
    Answers *a = arg;
    TestCtx own;
    test_ctx_init(&own);
    for (int i = 0; i < ASKS; i++) {
        AnswerTicket ticket;
        Answer answer;
        int r = answers_find(a, &own.cx, S("hot"), &ticket, &answer);
        if (r == ANSWER_LOAD) {
            atomic_fetch_add(&n_loads, 1);
            usleep(20000); /* all others come meanwhile */
            answers_keep(a, &own.cx, &ticket,
                         &(AnswerMade){ .kind = CACHE_OHLCV,
                                        .series = S("s"),
                                        .from = { 0 },
                                        .to = { 9 },
                                        .revision = 1,
                                        .bytes = S("made once") });
        } else {
            if (r != 0 || !str_eq(answer.head, S("made once")))
                atomic_fetch_add(&n_wrong, 1);
            answer_done(&answer);
        }
    }
    test_ctx_done(&own);
    return NULL;
}

TEST(cac_15_of_ten_thousand_who_ask_at_once_one_loads) {
    setup(false);
    Answers *a = answers_of(3);
    n_loads = n_wrong = 0;
    pthread_t threads[CROWD];
    for (int i = 0; i < CROWD; i++)
        CHECK_EQ(pthread_create(&threads[i], NULL, asker, a), 0);
    for (int i = 0; i < CROWD; i++)
        pthread_join(threads[i], NULL);
    CHECK_EQ(n_loads, 1);
    CHECK_EQ(n_wrong, 0);
    answers_free(a);
    teardown();
}

/* --- sessions --- */

TEST(sto_09_sessions_expire_and_the_next_instance_finds_them) {
    setup(true);
    IdsSeeded ids;
    ids_seeded_init(&ids, 4);
    Sessions one = { .cache = l2, .ids = &ids.ids, .idle_ms = 1000, .most_ms = 5000 }, other = one;
    Str id, data;
    CHECK_OK(&t.cx, session_begin(&one, &t.cx, S("user=7"), &id));
    CHECK_OK(&t.cx, session_get(&other, &t.cx, id, &data)); /* PRI-11 */
    CHECK_STR(data, S("user=7"));
    clock_manual_advance_ms(&t.clock, 999);
    CHECK_OK(&t.cx, session_get(&one, &t.cx, id, &data)); /* begins anew */
    clock_manual_advance_ms(&t.clock, 999);
    CHECK_OK(&t.cx, session_set(&one, &t.cx, id, S("user=8")));
    CHECK_OK(&t.cx, session_get(&one, &t.cx, id, &data));
    CHECK_STR(data, S("user=8"));
    clock_manual_advance_ms(&t.clock, 1000);
    CHECK_EQ(session_get(&one, &t.cx, id, &data), SESSION_NONE);
    CHECK_EQ(session_set(&one, &t.cx, id, S("x")), SESSION_NONE);

    CHECK_OK(&t.cx, session_begin(&one, &t.cx, S(""), &id));
    for (int i = 0; i < 5; i++) { /* in use all the time: at the latest after most_ms it ends */
        clock_manual_advance_ms(&t.clock, 900);
        CHECK_OK(&t.cx, session_get(&one, &t.cx, id, &data));
    }
    clock_manual_advance_ms(&t.clock, 500);
    CHECK_EQ(session_get(&one, &t.cx, id, &data), SESSION_NONE);

    CHECK_OK(&t.cx, session_begin(&one, &t.cx, S("z"), &id));
    CHECK_OK(&t.cx, session_end(&one, &t.cx, id));
    CHECK_EQ(session_get(&one, &t.cx, id, &data), SESSION_NONE);
    CHECK_EQ(session_get(&one, &t.cx, S("../../etc"), &data), SESSION_NONE);
    char *big = arena_zalloc(&t.arena, SESSION_DATA_MAX + 1);
    CHECK_EQ(session_begin(&one, &t.cx, str_n(big, SESSION_DATA_MAX + 1), &id), ERR_TOO_LARGE);
    teardown();
}

TESTS(T(cac_01_cac_02_first_level_then_second_with_promotion_and_both_expire),
      T(cac_02_cac_09_dropping_drops_from_both), T(cac_03_a_kind_of_its_own_life_leaves_the_others_alone),
      T(a_second_level_that_is_down_is_no_error_and_is_asked_seldom),
      T(what_was_dropped_while_the_second_level_was_away_does_not_come_back_with_it),
      T(cac_09_a_new_candle_spoils_only_what_covers_it_and_answers_say_the_revision_of_now),
      T(revisions_with_holes_removals_new_series_and_doubt_void_what_is_kept),
      T(what_was_read_before_a_change_is_not_kept_after_it), T(another_life_believes_what_is_still_so_and_nothing_else),
      T(cac_13_no_read_is_older_than_an_acknowledged_write), T(cac_15_of_ten_thousand_who_ask_at_once_one_loads),
      T(sto_09_sessions_expire_and_the_next_instance_finds_them))
