/* tests/torture/event_chain.c - see event_chain.h. */

#include "torture/event_chain.h"

#include "adapters/bus/log.h"
#include "adapters/sqlite/outbox.h"
#include "adapters/sqlite/owner.h"
#include "base/json.h"
#include "services/events/events.h"
#include "sim/vfs.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { POISON_EVERY = 53, BATCH_MAX = 4, FIRST_ANSWER_MS = 60000, QUIET_ROUNDS = 3, STEPS_MAX = 2000000 };

/* --- the stores --- */

#define SQL_TABLE(X)                                                                                                   \
    X(SQL_ADD, "INSERT INTO item(n, effects) VALUES(?1, 0)")                                                           \
    X(SQL_EFFECT, "INSERT INTO item(n, effects) VALUES(?1, 1) ON CONFLICT(n) DO UPDATE SET effects=effects+1")         \
    X(SQL_LAST, "SELECT coalesce(max(n), 0) FROM item")                                                                \
    X(SQL_EACH, "SELECT n, effects FROM item ORDER BY n")

enum {
    SQL_BEFORE_OURS = N_SQL_COMMON - 1,
#define SQL_ENUM(name, text) name,
    SQL_TABLE(SQL_ENUM) OUTBOX_SQL_TABLE(SQL_ENUM)
#undef SQL_ENUM
        N_SQL
};
static const char *const sql_text[N_SQL] = {
#define SQL_TEXT(name, text) [name] = text,
    SQL_COMMON_TABLE(SQL_TEXT) SQL_TABLE(SQL_TEXT) OUTBOX_SQL_TABLE(SQL_TEXT)
#undef SQL_TEXT
};
static const SchemaStep steps[] = {
    { .up = "CREATE TABLE meta(name TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;"
            "CREATE TABLE item(n INTEGER PRIMARY KEY, effects INTEGER NOT NULL);" OUTBOX_TABLES },
};
static const Schema schema = { 0x46534354, steps, ARRAY_LEN(steps) };

typedef struct Store { /* news.db: articles; scores.db: scores */
    Outbox outbox;     /* first */
    DbOwner owner;
} Store;

typedef struct Take {
    OutboxRow *v;
    size_t most, n;
} Take;

static int do_take(Db *db, Ctx *cx, void *arg) {
    Take *t = arg;
    DbOutboxRow *raw = arena_new_n(cx->arena, DbOutboxRow, t->most);
    int r = db_outbox_take(db, cx, SQL_OUTBOX_PUT, raw, t->most, &t->n);
    t->v = arena_new_n(cx->arena, OutboxRow, t->n);
    for (size_t i = 0; i < t->n; i++)
        t->v[i] = (OutboxRow){ raw[i].number, raw[i].exchange, raw[i].routing_key, raw[i].event };
    return r;
}

static int outbox_rows(Outbox *o, Ctx *cx, OutboxRow **out, size_t most, size_t *n) {
    Take t = { .most = most };
    int r = db_owner_read(&((Store *)o)->owner, cx, do_take, &t);
    *out = t.v;
    *n = t.n;
    return r == 0 && t.n == 0 ? BUS_EMPTY : r;
}

static int do_done(Db *db, Ctx *cx, void *arg) {
    return db_outbox_done(db, cx, SQL_OUTBOX_PUT, *(int64_t *)arg);
}

static int outbox_told(Outbox *o, Ctx *cx, int64_t last) {
    return db_owner_write_often(&((Store *)o)->owner, cx, do_done, &last);
}

static const OutboxOps outbox_ops = { .name = "chain", .take = outbox_rows, .done = outbox_told };

/* --- the chain --- */

typedef struct Chain {
    Arena arena;
    ClockManual clock;
    Ctx cx;
    IdsSeeded ids;
    Rng rng;
    EventBus *bus;
    Store news, scores;
    EventService *events;
    EventConsumer *scorer, *reader;
    EventRoute scorer_routes[1], reader_routes[2];
    int64_t last; /* article */
    ChainStats *stats;
    const char *vfs;
    ChainOptions o;
} Chain;

static int open_store(Chain *c, Store *s, const char *name) {
    DbOwnerOptions o = { .path = str_cz(c->cx.arena, str_fmt(c->cx.arena, "%s/%s", c->o.dir, name)),
                         .vfs = c->vfs,
                         .table = { sql_text, N_SQL },
                         .schema = &schema };
    s->outbox.ops = &outbox_ops;
    return db_owner_open(&s->owner, &c->cx, &o);
}

typedef struct ArticleJob {
    Chain *c;
    const int64_t *n;
    size_t count;
    const Event *event; /* heard */
    bool add;
    Str consumer, type, source; /* of what is told; type empty = nothing is */
} ArticleJob;

static Str body_of(Ctx *cx, const int64_t *n, size_t count) {
    Str list = S("");
    for (size_t i = 0; i < count; i++)
        list = str_fmt(cx->arena, STR_FMT "%s%lld", STR_ARG(list), i ? "," : "", (long long)n[i]);
    return str_fmt(cx->arena,
                   "{\"articles_count\":%zu,\"source\":\"chain\",\"collection_time\":\"2024-01-01T00:00:00Z\","
                   "\"article_ids\":[" STR_FMT "],\"results\":[" STR_FMT "]}",
                   count, STR_ARG(list), STR_ARG(list));
}

/* One commit: heard, done, told. */
static int do_articles(Db *db, Ctx *cx, void *arg) {
    ArticleJob *job = arg;
    int r = job->event ? db_inbox_enter(db, cx, SQL_OUTBOX_PUT, job->consumer, job->event->id) : 0;
    if (r == INBOX_SEEN)
        job->c->stats->repeated++;
    if (r)
        return r;
    for (size_t i = 0; r == 0 && i < job->count; i++)
        r = db_run(db, cx, job->add ? SQL_ADD : SQL_EFFECT, "i", job->n[i]);
    if (r || job->type.n == 0)
        return r;
    Event e = { .id = str_fmt(cx->arena, STR_FMT "-%lld", STR_ARG(job->type), (long long)job->n[0]),
                .type = job->type,
                .source = job->source,
                .version = 1,
                .at = clock_wall(cx->clock),
                .body = body_of(cx, job->n, job->count) };
    return db_outbox_put(db, cx, SQL_OUTBOX_PUT, BUS_EVENTS, event_routing_key(cx->arena, &e), &e);
}

static int read_articles(Ctx *cx, const Event *e, int64_t *n, size_t *count) {
    Str list;
    JsonReader r;
    *count = 0;
    if (!event_body_text(cx->arena, e->body, S("article_ids"), &list))
        return err_set(cx, ERR_INVALID, "article_ids: is missing");
    json_reader_init(&r, list, cx->arena, 2);
    json_open_array(&r);
    while (json_array_next(&r) > 0 && *count < BATCH_MAX)
        json_read_i64(&r, &n[(*count)++]);
    return r.err;
}

static bool is_poison(int64_t n) {
    return n % POISON_EVERY == 0;
}

/* The scorer: SAS in small. */
static int on_collected(void *arg, Ctx *cx, const Delivery *d) {
    Chain *c = arg;
    int64_t n[BATCH_MAX];
    ArticleJob job = { .c = c,
                       .n = n,
                       .event = &d->event,
                       .consumer = S("scorer"),
                       .type = S("sentiment_analysis_completed"),
                       .source = S("sentiment") };
    int r = read_articles(cx, &d->event, n, &job.count);
    if (r == 0 && is_poison(n[0]))
        return err_set(cx, ERR_INVALID, "article %lld has no words", (long long)n[0]);
    return r ? r : MIN(db_owner_write(&c->scores.owner, cx, do_articles, &job), 0);
}

static int on_scored(void *arg, Ctx *cx, const Delivery *d) {
    Chain *c = arg;
    int64_t n[BATCH_MAX];
    ArticleJob job = { .c = c, .n = n, .event = &d->event, .consumer = S("news") };
    int r = read_articles(cx, &d->event, n, &job.count);
    return r ? r : MIN(db_owner_write(&c->news.owner, cx, do_articles, &job), 0);
}

static int on_own(void *arg, Ctx *cx, const Delivery *d) {
    UNUSED(arg);
    UNUSED(cx);
    UNUSED(d);
    return 0;
}

static int do_last(Db *db, Ctx *cx, void *arg) {
    sqlite3_stmt *st;
    int r = db_query(db, cx, SQL_LAST, &st, "");
    if (r == 0 && (r = db_step(db, cx, st)) > 0) {
        *(int64_t *)arg = db_i64(st, 0);
        db_reset(st);
        r = 0;
    }
    return r;
}

static int open_bus(Chain *c) {
    if (c->o.open)
        return c->o.open(c->o.arg, &c->cx, c->o.dir, &c->bus);
    EventLogOptions o = { .path = str_cz(c->cx.arena, str_fmt(c->cx.arena, "%s/bus.db", c->o.dir)), .vfs = c->vfs };
    return event_log_open(&c->cx, &o, &c->bus);
}

static int open_consumers(Chain *c) {
    c->scorer_routes[0] = (EventRoute){ "news_collected", on_collected, c };
    c->reader_routes[0] = (EventRoute){ "sentiment_analysis_completed", on_scored, c };
    c->reader_routes[1] = (EventRoute){ "news_collected", on_own, c };
    int r = 0;
    if (!c->scorer)
        r = event_consumer_open(c->events, &c->cx,
                                &(ConsumerOptions){ .queue = S("sentiment_analysis_queue"),
                                                    .name = S("scorer"),
                                                    .routes = c->scorer_routes,
                                                    .n_routes = 1,
                                                    .retries = 1000000 },
                                &c->scorer);
    if (r == 0 && !c->reader)
        r = event_consumer_open(c->events, &c->cx,
                                &(ConsumerOptions){ .queue = S("news_processing_queue"),
                                                    .name = S("news"),
                                                    .routes = c->reader_routes,
                                                    .n_routes = 2,
                                                    .retries = 1000000 },
                                &c->reader);
    return r;
}

static int open_chain(Chain *c, uint64_t seed) {
    clock_manual_init(&c->clock, time_ms(1704067200000));
    ctx_init(&c->cx, &c->arena, &c->clock.clock);
    ids_seeded_init(&c->ids, seed);
    rng_seed(&c->rng, seed);
    int r = open_bus(c);
    if (r == 0)
        r = open_store(c, &c->news, "news.db");
    if (r == 0)
        r = open_store(c, &c->scores, "scores.db");
    if (r == 0)
        r = db_owner_read(&c->news.owner, &c->cx, do_last, &c->last);
    if (r)
        return r;
    c->events = event_service_new(&(EventServiceOptions){ .bus = c->bus, .ids = &c->ids.ids });
    return open_consumers(c);
}

static void close_chain(Chain *c) {
    c->scorer = event_consumer_close(c->scorer);
    c->reader = event_consumer_close(c->reader);
    c->events = event_service_free(c->events);
    c->bus = event_bus_close(c->bus);
    db_owner_close(&c->news.owner);
    db_owner_close(&c->scores.owner);
    arena_reset(&c->arena);
}

/* --- its steps --- */

static int publish(Chain *c, int64_t *acknowledged) {
    int64_t n[BATCH_MAX];
    ArticleJob job = { .c = c,
                       .n = n,
                       .count = 1 + rng_below(&c->rng, BATCH_MAX),
                       .add = true,
                       .type = S("news_collected"),
                       .source = S("news") };
    for (size_t i = 0; i < job.count; i++) {
        n[i] = c->last + 1 + (int64_t)i;
        if (is_poison(n[i])) /* alone, so that it takes nobody with it */
            job.count = MAX(i, (size_t)1);
    }
    int r = db_owner_write(&c->news.owner, &c->cx, do_articles, &job);
    if (r == 0)
        *acknowledged = c->last = n[job.count - 1];
    return r;
}

static int relay(Chain *c, Store *s) {
    size_t n;
    int r = event_relay(c->events, &c->cx, &s->outbox, &n);
    return r == BUS_EMPTY ? 0 : r;
}

static int consume(Chain *c, EventConsumer *k, size_t *n) {
    ConsumedEvents got = { 0 };
    int r = event_consume(k, &c->cx, 0, &got);
    *n = got.done + got.dead;
    return r == BUS_EMPTY ? 0 : r;
}

/* The wrapper loses an answer: the relay or the consumer dies between its effect and what should follow. */
static int lose(void *arg, Ctx *cx, const char *point) {
    Chain *c = arg;
    if (!rng_chance(&c->rng, 0.02))
        return 0;
    c->stats->deaths++;
    return err_set(cx, ERR_UNAVAILABLE, "lost at %s", point);
}

static int one_step(Chain *c, int64_t *acknowledged) {
    size_t n;
    int r = 0;
    ArenaMark mark = arena_mark(&c->arena);
    clock_manual_advance_ms(&c->clock, 1);
    switch (rng_below(&c->rng, 6)) {
    case 0:
    case 1:
        r = publish(c, acknowledged);
        break;
    case 2:
        r = relay(c, &c->news);
        break;
    case 3:
        r = relay(c, &c->scores);
        break;
    case 4:
        r = consume(c, c->scorer, &n);
        break;
    default:
        r = consume(c, c->reader, &n);
        break;
    }
    if (r == ERR_UNAVAILABLE) { /* died: another takes its place */
        c->scorer = event_consumer_close(c->scorer);
        c->reader = event_consumer_close(c->reader);
        event_bus_set_fault(c->bus, NULL, NULL);
        r = open_consumers(c);
        event_bus_set_fault(c->bus, lose, c);
    }
    arena_rewind(&c->arena, mark);
    return r;
}

/* --- the end --- */

static int settle(Chain *c) {
    for (int quiet = 0, step = 0; quiet < QUIET_ROUNDS; step++) {
        size_t a = 0, b = 0, told[2] = { 0 };
        ArenaMark mark = arena_mark(&c->arena);
        int r = event_relay(c->events, &c->cx, &c->news.outbox, &told[0]);
        if (r >= 0)
            r = event_relay(c->events, &c->cx, &c->scores.outbox, &told[1]);
        if (r >= 0)
            r = consume(c, c->scorer, &a);
        if (r >= 0)
            r = consume(c, c->reader, &b);
        if (r < 0)
            return r;
        arena_rewind(&c->arena, mark);
        quiet = a + b + told[0] + told[1] ? 0 : quiet + 1;
        if (step > STEPS_MAX)
            return err_set(&c->cx, ERR_INTERNAL, "the chain does not come to rest");
    }
    return 0;
}

typedef struct Count {
    ChainStats *stats;
    int64_t next, acknowledged;
} Count;

/* Articles are numbered without a hole; each has one effect, poison none. */
static int do_count(Db *db, Ctx *cx, void *arg) {
    Count *k = arg;
    sqlite3_stmt *st;
    int r = db_query(db, cx, SQL_EACH, &st, "");
    while (r == 0 && (r = db_step(db, cx, st)) > 0) {
        int64_t n = db_i64(st, 0), effects = db_i64(st, 1), want = is_poison(n) ? 0 : 1;
        for (r = 0; k->next < n; k->next++)
            k->stats->lost += !is_poison(k->next);
        k->next++;
        k->stats->lost += effects < want;
        k->stats->doubled += effects > want;
    }
    for (; k->next <= k->acknowledged; k->next++)
        k->stats->lost += !is_poison(k->next);
    return r;
}

static int count_poison(Chain *c, int64_t *missing) {
    DeadLetter *v;
    size_t n;
    Str after = S("");
    uint8_t *seen = arena_zalloc(&c->arena, (size_t)(c->last / POISON_EVERY + 2));
    *missing = c->last / POISON_EVERY;
    for (;;) {
        int r = event_bus_dead_list(c->bus, &c->cx, BUS_DEAD_QUEUE, after, 1000, &v, &n);
        if (r || n == 0)
            return r;
        for (size_t i = 0; i < n; i++) {
            int64_t at[BATCH_MAX] = { 0 };
            size_t count;
            read_articles(&c->cx, &v[i].event, at, &count);
            bool good = is_poison(at[0]) && at[0] > 0 && str_eq(v[i].death.reason, S("rejected")) &&
                        str_find(v[i].death.detail, S("has no words")) >= 0;
            c->stats->dead++;
            c->stats->lost += !good; /* a good event among the dead is lost */
            if (good && !seen[at[0] / POISON_EVERY]++)
                --*missing;
        }
        after = v[n - 1].handle;
    }
}

static int check(Chain *c, int64_t acknowledged, char *words, size_t size) {
    int64_t missing = 0;
    ChainStats *s = c->stats;
    event_bus_set_fault(c->bus, NULL, NULL);
    int r = settle(c);
    Count news = { s, 1, acknowledged }, scores = { s, 1, acknowledged };
    if (r == 0)
        r = db_owner_read(&c->news.owner, &c->cx, do_count, &news);
    if (r == 0)
        r = db_owner_read(&c->scores.owner, &c->cx, do_count, &scores);
    if (r == 0)
        r = count_poison(c, &missing);
    s->acknowledged = acknowledged;
    s->scored = c->last - c->last / POISON_EVERY;
    s->poison = c->last / POISON_EVERY;
    if (r)
        snprintf(words, size, "the end: %s", c->cx.err.text);
    else if (s->lost || s->doubled || missing)
        snprintf(words, size, "%lld lost, %lld doubled, %lld poison not among the dead letters", (long long)s->lost,
                 (long long)s->doubled, (long long)missing);
    return r || s->lost || s->doubled || missing ? -1 : 0;
}

/* --- kills --- */

/* Never returns: it is killed, or leaves with a code that tells which step failed. */
static void child(Chain *c, uint64_t seed, int answers) {
    if (open_chain(c, seed))
        _exit(2);
    event_bus_set_fault(c->bus, lose, c);
    for (;;) {
        int64_t acknowledged = 0;
        if (one_step(c, &acknowledged)) {
            fprintf(stderr, "chain: %s\n", c->cx.err.text);
            _exit(3);
        }
        if (acknowledged && write(answers, &acknowledged, sizeof acknowledged) != sizeof acknowledged)
            _exit(4);
    }
}

static int run_and_kill(Chain *c, uint64_t seed, bool from_start, int64_t life_us, int64_t *acknowledged) {
    int fds[2], status;
    if (pipe(fds) != 0)
        return -1;
    pid_t pid = fork();
    if (pid == 0) {
        close(fds[0]);
        child(c, seed, fds[1]);
    }
    close(fds[1]);
    if (pid < 0)
        return -1;
    struct pollfd answered = { .fd = fds[0], .events = POLLIN };
    bool silent = !from_start && poll(&answered, 1, FIRST_ANSWER_MS) != 1;
    struct timespec t = { .tv_sec = life_us / 1000000, .tv_nsec = life_us % 1000000 * 1000 };
    nanosleep(&t, NULL);
    kill(pid, SIGKILL);
    for (int64_t n; read(fds[0], &n, sizeof n) == sizeof n;)
        *acknowledged = MAX(*acknowledged, n);
    close(fds[0]);
    waitpid(pid, &status, 0);
    return silent || !WIFSIGNALED(status) ? -1 : 0;
}

int event_chain_kills(const ChainOptions *o, int n, ChainStats *stats, char *words, size_t size) {
    Chain *c = mem_new(Chain);
    Rng rng;
    int64_t acknowledged = 0;
    int r = 0;
    /* seen from the processes too: what they repeat and lose counts */
    ChainStats *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        mem_free(c);
        snprintf(words, size, "mmap");
        return -1;
    }
    *c = (Chain){ .o = *o, .stats = shared };
    rng_seed(&rng, o->seed);
    for (int i = 0; r == 0 && i < n; i++, shared->kills++) {
        int64_t life_us = rng_between(&rng, 200, 40000);
        r = run_and_kill(c, rng_u64(&rng), i % 4 == 0, life_us, &acknowledged);
        if (r)
            snprintf(words, size, "the process of kill %d ended by itself, or gave no answer", i);
    }
    if (r == 0 && open_chain(c, o->seed)) {
        snprintf(words, size, "it does not open after the kills: %s", c->cx.err.text);
        r = -1;
    }
    if (r == 0)
        r = check(c, acknowledged, words, size);
    if (c->bus)
        close_chain(c);
    *stats = *shared;
    munmap(shared, sizeof *shared);
    arena_done(&c->arena);
    mem_free(c);
    return r;
}

/* --- power cuts --- */

/* Runs until the power is gone; *acknowledged grows. 0, or what failed on a disk that was well. */
static int live_until_cut(Chain *c, SimDisk *disk, uint64_t seed, int64_t op, int64_t *acknowledged) {
    sim_disk_set_faults(disk, &(SimDiskFaults){ .cut_at_op = op });
    int r = open_chain(c, seed);
    if (r == 0)
        event_bus_set_fault(c->bus, lose, c);
    for (int step = 0; r == 0 && step < 3000 && !sim_disk_is_off(disk); step++) {
        int64_t n = 0;
        r = one_step(c, &n);
        *acknowledged = MAX(*acknowledged, n);
    }
    bool cut = sim_disk_is_off(disk);
    sim_disk_power_off(disk);
    if (c->bus)
        event_bus_set_fault(c->bus, NULL, NULL);
    close_chain(c);
    sim_disk_power_on(disk);
    return cut ? 0 : r;
}

int event_chain_cuts(uint64_t seed, int n, ChainStats *stats, char *words, size_t size) {
    Chain *c = mem_new(Chain);
    SimDisk *disk = sim_disk_new("event-cut", seed);
    Rng rng;
    int64_t acknowledged = 0;
    int r = 0;
    *stats = (ChainStats){ 0 };
    *c = (Chain){ .o = { .dir = "/disk", .seed = seed }, .vfs = "event-cut", .stats = stats };
    rng_seed(&rng, seed);
    for (int i = 0; r == 0 && i < n; i++, stats->cuts++) {
        r = live_until_cut(c, disk, rng_u64(&rng), rng_between(&rng, 1, 1200), &acknowledged);
        if (r)
            snprintf(words, size, "cut %d: a step failed on a disk that was well: %s", i, c->cx.err.text);
    }
    sim_disk_set_faults(disk, &(SimDiskFaults){ 0 });
    if (r == 0 && open_chain(c, seed)) {
        snprintf(words, size, "it does not open after the cuts: %s", c->cx.err.text);
        r = -1;
    }
    if (r == 0)
        r = check(c, acknowledged, words, size);
    stats->lost_sectors = sim_disk_lost_sectors(disk);
    close_chain(c);
    arena_done(&c->arena);
    mem_free(c);
    sim_disk_free(disk);
    return r;
}
