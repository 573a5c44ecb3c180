/* Random operations on a candle store equal a model so naive that it cannot be wrong: an array of slots a
 * series, one a minute, filled or not. PROP_SEED=n repeats a run. */

#include "base/rng.h"
#include "contract/candle_store.h"

enum { N_SERIES = 3, N_SLOTS = 4500, FIRST_SLOT = -2000, N_STEPS = 250 };

typedef struct Slot {
    bool filled;
    Candle candle;
} Slot;

typedef struct Model {
    SeriesKey key;
    bool exists;
    Slot slots[N_SLOTS];
    int64_t revision, last_sequence;
} Model;

typedef struct Run {
    TestCtx t;
    const char *dir;
    CandleStore *store;
    Rng rng;
    Model *model; /* (N_SERIES) */
} Run;

static int64_t slot_ms(size_t i) {
    return ((int64_t)i + FIRST_SLOT) * MS_PER_MINUTE;
}

static Candle random_candle(Rng *rng, size_t slot) {
    double tick = rng_chance(rng, 0.1) ? 0.1 + rng_f64(rng) : 0.01; /* some blocks are not decimal */
    double price = (double)rng_between(rng, 1, 50) * tick;
    Candle c = { .open_time = time_ms(slot_ms(slot)), .open = price, .high = price * 2, .low = price / 2 };
    c.close = rng_chance(rng, 0.5) ? price : price * 1.5;
    c.volume = (double)rng_below(rng, 100);
    c.known_at = time_ms((int64_t)rng_below(rng, 4) * 1000);
    c.flags = rng_chance(rng, 0.2) ? CANDLE_SYNTHETIC : rng_chance(rng, 0.1) ? CANDLE_OPEN : 0;
    return c;
}

static void model_save(Model *m, const Candles *rows, SaveResult *want) {
    *want = (SaveResult){ 0 };
    for (size_t i = 0; i < rows->n; i++) {
        Candle c = candles_get(rows, i);
        Slot *slot = &m->slots[c.open_time.ms / MS_PER_MINUTE - FIRST_SLOT];
        if (!slot->filled)
            want->inserted++;
        else if ((c.flags & CANDLE_SYNTHETIC) && !(slot->candle.flags & CANDLE_SYNTHETIC)) {
            want->kept_real++;
            continue;
        } else if (candle_same_data(&c, &slot->candle) && c.flags == slot->candle.flags) {
            want->unchanged++;
            continue;
        } else {
            want->updated++;
        }
        *slot = (Slot){ true, c };
    }
    m->exists = true;
    m->revision += want->inserted + want->updated > 0;
    want->revision = m->revision;
}

static void step_save(Run *run, Model *m) {
    void **state_ = NULL;
    static const size_t spans[] = { 1, 1, 2, 3, 40, 500, 3000 };
    size_t span = spans[rng_below(&run->rng, ARRAY_LEN(spans))];
    size_t from = rng_below(&run->rng, N_SLOTS - span + 1);
    if (rng_chance(&run->rng, 0.4)) { /* as live data: near the end of what is there */
        size_t end = N_SLOTS;
        while (end > 0 && !m->slots[end - 1].filled)
            end--;
        from = MIN(end, N_SLOTS - span);
    }
    double density = rng_chance(&run->rng, 0.5) ? 1 : rng_f64(&run->rng);
    bool again = rng_chance(&run->rng, 0.2);
    Candles rows;
    candles_init(&rows, run->t.cx.arena, span);
    for (size_t i = from; i < from + span; i++) {
        Candle c = again && m->slots[i].filled ? m->slots[i].candle : random_candle(&run->rng, i);
        if (rng_f64(&run->rng) <= density)
            candles_push(&rows, &c);
    }
    SaveRequest req = { .key = &m->key, .rows = &rows, .flags = rng_chance(&run->rng, 0.2) ? SAVE_DURABLE : 0 };
    SaveResult got, want;
    CHECK_OK(&run->t.cx, candle_store_save(run->store, &run->t.cx, &req, &got));
    model_save(m, &rows, &want);
    CHECK_EQ(got.inserted, want.inserted);
    CHECK_EQ(got.updated, want.updated);
    CHECK_EQ(got.unchanged, want.unchanged);
    CHECK_EQ(got.kept_real, want.kept_real);
    CHECK_EQ(got.revision, want.revision);
}

static void step_remove(Run *run, Model *m) {
    void **state_ = NULL;
    bool all = rng_chance(&run->rng, 0.1);
    size_t from = rng_below(&run->rng, N_SLOTS), to = from + rng_below(&run->rng, N_SLOTS - from + 1);
    int64_t got = 0, want = 0;
    int r = candle_store_remove(run->store, &run->t.cx, &m->key, all ? TIME_MIN : time_ms(slot_ms(from)),
                                all ? TIME_MAX : time_ms(slot_ms(to)), &got);
    CHECK_EQ(r, m->exists ? 0 : STORE_NO_SERIES);
    for (size_t i = all ? 0 : from; i < (all ? N_SLOTS : to); i++) {
        want += m->slots[i].filled;
        m->slots[i].filled = false;
    }
    CHECK_EQ(got, want);
    m->revision += want > 0;
    if (all) {
        m->exists = false;
        m->revision = 0;
    }
}

/* Slots that answer the query, in *want; returns how many the range has. */
static size_t model_read(const Model *m, const CandleQuery *q, size_t *want, size_t *n_want) {
    size_t n = 0;
    for (size_t i = 0; i < N_SLOTS; i++) {
        const Candle *c = &m->slots[i].candle;
        if (m->slots[i].filled && c->open_time.ms >= q->from.ms && c->open_time.ms < q->to.ms &&
            !(q->skip_synthetic && (c->flags & CANDLE_SYNTHETIC)))
            want[n++] = i;
    }
    *n_want = MIN(n, q->limit);
    if (q->newest)
        memmove(want, want + n - *n_want, *n_want * sizeof *want);
    return n;
}

static void step_read(Run *run, const Model *m) {
    void **state_ = NULL;
    int64_t a = rng_between(&run->rng, -10, N_SLOTS + 10), b = rng_between(&run->rng, -10, N_SLOTS + 10);
    CandleQuery q = { .from = time_ms((MIN(a, b) + FIRST_SLOT) * MS_PER_MINUTE - rng_chance(&run->rng, 0.3)),
                      .to = time_ms((MAX(a, b) + FIRST_SLOT) * MS_PER_MINUTE),
                      .limit = 1 + rng_below(&run->rng, rng_chance(&run->rng, 0.5) ? 20 : 5000),
                      .newest = rng_chance(&run->rng, 0.5),
                      .skip_synthetic = rng_chance(&run->rng, 0.3) };
    if (rng_chance(&run->rng, 0.3)) {
        q.from = TIME_MIN;
        q.to = TIME_MAX;
    }
    Candles got = { 0 };
    bool more;
    int r = candle_store_read(run->store, &run->t.cx, &m->key, &q, &got, &more);
    CHECK_EQ(r, m->exists ? 0 : STORE_NO_SERIES);
    if (r)
        return;
    size_t want[N_SLOTS], n_want, n = model_read(m, &q, want, &n_want);
    CHECK_EQ(got.n, n_want);
    CHECK_EQ(more, n > n_want);
    for (size_t i = 0; i < got.n; i++) {
        Candle x = candles_get(&got, i);
        const Candle *y = &m->slots[want[i]].candle;
        if (!candle_same_data(&x, y) || x.flags != y->flags || x.known_at.ms != y->known_at.ms)
            FAIL("slot %zu differs", want[i]);
    }
}

static void check_info(Run *run, const Model *m) {
    void **state_ = NULL;
    SeriesInfo info = { 0 };
    CHECK_EQ(candle_store_info(run->store, &run->t.cx, &m->key, &info), m->exists ? 0 : STORE_NO_SERIES);
    int64_t n = 0, synthetic = 0, first = 0, last = 0;
    for (size_t i = 0; i < N_SLOTS; i++) {
        if (!m->slots[i].filled)
            continue;
        first = n++ == 0 ? slot_ms(i) : first;
        last = slot_ms(i);
        synthetic += (m->slots[i].candle.flags & CANDLE_SYNTHETIC) != 0;
    }
    CHECK_EQ(info.n, n);
    CHECK_EQ(info.n_synthetic, synthetic);
    CHECK_EQ(info.revision, m->revision);
    if (n > 0) {
        CHECK_EQ(info.first.ms, first);
        CHECK_EQ(info.last.ms, last);
    }
}

static void step(Run *run) {
    void **state_ = NULL;
    ArenaMark mark = arena_mark(&run->t.arena);
    Model *m = &run->model[rng_below(&run->rng, N_SERIES)];
    uint64_t die = rng_below(&run->rng, 100);
    if (die < 45)
        step_save(run, m);
    else if (die < 50)
        step_remove(run, m);
    else if (die < 95)
        step_read(run, m);
    else if (store_maker.persistent) {
        candle_store_close(run->store);
        run->store = store_maker.open(&run->t, run->dir);
    } else {
        CHECK_OK(&run->t.cx, candle_store_verify(run->store, &run->t.cx));
    }
    check_info(run, m);
    arena_rewind(&run->t.arena, mark);
}

void store_model_test(void **state_) {
    UNUSED(state_);
    static const char *const keys[N_SERIES] = { "test:A:1m", "test:B:1m/bid", "test:C:1m@sim" };
    Run run = { 0 };
    test_ctx_init(&run.t);
    rng_seed(&run.rng, prop_seed(20240101));
    run.dir = test_dir();
    run.store = store_maker.open(&run.t, run.dir);
    run.model = mem_new_n(Model, N_SERIES);
    for (int i = 0; i < N_SERIES; i++)
        CHECK(series_key_parse(str_c(keys[i]), &run.model[i].key));
    for (int i = 0; i < N_STEPS; i++)
        step(&run);
    CHECK_OK(&run.t.cx, candle_store_verify(run.store, &run.t.cx));
    candle_store_close(run.store);
    mem_free(run.model);
    test_dir_done(run.dir);
    test_ctx_done(&run.t);
}
