/* adapters/sqlite/chain.c - see chain.h. */

#include "adapters/sqlite/chain.h"

#include "base/vec.h"

enum { META_GET, META_PUT, ADD, HEAD, AT, NEWEST, PRUNE, EVENTS }; /* the order of CHAIN_SQL_TABLE */

static int sql(const Chain *c, int which) {
    return c->o.first + which;
}

static Str chain_key(const Chain *c) {
    return str_n(c->key, c->key_n);
}

void chain_init(Chain *c, const ChainOptions *o) {
    assert(o->key.n <= CHAIN_KEY_MAX);
    *c = (Chain){ .o = *o, .key_n = o->key.n, .anchor_file = { .fd = -1 } };
    c->o.key = (Str){ 0 };
    c->o.anchor = NULL;
    if (o->key.n)
        memcpy(c->key, o->key.p, o->key.n);
    pthread_mutex_init(&c->load_lock, NULL);
    if (o->anchor) {
        size_t size = strlen(o->anchor) + 1;
        c->anchor_path = memcpy(mem_alloc(size), o->anchor, size);
    }
}

void chain_done(Chain *c) {
    anchor_close(&c->anchor_file);
    pthread_mutex_destroy(&c->load_lock);
    explicit_bzero(c->key, sizeof c->key);
    c->anchor_path = mem_free(c->anchor_path);
}

/* --- rows --- */

static int read_event(Db *db, Ctx *cx, sqlite3_stmt *st, AuditEvent *out) {
    *out = (AuditEvent){ .seq = db_i64(st, 0),
                         .at = time_ms(db_i64(st, 1)),
                         .who = db_text_in(cx, st, 2),
                         .action = db_text_in(cx, st, 3),
                         .subject = db_text_in(cx, st, 4),
                         .outcome = db_text_in(cx, st, 5),
                         .address = db_text_in(cx, st, 6),
                         .request_id = db_text_in(cx, st, 7),
                         .detail = db_text_in(cx, st, 8),
                         .count = db_i64(st, 9) };
    return db_bytes(db, cx, st, 10, SHA256_BYTES, out->link);
}

/* --- where it begins: words under a name, sealed; nobody without the key writes them --- */

static void seal_of(const Chain *c, Str name, Str value, uint8_t out[static SHA256_BYTES]) {
    Hmac h;
    hmac_init(&h, chain_key(c));
    hmac_put(&h, name);
    hmac_put(&h, S("\n"));
    hmac_put(&h, value);
    hmac_end(&h, out);
}

static int put_sealed(Db *db, Ctx *cx, const Chain *c, Str name, const AuditAnchor *a) {
    char text[AUDIT_ANCHOR_TEXT + 1], mac_text[AUDIT_ANCHOR_TEXT + 1];
    AuditAnchor seal = { .seq = 1 };
    Str value = audit_anchor_text(a, text);
    seal_of(c, name, value, seal.link);
    Str mac = audit_anchor_text(&seal, mac_text);
    return db_run(db, cx, sql(c, META_PUT), "ss", name,
                  str_fmt(cx->arena, STR_FMT " " STR_FMT, STR_ARG(value), STR_ARG(mac)));
}

static int get_sealed(Db *db, Ctx *cx, const Chain *c, Str name, AuditAnchor *out) {
    sqlite3_stmt *st;
    uint8_t mac[SHA256_BYTES];
    AuditAnchor seal;
    *out = (AuditAnchor){ 0 };
    int r = db_query(db, cx, sql(c, META_GET), &st, "s", name);
    if (r != 0 || (r = db_step(db, cx, st)) <= 0)
        return r;
    Str text = db_text_in(cx, st, 0), value;
    db_reset(st);
    str_next(&text, ' ', &value);
    seal_of(c, name, value, mac);
    bool whole = audit_anchor_parse(text, &seal) && bytes_equal(mac, seal.link, sizeof mac);
    if (!whole || !audit_anchor_parse(value, out))
        *out = (AuditAnchor){ 0 }; /* the walk will miss what stood there */
    return 0;
}

/* --- writing --- */

static int prune(Db *db, Ctx *cx, const Chain *c, int64_t newest) {
    enum { EVERY = 256 };
    sqlite3_stmt *st;
    AuditAnchor last = { .seq = newest - c->o.kept };
    if (newest % EVERY || last.seq <= c->span.before.seq)
        return 0;
    int r = db_query(db, cx, sql(c, AT), &st, "i", last.seq);
    if (r != 0 || (r = db_step(db, cx, st)) <= 0)
        return r;
    r = db_bytes(db, cx, st, 0, SHA256_BYTES, last.link);
    db_reset(st);
    if (r == 0)
        r = put_sealed(db, cx, c, S("before"), &last);
    if (r == 0)
        r = db_run(db, cx, sql(c, PRUNE), "i", last.seq);
    return r;
}

/* In a transaction: *head moves on; the chain's own follows when it is committed. */
static int put_events(Db *db, Ctx *cx, const Chain *c, AuditEvent *v, size_t n, AuditAnchor *head) {
    int r = 0;
    for (size_t i = 0; r == 0 && i < n; i++) {
        AuditEvent *e = &v[i];
        e->seq = head->seq + 1;
        audit_link(chain_key(c), head->link, e, e->link);
        r = db_run(db, cx, sql(c, ADD), "iisssssssib", e->seq, e->at.ms, db_str(e->who), db_str(e->action),
                   db_str(e->subject), db_str(e->outcome), db_str(e->address), db_str(e->request_id), db_str(e->detail),
                   e->count, str_n((const char *)e->link, SHA256_BYTES));
        head->seq = e->seq;
        memcpy(head->link, e->link, sizeof head->link);
        if (r == 0)
            r = prune(db, cx, c, e->seq);
    }
    return r;
}

/* --- the first look --- */

static int read_span(Db *db, Ctx *cx, const Chain *c, AuditSpan *span) {
    sqlite3_stmt *st;
    int r = get_sealed(db, cx, c, S("before"), &span->before);
    span->head = span->before;
    if (r == 0)
        r = db_query(db, cx, sql(c, HEAD), &st, "");
    if (r != 0 || (r = db_step(db, cx, st)) <= 0)
        return r;
    span->head.seq = db_i64(st, 0);
    r = db_bytes(db, cx, st, 1, SHA256_BYTES, span->head.link);
    db_reset(st);
    return r;
}

/* Is the newest event one that this key wrote? */
static int look_at_newest(Db *db, Ctx *cx, Chain *c) {
    sqlite3_stmt *st;
    AuditEvent e[2];
    size_t n = 0;
    int r = db_query(db, cx, sql(c, NEWEST), &st, "");
    while (r == 0 && (r = db_step(db, cx, st)) > 0)
        r = n < 2 ? read_event(db, cx, st, &e[n++]) : 0;
    if (r != 0 || n == 0)
        return r;
    uint8_t link[SHA256_BYTES];
    bool first = n == 1 || e[0].seq == c->span.before.seq + 1;
    audit_link(chain_key(c), first ? c->span.before.link : e[1].link, &e[0], link);
    c->newest_wrong = !bytes_equal(link, e[0].link, sizeof link);
    return 0;
}

static int work_look(Db *db, Ctx *cx, void *arg) {
    Chain *c = arg;
    int r = read_span(db, cx, c, &c->span);
    return r == 0 ? look_at_newest(db, cx, c) : r;
}

/* What is wrong with the record, told by itself from here on. */
static int work_alarm(Db *db, Ctx *cx, void *arg) {
    Chain *c = arg;
    AuditSpan *s = &c->span;
    AuditEvent e = {
        .at = clock_wall(cx->clock), .who = S("finsight"), .action = S(AUDIT_ALARM), .outcome = S("corrupt"), .count = 1
    };
    int r = 0;
    if (c->newest_wrong) {
        e.detail = str_fmt(cx->arena, "the events up to %lld were not written with this key: a new chain begins",
                           (long long)s->head.seq);
        memset(s->head.link, 0, sizeof s->head.link);
        s->before = s->head;
        r = put_sealed(db, cx, c, S("before"), &s->before);
    } else if (s->anchor.seq) {
        e.detail = str_fmt(cx->arena, "the record ended at %lld, its anchor says %lld: events were removed",
                           (long long)s->head.seq, (long long)s->anchor.seq);
    } else {
        e.detail = S("the record has events and no anchor: it was removed or is damaged, or the key is another");
    }
    return r == 0 ? put_events(db, cx, c, &e, 1, &s->head) : r;
}

static int load_now(Chain *c, Ctx *cx) {
    AuditSpan *s = &c->span;
    *s = (AuditSpan){ 0 };
    anchor_close(&c->anchor_file);
    int r = db_owner_read(c->o.owner, cx, work_look, c);
    if (r == 0)
        r = anchor_open(&c->anchor_file, cx, c->anchor_path, chain_key(c), &s->anchor);
    if (r != 0)
        return r;
    s->anchor_lost = c->anchor_path && !s->anchor.seq && s->head.seq > 0;
    bool well = !s->anchor_lost && s->anchor.seq <= s->head.seq;
    if (c->newest_wrong ? !c->o.goes_on : well)
        return 0;
    r = db_owner_write(c->o.owner, cx, work_alarm, c);
    if (r != 0)
        return r;
    c->newest_wrong = false;
    r = anchor_write(&c->anchor_file, cx, &s->head);
    s->anchor = s->head;
    s->anchor_lost = false;
    return r;
}

int chain_load(Chain *c, Ctx *cx) {
    pthread_mutex_lock(&c->load_lock);
    int r = c->loaded ? 0 : load_now(c, cx);
    c->loaded = r == 0;
    pthread_mutex_unlock(&c->load_lock);
    return r;
}

int chain_may_add(const Chain *c, Ctx *cx) {
    return !c->newest_wrong
               ? 0
               : err_set(
                     cx, ERR_CORRUPT,
                     "%s: the newest security event was not written with this audit key: give the key it was written "
                     "with, or look into it with 'finsight audit verify'",
                     c->o.owner->path);
}

/* --- calls --- */

typedef struct Appending {
    Chain *c;
    const ChainAppend *a;
    AuditAnchor head;
} Appending;

/* The head is read in the transaction: the one in memory may be that of a commit whose answer was lost. */
static int work_append(Db *db, Ctx *cx, void *arg) {
    Appending *w = arg;
    AuditSpan now;
    int r = read_span(db, cx, w->c, &now);
    if (r == 0) {
        w->c->span.before = now.before;
        w->head = now.head;
    }
    if (r == 0 && w->a->with)
        r = w->a->with(db, cx, w->a->arg);
    return r ? r : put_events(db, cx, w->c, w->a->v, w->a->n, &w->head);
}

int chain_append(Chain *c, Ctx *cx, const ChainAppend *a) {
    Appending w = { c, a, { 0 } };
    int r = chain_load(c, cx);
    if (r == 0)
        r = chain_may_add(c, cx);
    if (r == 0)
        r = a->often ? db_owner_write_often(c->o.owner, cx, work_append, &w)
                     : db_owner_write(c->o.owner, cx, work_append, &w);
    if (r != 0)
        return r;
    pthread_mutex_lock(&c->o.owner->lock);
    if (w.head.seq > c->span.head.seq)
        c->span.head = w.head;
    Ctx quiet = *cx; /* the event is in: an anchor that stays behind is no failure of the call */
    /* Never before what is synced: after a power cut an anchor that is ahead would be an alarm for nothing. */
    if (!a->often && c->span.head.seq > c->span.anchor.seq &&
        anchor_write(&c->anchor_file, &quiet, &c->span.head) == 0) {
        c->span.anchor = c->span.head;
        c->span.anchor_lost = false;
    }
    pthread_mutex_unlock(&c->o.owner->lock);
    return 0;
}

typedef struct Listing {
    const Chain *c;
    int64_t after;
    size_t limit;
    VEC(AuditEvent) events;
} Listing;

static int work_events(Db *db, Ctx *cx, void *arg) {
    Listing *l = arg;
    sqlite3_stmt *st;
    int r = db_query(db, cx, sql(l->c, EVENTS), &st, "ii", l->after, (int64_t)l->limit);
    while (r == 0 && (r = db_step(db, cx, st)) > 0) {
        AuditEvent e;
        r = read_event(db, cx, st, &e);
        vec_push_in(cx->arena, &l->events, e);
    }
    return r;
}

int chain_events(Chain *c, Ctx *cx, int64_t after, size_t limit, AuditEvent **out, size_t *n) {
    Listing l = { .c = c, .after = after, .limit = limit };
    int r = chain_load(c, cx);
    if (r == 0)
        r = db_owner_read(c->o.owner, cx, work_events, &l);
    *out = l.events.v;
    *n = r == 0 ? l.events.n : 0;
    return r;
}

int chain_span(Chain *c, Ctx *cx, AuditSpan *out) {
    int r = chain_load(c, cx);
    pthread_mutex_lock(&c->o.owner->lock);
    *out = c->span;
    pthread_mutex_unlock(&c->o.owner->lock);
    return r;
}

int chain_walk(Chain *c, Ctx *cx, const AuditAnchor *anchor, AuditWalk *out) {
    AuditSpan span;
    int r = chain_span(c, cx, &span);
    if (r != 0)
        return r;
    audit_walk_start(out, chain_key(c), &span.before, anchor ? anchor : &span.anchor);
    for (;;) {
        ArenaMark mark = arena_mark(cx->arena);
        Listing l = { .c = c, .after = out->fault ? INT64_MAX : out->at.seq, .limit = CHAIN_READ_MAX };
        r = db_owner_read(c->o.owner, cx, work_events, &l);
        for (size_t i = 0; r == 0 && i < l.events.n; i++)
            audit_walk_next(out, &l.events.v[i]);
        bool more = r == 0 && l.events.n > 0 && !out->fault;
        if (r == 0)
            arena_rewind(cx->arena, mark);
        if (!more)
            break;
    }
    if (r == 0)
        audit_walk_end(out);
    return r;
}
