/* ports/candle_store: the wrapper does not believe an adapter, and leaves no trace of a failed call. */

#include "lib/test.h"
#include "ports/candle_store.h"

typedef struct Liar { /* an adapter that answers a read with the times it was given */
    CandleStore store;
    const int64_t *times;
    size_t n;
    int result;
    SeriesInfo info;
    Coverage windows[2];
    int calls;
} Liar;

static int liar_read(CandleStore *s, Ctx *cx, const SeriesKey *key, const CandleQuery *q, Candles *out, bool *more) {
    UNUSED(key);
    UNUSED(q);
    Liar *l = (Liar *)s;
    l->calls++;
    candles_reserve(out, cx->arena, out->n + l->n);
    for (size_t i = 0; i < l->n; i++)
        candles_push(out, &(Candle){ .open_time = time_ms(l->times[i]) });
    *more = true;
    return l->result;
}

static int liar_info(CandleStore *s, Ctx *cx, const SeriesKey *key, SeriesInfo *out) {
    UNUSED(cx);
    UNUSED(key);
    *out = ((Liar *)s)->info;
    return 0;
}

static int liar_coverage(CandleStore *s, Ctx *cx, const SeriesKey *key, Time from, Time to, Coverage **out, size_t *n) {
    UNUSED(cx);
    UNUSED(key);
    UNUSED(from);
    UNUSED(to);
    *out = ((Liar *)s)->windows;
    *n = 2;
    return 0;
}

static int liar_save(CandleStore *s, Ctx *cx, const SaveRequest *req, SaveResult *out) {
    Liar *l = (Liar *)s;
    l->calls++;
    *out = (SaveResult){ .inserted = (int64_t)req->rows->n, .revision = l->calls };
    return l->result ? err_set(cx, l->result, "the answer got lost") : 0;
}

static int liar_save_many(CandleStore *s, Ctx *cx, const SaveRequest *reqs, size_t n, SaveResult *out) {
    int r = 0;
    for (size_t i = 0; i < n; i++)
        r = liar_save(s, cx, &reqs[i], &out[i]);
    return r;
}

static int liar_remove(CandleStore *s, Ctx *cx, const SeriesKey *of, Time from, Time to, int64_t *removed) {
    UNUSED(of);
    UNUSED(from);
    UNUSED(to);
    *removed = 1;
    return ((Liar *)s)->result ? err_set(cx, ((Liar *)s)->result, "the answer got lost") : 0;
}

static const CandleStoreOps ops = { .name = "liar",
                                    .read = liar_read,
                                    .info = liar_info,
                                    .coverage = liar_coverage,
                                    .save = liar_save,
                                    .remove = liar_remove };
static const CandleStoreOps many_ops = { .name = "liar", .save_many = liar_save_many };
static const SeriesKey key = { .venue = { "test" }, .symbol = { "A" }, .timeframe = { UNIT_MINUTE, 1 } };

TEST(rows_out_of_order_range_or_number_are_an_error_and_leave_no_row) {
    static const int64_t good[] = { 10, 20, 30 }, back[] = { 10, 30, 20 }, twice[] = { 10, 10 }, early[] = { 9, 20 },
                         late[] = { 10, 40 }, many[] = { 10, 11, 12, 13 };
    static const struct {
        const char *name;
        const int64_t *times;
        size_t n;
        int result, want;
    } rows[] = {
        { "good", good, 3, 0, 0 },
        { "descending", back, 3, 0, ERR_CORRUPT },
        { "twice the same time", twice, 2, 0, ERR_CORRUPT },
        { "before the range", early, 2, 0, ERR_CORRUPT },
        { "behind the range", late, 2, 0, ERR_CORRUPT },
        { "more than asked for", many, 4, 0, ERR_INTERNAL },
        { "rows and an error", good, 3, ERR_IO, ERR_IO },
        { "rows and no series", good, 3, STORE_NO_SERIES, STORE_NO_SERIES },
    };
    EACH_ROW (r, rows) {
        TestCtx t;
        test_ctx_init(&t);
        test_row_name = r->name;
        Liar l = { .store = { .ops = &ops }, .times = r->times, .n = r->n, .result = r->result };
        Candles out;
        candles_init(&out, &t.arena, 1);
        candles_push(&out, &(Candle){ .open_time = time_ms(77) }); /* of an earlier page */
        CandleQuery q = { .from = time_ms(10), .to = time_ms(40), .limit = 3 };
        bool more = false;
        CHECK_EQ(candle_store_read(&l.store, &t.cx, &key, &q, &out, &more), r->want);
        CHECK_EQ(out.n, r->want ? 1 : 4);
        CHECK_EQ(more, r->want == 0);
        test_ctx_done(&t);
    }
}

TEST(contradicting_counts_and_windows_are_an_error) {
    TestCtx t;
    test_ctx_init(&t);
    Liar l = { .store = { .ops = &ops }, .info = { .n = 1, .n_synthetic = 2 } };
    l.windows[0] = (Coverage){ .from = time_ms(0), .to = time_ms(10) };
    l.windows[1] = (Coverage){ .from = time_ms(10), .to = time_ms(20) }; /* touches: not merged */
    SeriesInfo info = { .n = -5 };
    Coverage *v = NULL;
    size_t n = 9;
    CHECK_EQ(candle_store_info(&l.store, &t.cx, &key, &info), ERR_CORRUPT);
    CHECK_EQ(info.n, -5);
    CHECK_EQ(candle_store_coverage(&l.store, &t.cx, &key, TIME_MIN, TIME_MAX, &v, &n), ERR_CORRUPT);
    CHECK_EQ(n, 9);
    test_ctx_done(&t);
}

TEST(a_call_without_time_left_never_reaches_the_adapter) {
    TestCtx t;
    test_ctx_init(&t);
    Liar l = { .store = { .ops = &ops } };
    Candles out = { 0 };
    CandleQuery q = { .from = TIME_MIN, .to = TIME_MAX };
    bool more;
    t.cx.deadline = mono_add_ms(clock_mono(t.cx.clock), 1);
    clock_manual_advance_ms(&t.clock, 2);
    CHECK_EQ(candle_store_read(&l.store, &t.cx, &key, &q, &out, &more), ERR_TIMEOUT);
    CHECK_EQ(l.calls, 0);
    test_ctx_done(&t);
}

typedef struct Heard {
    int commits, doubts;
} Heard;

static void heard(void *arg, const StoreCommit *c) {
    UNUSED(c);
    ((Heard *)arg)->commits++;
}

static void doubted(void *arg, const SeriesKey *of) {
    ((Heard *)arg)->doubts += memcmp(of, &key, sizeof key) == 0;
}

TEST(cac_13_a_change_that_failed_in_the_adapter_is_doubted_and_one_that_never_reached_it_is_not) {
    enum { CHANGES = 4 };
    static const struct {
        const char *name;
        int result;
        bool late;
        Heard want;
    } rows[] = {
        { "done", 0, false, { CHANGES, 0 } },
        { "the sync failed", ERR_IO, false, { 0, CHANGES } },
        { "time was over in the middle", ERR_TIMEOUT, false, { 0, CHANGES } },
        { "time was over before", 0, true, { 0, 0 } },
    };
    EACH_ROW (r, rows) {
        TestCtx t;
        test_ctx_init(&t);
        test_row_name = r->name;
        Liar l = { .store = { .ops = &ops }, .result = r->result };
        Heard told = { 0 }, deaf = { 0 };
        CandleStoreWatch one = { .heard = heard, .doubted = doubted, .arg = &told },
                         other = { .heard = heard, .arg = &deaf };
        candle_store_watch(&l.store, &other);
        candle_store_watch(&l.store, &one);
        Candles v;
        candles_init(&v, &t.arena, 1);
        candles_push(&v, &(Candle){ .open_time = time_ms(60000) });
        SaveRequest req = { .key = &key, .rows = &v };
        SaveResult out[1];
        int64_t removed;
        if (r->late) {
            t.cx.deadline = mono_add_ms(clock_mono(t.cx.clock), 1);
            clock_manual_advance_ms(&t.clock, 2);
        }
        int want = r->late ? ERR_TIMEOUT : r->result;
        CHECK_EQ(candle_store_save(&l.store, &t.cx, &req, out), want);
        CHECK_EQ(candle_store_save_many(&l.store, &t.cx, &req, 1, out), want); /* one by one */
        CHECK_EQ(candle_store_remove(&l.store, &t.cx, &key, TIME_MIN, TIME_MAX, &removed), want);
        l.store.ops = &many_ops;
        CHECK_EQ(candle_store_save_many(&l.store, &t.cx, &req, 1, out), want);
        CHECK_EQ(told.commits, r->want.commits);
        CHECK_EQ(told.doubts, r->want.doubts);
        CHECK_EQ(deaf.commits, r->want.commits);
        test_ctx_done(&t);
    }
}

TESTS(T(rows_out_of_order_range_or_number_are_an_error_and_leave_no_row),
      T(contradicting_counts_and_windows_are_an_error), T(a_call_without_time_left_never_reaches_the_adapter),
      T(cac_13_a_change_that_failed_in_the_adapter_is_doubted_and_one_that_never_reached_it_is_not))
