/* app/security.c - see security.h. */

#include "app/security.h"

#include "app/key_follower.h"
#include "base/file.h"

enum { LOOK_MS = 1000, FLUSH_EVERY = 10, USE_EVERY = 30 };

/* Where letters go: a letter may be taken as late as in loop_free, when desk and gateway are gone. */
typedef struct Box {
    atomic_int refs;
    Gateway *gateway; /* the loop's; NULL: gone */
} Box;

struct SecurityDesk {
    Platform *p;
    Gateway *gateway;
    Box *box;
    Loop *loop;
    Lane *io;
    LoopTimer timer;
    int64_t turns;
    atomic_bool busy; /* a look is on its lane */
    bool running;     /* the loop may have turned: sets come by letter */
    KeyFollower *follower;
};

/* --- keys on their way to the loop --- */

typedef struct Letter {
    Box *box;
    KeySet *set;
} Letter;

static void box_unref(Box *b) {
    if (atomic_fetch_sub(&b->refs, 1) == 1)
        mem_free(b);
}

static void on_letter(void *arg) {
    Letter *l = arg;
    if (l->box->gateway)
        gateway_keys(l->box->gateway, l->set);
    else
        key_set_unref(l->set);
    box_unref(l->box);
    mem_free(l);
}

static void hand_over(SecurityDesk *d, KeySet *set) {
    if (!d->running) {
        gateway_keys(d->gateway, set);
        return;
    }
    Letter *l = mem_new(Letter);
    atomic_fetch_add(&d->box->refs, 1);
    *l = (Letter){ d->box, set };
    loop_post(d->loop, on_letter, l);
}

/* A KeyServiceOptions.changed. */
static void keys_changed(void *arg, KeySet *set) {
    Platform *p = arg;
    if (p->desk && !p->cfg->auth_keys_from.n)
        hand_over(p->desk, set);
    else
        key_set_unref(set); /* nobody checks keys here, or those of another */
}

static void learned(void *arg, KeySet *set) {
    hand_over(arg, set);
}

/* --- the platform's part --- */

/* Of the chain: configured, else kept in data.dir/audit.key, made there first if need be. */
static int audit_key(Ctx *cx, const AppCfg *cfg, Ids *ids, Str *out) {
    enum { FILE_MAX = 4096, KEY_MIN = 16, KEY_MAX = 200 };
    const char *path = path_join(cx->arena, cfg->data_dir, "audit.key");
    int r = 0;
    *out = cfg->audit_key;
    if (!out->n && cfg->data_store != STORE_MEMORY && file_exists(path)) {
        r = file_read(cx, path, FILE_MAX, out);
        *out = str_trim(*out);
    } else if (!out->n) {
        *out =
            str_fmt(cx->arena, STR_FMT STR_FMT, STR_ARG(ids_uuid4(ids, cx->arena)), STR_ARG(ids_uuid4(ids, cx->arena)));
        if (cfg->data_store != STORE_MEMORY)
            r = file_write(cx, path, str_fmt(cx->arena, STR_FMT "\n", STR_ARG(*out)), 0600);
    }
    if (r == 0 && (out->n < KEY_MIN || out->n > KEY_MAX))
        r = err_set_at(cx, ERR_INVALID, S("audit.key"), "the audit key has %d to %d characters", KEY_MIN, KEY_MAX);
    return r;
}

int platform_open_security(Platform *p, Ctx *cx) {
    Str key;
    int r = audit_key(cx, p->cfg, p->ids, &key);
    if (r == 0)
        r = registry_open_security(cx, p->cfg, key, &p->security);
    if (r != 0)
        return r;
    p->keys = key_service_new(
        &(KeyServiceOptions){ .store = p->security, .ids = p->ids, .log = p->log, .changed = keys_changed, .arg = p });
    p->trail = trail_new(p->security, p->log, p->clock);
    p->security_role = (SecurityRole){ p->keys, p->trail, p->cfg->auth_keys_from };
    return 0;
}

void platform_close_security(Platform *p) {
    p->trail = trail_free(p->trail);
    p->keys = key_service_free(p->keys);
    p->security = security_store_close(p->security);
}

/* --- the desk --- */

static void look_on_lane(void *arg, int err) {
    SecurityDesk *d = arg;
    Arena arena = { 0 };
    Ctx cx;
    ctx_init(&cx, &arena, d->p->clock);
    if (err == 0) {
        trail_flush(d->p->trail, &cx, false);
        if (d->turns % USE_EVERY == 0 && keys_note_use(d->p->keys, &cx) != 0)
            log_failure(d->p->log, &cx, S("the last use of keys was not written"));
    }
    arena_done(&arena);
    atomic_store(&d->busy, false);
}

static void look(void *arg) {
    SecurityDesk *d = arg;
    gateway_keys_look(d->gateway);
    if (++d->turns % FLUSH_EVERY || atomic_exchange(&d->busy, true))
        return;
    if (lane_post(d->io, &(LaneJob){ .run = look_on_lane, .arg = d }) != 0)
        atomic_store(&d->busy, false);
}

/* The anchor into the log: who collects logs elsewhere keeps it out of reach of who can write here. */
static void log_anchor(Platform *p, Ctx *cx) {
    AuditSpan span;
    char text[AUDIT_ANCHOR_TEXT + 1];
    if (security_store_span(p->security, cx, &span) != 0 || !log_on(p->log, LEVEL_INFO))
        return;
    const LogField fields[] = { F_STR("anchor", audit_anchor_text(&span.head, text)) };
    log_record(p->log, NULL, LEVEL_INFO, S("audit anchor"), fields, ARRAY_LEN(fields));
}

int security_desk_open(Platform *p, Ctx *cx, Gateway *gateway, Loop *loop, Lane *io, SecurityDesk **out) {
    SecurityDesk *d = mem_new(SecurityDesk);
    *d = (SecurityDesk){ .p = p, .gateway = gateway, .box = mem_new(Box), .loop = loop, .io = io };
    *d->box = (Box){ .refs = 1, .gateway = gateway };
    loop_timer_init(&d->timer, loop, look, d);
    p->desk = d;
    trail_note(p->trail, &(AuditEvent){ .who = S("finsight"),
                                        .action = S("serve.start"),
                                        .outcome = S("ok"),
                                        .detail = S(FINSIGHT_VERSION) });
    int r = trail_flush(p->trail, cx, false);
    if (r == 0)
        r = keys_load(p->keys, cx);
    d->running = true;
    if (r == 0 && p->cfg->auth_keys_from.n)
        r = key_follower_start(cx,
                               &(KeyFollowerOptions){ .address = p->cfg->auth_keys_from,
                                                      .internal_key = p->cfg->auth_internal_key,
                                                      .key = p->cfg->auth_admin_key,
                                                      .clock = p->clock,
                                                      .log = p->log,
                                                      .learned = learned,
                                                      .arg = d },
                               &d->follower);
    if (r != 0) {
        security_desk_stop(d);
        p->desk = NULL;
        d->box->gateway = NULL;
        box_unref(d->box);
        mem_free(d);
        return r;
    }
    trail_attach(p->trail, io);
    loop_timer_start(&d->timer, LOOK_MS, LOOK_MS);
    log_anchor(p, cx);
    *out = d;
    return 0;
}

void security_desk_note(SecurityDesk *d, const char *action, Str outcome, Str detail) {
    if (d)
        trail_note(
            d->p->trail,
            &(AuditEvent){ .who = S("finsight"), .action = str_c(action), .outcome = outcome, .detail = detail });
}

void security_desk_event(void *desk_slot, const AuditEvent *e, bool often) {
    SecurityDesk *d = *(SecurityDesk **)desk_slot;
    if (d && often)
        trail_count(d->p->trail, e);
    else if (d)
        trail_note(d->p->trail, e);
}

void security_desk_stop(SecurityDesk *d) {
    if (!d)
        return;
    d->follower = key_follower_stop(d->follower);
    loop_timer_stop(&d->timer);
}

SecurityDesk *security_desk_free(SecurityDesk *d) {
    if (!d)
        return NULL;
    Platform *p = d->p;
    Arena arena = { 0 };
    Ctx cx;
    ctx_init(&cx, &arena, p->clock);
    trail_attach(p->trail, NULL);
    security_desk_note(d, "serve.stop", S("ok"), (Str){ 0 });
    trail_flush(p->trail, &cx, true);
    keys_note_use(p->keys, &cx);
    log_anchor(p, &cx);
    arena_done(&arena);
    p->desk = NULL;
    d->box->gateway = NULL;
    box_unref(d->box);
    return mem_free(d);
}
