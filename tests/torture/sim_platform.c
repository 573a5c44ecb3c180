/* tests/torture/sim_platform.c - see sim_platform.h.
 *
 * A life is the time between two power cuts. Everything that happens in it is the work of an actor: it has a timer
 * and, when it is due, does one thing, at once or as a job of the lane. When the power goes, what is under way finds
 * its disk dead and itself cancelled, comes back, and the process is gone; the next life opens the store again. */

#include "torture/sim_platform.h"

#include "adapters/market/binance.h"
#include "adapters/store/sqlite.h"
#include "base/hash.h"
#include "services/market/market.h"
#include "sim/vfs.h"
#include "sim/world.h"
#include "torture/sim_truth.h"

#include <stdio.h>

enum { SERIES = 4, POLLERS = 5, CLIENTS = 2, ACTORS = POLLERS + CLIENTS + 6, HISTORY_DAYS = 3, DAYS_MAX = 8 };

#define MARKET_DB "/disk/market.db"

static const Time start = { INT64_C(1709294415500) };

/* Every fault that must lose, double or invent nothing. Not among them: times off the grid and an empty page, which
 * nobody can tell from what the exchange really has. */
static const char *const fault_rules[] = {
    "429:prob=0.08,n=3",  "418:prob=0.02,n=120",    "403:prob=0.01",    "500:prob=0.1",        "503:prob=0.05",
    "not-json:prob=0.06", "truncated:prob=0.08",    "chunked:prob=0.3", "trickle:prob=0.1",    "reset:prob=0.1",
    "stall:prob=0.05",    "duplicate-row:prob=0.2", "micros:prob=0.2",  "short-page:prob=0.2", "unsorted:prob=0.1",
};

typedef struct Platform Platform;

typedef struct Actor {
    Platform *p;
    void (*act)(Platform *p, int i, Ctx *cx);
    int i;
    bool on_lane;
    int64_t least_ms, most_ms; /* until it is due again */
    uint64_t timer;
    Arena arena;
} Actor;

struct Platform {
    uint64_t seed;
    SimDefect defect;
    Words words;
    SimPlatformStats *stats;
    Rng rng;
    Arena arena, scratch; /* of the run; of one check */
    World *w;
    SimDisk *disk;
    SimDiskFaults disk_faults;
    Actor actors[ACTORS];
    int n_actors;
    Truth truth[SERIES];
    Ledger ledger[CLIENTS];
    /* of one life */
    atomic_bool dying; /* the power has gone, or a check has failed */
    bool disk_ill;     /* the disk has failed calls of this life */
    Lane *lane;
    int under_way;
    MarketFeed *feed;
    CandleStore *store;
    MarketService *market;
};

static bool dying(Platform *p) {
    return atomic_load(&p->dying);
}

static void fail(Platform *p, const char *what, Ctx *cx) {
    words_set(p->words, "%s: %s", what, cx->err.text);
    atomic_store(&p->dying, true);
}

static Ctx check_ctx(Platform *p) {
    Ctx cx;
    arena_reset(&p->scratch);
    ctx_init(&cx, &p->scratch, world_clock(p->w));
    return cx;
}

static void note(Platform *p, const char *what, int64_t n) {
    char text[64];
    int len = snprintf(text, sizeof text, "%s %lld", what, (long long)n);
    world_note(p->w, str_n(text, (size_t)len));
}

/* --- the disk and the power --- */

static void set_disk_faults(Platform *p, SimDiskFaults f) {
    p->disk_faults = f;
    sim_disk_set_faults(p->disk, &f);
    p->disk_ill = p->disk_ill || f.error_one_in || f.capacity_bytes;
}

static void power_off(Platform *p) {
    sim_disk_power_off(p->disk);
    atomic_store(&p->dying, true);
}

/* May a call have failed with this code because of the disk? */
static bool disk_may_fail(const Platform *p, int r) {
    return (p->disk_ill || sim_disk_is_off(p->disk)) && (r == ERR_IO || r == ERR_STORAGE || r == ERR_REPOSITORY);
}

static void act_cut(Platform *p, int i, Ctx *cx) {
    UNUSED(i);
    UNUSED(cx);
    power_off(p);
}

/* A stretch of bad disk, then a healthy one again. */
static void act_disk(Platform *p, int i, Ctx *cx) {
    UNUSED(i);
    UNUSED(cx);
    SimDiskFaults f = { 0 };
    if (p->disk_faults.cut_at_op) /* counting begins anew */
        f.cut_at_op = MAX(1, p->disk_faults.cut_at_op - sim_disk_ops(p->disk));
    if (!p->disk_faults.error_one_in && !p->disk_faults.capacity_bytes) {
        int64_t used = sim_disk_size(p->disk, MARKET_DB) + MAX(0, sim_disk_size(p->disk, MARKET_DB "-wal"));
        if (rng_chance(&p->rng, 0.5))
            f.error_one_in = rng_between(&p->rng, 5, 200);
        else
            f.capacity_bytes = MAX(1, used + rng_between(&p->rng, -20000, 60000));
        p->stats->disk_trouble++;
    }
    set_disk_faults(p, f);
}

/* --- weather and clocks --- */

static void act_weather(Platform *p, int i, Ctx *cx) {
    UNUSED(i);
    Faults *faults = exchange_sim_faults(world_exchange(p->w));
    double bad = rng_f64(&p->rng) * 0.8;
    faults_clear(faults);
    for (size_t k = 0; k < ARRAY_LEN(fault_rules); k++)
        if (rng_chance(&p->rng, bad) && faults_add(faults, cx, str_c(fault_rules[k])))
            fail(p, "adding a fault", cx);
}

/* The machine's clock goes wrong by up to an hour, mostly behind, or is put right. */
static void act_clock(Platform *p, int i, Ctx *cx) {
    UNUSED(i);
    UNUSED(cx);
    int64_t off = rng_chance(&p->rng, 0.4) ? 0 : rng_between(&p->rng, -(int64_t)MS_PER_HOUR, MS_PER_HOUR / 4);
    world_set_wall(p->w, time_add_ms(world_venue_now(p->w), off));
    p->stats->clock_jumps++;
}

/* --- what the platform is for --- */

static void check_collected(Platform *p, const Truth *t, Time from, Time to, Ctx *cx) {
    bool ill = p->disk_faults.error_one_in != 0;
    if (!ill && truth_check_whole(t, p->store, cx, from, to, p->words))
        atomic_store(&p->dying, true);
}

static void act_poll(Platform *p, int i, Ctx *cx) {
    const Truth *t = &p->truth[i % SERIES];
    Time now = world_now(p->w);
    int64_t step = timeframe_ms(t->key.timeframe);
    MarketEnsure req = { .key = &t->key, .from = t->from, .to = time_add_ms(now, step) };
    MarketEnsured done;
    if (rng_chance(&p->rng, 0.8)) { /* else everything at once */
        int64_t back = rng_between(&p->rng, 0, (now.ms - t->from.ms) / step);
        req.from = timeframe_step(t->key.timeframe, t->from, back);
        if (rng_chance(&p->rng, 0.5))
            req.to = timeframe_step(t->key.timeframe, req.from, rng_between(&p->rng, 0, 300));
    }
    req.refresh = rng_chance(&p->rng, 0.1);
    int r = market_ensure(p->market, cx, &req, &done);
    bool venue = r == ERR_LIMIT || r == ERR_UNAVAILABLE || r == ERR_TIMEOUT || r == ERR_COLLECTION || r == ERR_DENIED;
    note(p, "ensure", r);
    p->stats->collections += r == 0;
    p->stats->collections_failed += r != 0;
    if (r == 0)
        check_collected(p, t, req.from, time_ms(MIN(done.covered_to.ms, req.to.ms)), cx);
    else if (!venue && !disk_may_fail(p, r) && r != ERR_CANCELLED)
        fail(p, "ensure fails as nothing here can make it fail", cx);
}

static void act_save(Platform *p, int i, Ctx *cx) {
    Ledger *l = &p->ledger[i];
    Candles rows;
    if (!ledger_draw(l, &p->rng, cx->arena, &rows))
        return;
    MarketSave req = { .key = &l->key, .rows = &rows, .durable = rng_chance(&p->rng, 0.8) };
    MarketSaved saved;
    int r = market_save(p->market, cx, &req, &saved);
    note(p, "save", r);
    p->stats->saves += r == 0;
    p->stats->saves_failed += r != 0;
    if (r == 0)
        ledger_acked(l, req.durable);
    else if (!disk_may_fail(p, r) && r != ERR_CANCELLED)
        fail(p, "save fails as nothing here can make it fail", cx);
}

static void check_gaps(Platform *p, Ctx *cx) {
    const Truth *t = &p->truth[rng_below(&p->rng, SERIES)];
    MarketGaps gaps;
    int r = market_gaps(p->market, cx,
                        &(MarketGapQuery){ .key = &t->key, .from = TIME_MIN, .to = TIME_MAX, .most = 100 }, &gaps);
    note(p, "gaps", r);
    if (r == 0 && gaps.missing != gaps.expected - gaps.series.n) {
        words_set(p->words, "gaps: %lld missing of %lld expected, but %lld are stored", (long long)gaps.missing,
                  (long long)gaps.expected, (long long)gaps.series.n);
        atomic_store(&p->dying, true);
    } else if (r < 0 && !disk_may_fail(p, r) && r != ERR_CANCELLED) {
        fail(p, "gaps fails as nothing here can make it fail", cx);
    }
}

static void act_read(Platform *p, int i, Ctx *cx) {
    UNUSED(i);
    Ledger *l = &p->ledger[rng_below(&p->rng, CLIENTS)];
    MarketPage page;
    int r = market_get(p->market, cx, &l->key, &(CandleQuery){ .from = TIME_MIN, .to = TIME_MAX, .limit = 100 }, &page);
    note(p, "get", r == 0 ? (int64_t)page.rows.n : r);
    p->stats->reads++;
    if (r < 0 && !disk_may_fail(p, r) && r != ERR_CANCELLED)
        fail(p, "get fails as nothing here can make it fail", cx);
    if (r == 0 && page.simulated)
        fail(p, "a client's candles called simulated", cx);
    check_gaps(p, cx);
    bool ill = p->disk_faults.error_one_in || sim_disk_is_off(p->disk);
    if (!ill && ledger_check(l, p->store, cx, false, p->words))
        atomic_store(&p->dying, true);
}

/* --- actors --- */

static void actor_due(void *arg);

static void actor_again(Actor *a) {
    if (!dying(a->p))
        a->timer = world_after(a->p->w, rng_between(&a->p->rng, a->least_ms, a->most_ms), actor_due, a);
}

static void actor_job(void *arg, int err) {
    Actor *a = arg;
    Platform *p = a->p;
    if (err == ERR_CANCELLED || dying(p))
        return;
    Ctx cx;
    ctx_init(&cx, &a->arena, world_clock(p->w));
    cx.cancel = &p->dying;
    cx.deadline = mono_add_ms(clock_mono(cx.clock), rng_between(&p->rng, MS_PER_MINUTE, 10 * MS_PER_MINUTE));
    p->under_way++;
    a->act(p, a->i, &cx);
    p->under_way--;
    arena_done(&a->arena);
    if (sim_disk_is_off(p->disk))
        power_off(p);
    actor_again(a);
}

static void actor_due(void *arg) {
    Actor *a = arg;
    a->timer = 0;
    if (!a->on_lane)
        actor_job(a, 0);
    else if (lane_post(a->p->lane, &(LaneJob){ .run = actor_job, .arg = a }) != 0)
        a->timer = world_after(a->p->w, MS_PER_SECOND, actor_due, a);
}

static void actor_add(Platform *p, void (*act)(Platform *p, int i, Ctx *cx), int i, bool on_lane, int64_t least_min,
                      int64_t most_min) {
    assert(p->n_actors < ACTORS);
    p->actors[p->n_actors++] = (Actor){ .p = p,
                                        .act = act,
                                        .i = i,
                                        .on_lane = on_lane,
                                        .least_ms = least_min * MS_PER_MINUTE,
                                        .most_ms = most_min * MS_PER_MINUTE };
}

static void actors_init(Platform *p) {
    for (int i = 0; i < POLLERS; i++) /* two of them for one series */
        actor_add(p, act_poll, i, true, 5, 120);
    for (int i = 0; i < CLIENTS; i++)
        actor_add(p, act_save, i, true, 1, 30);
    actor_add(p, act_read, 0, true, 10, 60);
    actor_add(p, act_weather, 0, false, 10, 300);
    actor_add(p, act_disk, 0, false, 5, 240);
    actor_add(p, act_clock, 0, false, 60, 600);
    actor_add(p, act_cut, 0, false, 60, 1500);
}

/* --- a life --- */

static int open_all(Platform *p) {
    Ctx cx = check_ctx(p);
    StoreSqliteOptions so = { .path = MARKET_DB, .vfs = world_vfs(p->w), .inline_writer = true };
    BinanceOptions bo = { .http = world_http(p->w), .seed = p->seed, .simulated = true };
    int r = store_sqlite_open(&cx, &so, &p->store);
    if (r != 0) {
        p->store = NULL;
        if (!disk_may_fail(p, r))
            fail(p, "the store does not open", &cx);
        return r;
    }
    p->store = sim_defect_wrap(p->store, p->defect);
    r = market_binance_open(&cx, &bo, &p->feed);
    if (r != 0) {
        fail(p, "opening the feed", &cx);
        return r;
    }
    p->market = market_service_new(&(MarketOptions){ .store = p->store, .feeds = &p->feed, .n_feeds = 1 });
    p->lane = world_lane(p->w, "io", 3, 16);
    return 0;
}

static void close_all(Platform *p) {
    for (int i = 0; i < p->n_actors; i++) {
        if (p->actors[i].timer)
            world_cancel(p->w, p->actors[i].timer);
        p->actors[i].timer = 0;
    }
    if (p->lane)
        lane_close(p->lane);
    assert(p->under_way == 0);
    p->lane = NULL;
    p->market = market_service_free(p->market);
    p->feed = market_feed_close(p->feed);
    p->store = candle_store_close(p->store);
}

static int check_all(Platform *p, bool after_cut) {
    Ctx cx = check_ctx(p);
    if (candle_store_verify(p->store, &cx)) {
        fail(p, after_cut ? "verify after the cut" : "verify", &cx);
        return -1;
    }
    for (int i = 0; i < SERIES; i++) {
        cx = check_ctx(p);
        if (truth_check(&p->truth[i], p->store, &cx, world_venue_now(p->w), p->words))
            return -1;
    }
    for (int i = 0; i < CLIENTS; i++) {
        cx = check_ctx(p);
        if (ledger_check(&p->ledger[i], p->store, &cx, after_cut, p->words))
            return -1;
    }
    return 0;
}

/* Power comes back and the process with it, perhaps to lose it again at once. */
static int reboot(Platform *p) {
    sim_disk_power_on(p->disk);
    p->stats->cuts++;
    atomic_store(&p->dying, false);
    p->disk_ill = false;
    set_disk_faults(p, (SimDiskFaults){ 0 });
    for (int i = 0; i < 3 && rng_chance(&p->rng, 0.3); i++) {
        bool cut = rng_chance(&p->rng, 0.6);
        set_disk_faults(p, cut ? (SimDiskFaults){ .cut_at_op = rng_between(&p->rng, 1, 30) }
                               : (SimDiskFaults){ .error_one_in = rng_between(&p->rng, 2, 50) });
        open_all(p);
        if (cut)
            sim_disk_power_off(p->disk);
        close_all(p);
        if (cut)
            sim_disk_power_on(p->disk);
        p->stats->cuts += cut;
        p->disk_ill = false;
        set_disk_faults(p, (SimDiskFaults){ 0 });
        if (dying(p))
            return -1;
    }
    return open_all(p) == 0 ? check_all(p, true) : -1;
}

static int live(Platform *p) {
    if (rng_chance(&p->rng, 0.6)) {
        int64_t most = rng_chance(&p->rng, 0.5) ? 200 : 3000;
        set_disk_faults(p, (SimDiskFaults){ .cut_at_op = rng_between(&p->rng, 1, most) });
    }
    for (int i = 0; i < p->n_actors; i++)
        actor_again(&p->actors[i]);
    while (!dying(p) && world_step(p->w))
        ;
    note(p, "operations", sim_disk_ops(p->disk));
    power_off(p);
    close_all(p);
    return p->words.p[0] ? -1 : 0;
}

/* --- the end: in fair weather everything comes right --- */

static int converge(Platform *p, const Truth *t) {
    MarketEnsured done, again;
    MarketEnsure req = { .key = &t->key, .from = t->from, .to = world_now(p->w) };
    Ctx cx = check_ctx(p);
    int r = market_ensure(p->market, &cx, &req, &done);
    for (int i = 0; i < 50 && r != 0; i++) {
        clock_sleep_ms(world_clock(p->w), MS_PER_MINUTE);
        cx = check_ctx(p);
        r = market_ensure(p->market, &cx, &req, &done);
    }
    if (r != 0)
        return words_set(p->words, "ensure does not come right: %s", cx.err.text);
    req.to = done.covered_to;
    r = market_ensure(p->market, &cx, &req, &again);
    if (r != 0 || !again.hit || again.requests)
        return words_set(p->words, "%s: a second ensure: %d, %lld requests", t->key.symbol.s, r,
                         (long long)again.requests);
    p->stats->rows += again.n_candles;
    note(p, "candles", again.n_candles);
    return truth_check_whole(t, p->store, &cx, t->from, done.covered_to, p->words);
}

static int come_right(Platform *p) {
    faults_clear(exchange_sim_faults(world_exchange(p->w)));
    world_set_wall(p->w, world_venue_now(p->w));
    for (int i = 0; i < SERIES; i++)
        if (converge(p, &p->truth[i]))
            return -1;
    return check_all(p, false);
}

/* --- a run --- */

static void series_key(SeriesKey *key, const char *text) {
    bool ok = series_key_parse(str_c(text), key);
    assert(ok);
    UNUSED(ok);
}

static void data_init(Platform *p, const SimWindow *outage) {
    static const char *const series[SERIES] = { "binance:BTCUSDT:1m@sim", "binance:ETHUSDT:5m@sim",
                                                "binance:XRPUSDT:15m@sim", "binance:ETHBTC:1h@sim" };
    static const char *const clients[CLIENTS] = { "lab:ALPHA:1m@csv", "lab:BETA:1h" };
    int64_t from = floor_div(start.ms, MS_PER_DAY) * MS_PER_DAY - HISTORY_DAYS * (int64_t)MS_PER_DAY;
    SeriesKey key;
    for (int i = 0; i < SERIES; i++) {
        series_key(&key, series[i]);
        truth_init(&p->truth[i], &p->arena, p->seed, &key, time_ms(from),
                   time_add_ms(start, DAYS_MAX * (int64_t)MS_PER_DAY), outage);
    }
    for (int i = 0; i < CLIENTS; i++) {
        series_key(&key, clients[i]);
        ledger_init(&p->ledger[i], &key, time_ms(from));
    }
}

static int begin(Platform *p) {
    rng_seed(&p->rng, hash64_u64(p->seed, 5));
    int64_t minute = floor_div(start.ms, MS_PER_MINUTE) * MS_PER_MINUTE;
    SimWindow outage = { .from = time_ms(minute + rng_between(&p->rng, -2000, 2000) * MS_PER_MINUTE) };
    outage.to = time_add_ms(outage.from, rng_between(&p->rng, 1, 600) * MS_PER_MINUTE);
    WorldOptions o = { .seed = p->seed,
                       .start = start,
                       .exchange = { .outages = &outage, .n_outages = 1 },
                       .net = { .latency_ms = 20, .jitter_ms = 300, .drop = 0.02, .refuse = 0.03 },
                       .vfs = "power-cut" };
    ClockManual none;
    Ctx cx;
    clock_manual_init(&none, start);
    ctx_init(&cx, &p->arena, &none.clock);
    if (world_new(&cx, &o, &p->w))
        return words_set(p->words, "the world: %s", cx.err.text);
    p->disk = sim_disk_new(o.vfs, hash64_u64(p->seed, 6));
    data_init(p, &outage);
    actors_init(p);
    return open_all(p);
}

static void end(Platform *p, uint64_t *trace) {
    ExchangeSimStats stats;
    exchange_sim_stats(world_exchange(p->w), &stats);
    p->stats->faults += stats.faults;
    p->stats->lost_sectors += sim_disk_lost_sectors(p->disk);
    p->stats->hours += (world_venue_now(p->w).ms - start.ms) / MS_PER_HOUR;
    p->stats->runs++;
    *trace = world_trace(p->w);
    close_all(p);
    world_free(p->w);
    sim_disk_free(p->disk);
    arena_done(&p->scratch);
    arena_done(&p->arena);
}

int sim_platform_run(uint64_t seed, SimDefect defect, SimPlatformStats *stats, uint64_t *trace, char *words,
                     size_t size) {
    Platform *p = mem_new(Platform);
    p->seed = seed;
    p->defect = defect;
    p->words = (Words){ words, size };
    p->stats = stats;
    words[0] = '\0';
    int r = begin(p);
    int lives = 2 + (int)rng_below(&p->rng, 4);
    Time last = time_add_ms(start, (DAYS_MAX - 2) * (int64_t)MS_PER_DAY);
    for (int i = 0; r == 0 && i < lives && time_before(world_venue_now(p->w), last); i++) {
        r = live(p);
        r = r == 0 ? reboot(p) : r;
    }
    r = r == 0 ? come_right(p) : r;
    end(p, trace);
    mem_free(p);
    return r ? -1 : 0;
}
