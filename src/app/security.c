/* app/security.c - see security.h. */

#include "app/security.h"

#include "app/key_follower.h"
#include "base/file.h"

#include <errno.h>
#include <unistd.h>

enum { LOOK_MS = 1000, FLUSH_EVERY = 10, USE_EVERY = 30 };

/* Where letters go: a letter may be taken as late as in loop_free, when desk and gateway are gone. */
typedef struct Box {
    atomic_int refs;
    Gateway *gateway; /* the loop's; NULL: gone */
    void (*owner)(void *arg);
    void *arg;
} Box;

struct SecurityDesk {
    Platform *p;
    SecurityDeskOptions o;
    Box *box;
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
        gateway_keys(d->o.gateway, set);
        return;
    }
    Letter *l = mem_new(Letter);
    atomic_fetch_add(&d->box->refs, 1);
    *l = (Letter){ d->box, set };
    loop_post(d->o.loop, on_letter, l);
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

/* Under its name only if there is none: of two processes that begin at once on a folder one makes the key of both. */
static int make_key_file(Ctx *cx, const char *path, Str key) {
    char *fresh = str_cz(cx->arena, str_fmt(cx->arena, "%s.%lld", path, (long long)getpid()));
    int r = file_write(cx, fresh, str_fmt(cx->arena, STR_FMT "\n", STR_ARG(key)), 0600);
    if (r == 0 && link(fresh, path) != 0 && errno != EEXIST)
        r = file_fail(cx, errno, "make", path);
    Ctx quiet = *cx;
    file_remove(&quiet, fresh);
    return r;
}

int platform_audit_key(Ctx *cx, const AppCfg *cfg, Ids *ids, Str *out) {
    enum { FILE_MAX = 4096, KEY_MIN = 16, KEY_MAX = 200 };
    const char *path = path_join(cx->arena, cfg->data_dir, "audit.key");
    bool kept = !cfg->audit_key.n && cfg->data_store != STORE_MEMORY;
    int r = 0;
    *out = cfg->audit_key;
    if (!out->n)
        *out =
            str_fmt(cx->arena, STR_FMT STR_FMT, STR_ARG(ids_uuid4(ids, cx->arena)), STR_ARG(ids_uuid4(ids, cx->arena)));
    if (kept && !file_exists(path))
        r = make_key_file(cx, path, *out);
    if (kept && r == 0) {
        r = file_read(cx, path, FILE_MAX, out);
        *out = str_trim(*out);
    }
    if (r == 0 && (out->n < KEY_MIN || out->n > KEY_MAX))
        r = err_set_at(cx, ERR_INVALID, S("audit.key"), "the audit key has %d to %d characters", KEY_MIN, KEY_MAX);
    return r;
}

int platform_open_security(Platform *p, Ctx *cx) {
    Str key;
    int r = platform_audit_key(cx, p->cfg, p->ids, &key);
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
    gateway_keys_look(d->o.gateway);
    if (++d->turns % FLUSH_EVERY || atomic_exchange(&d->busy, true))
        return;
    if (lane_post(d->o.io, &(LaneJob){ .run = look_on_lane, .arg = d }) != 0)
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

/* The file is ours: what is in it holds. Words when it is another's still. */
static int own(SecurityDesk *d, Ctx *cx) {
    Platform *p = d->p;
    int r = keys_load(p->keys, cx);
    if (r != 0)
        return r;
    trail_note(p->trail, &(AuditEvent){ .who = S("finsight"),
                                        .action = S("serve.start"),
                                        .outcome = S("ok"),
                                        .detail = S(FINSIGHT_VERSION) });
    return trail_flush(p->trail, cx, false);
}

static void on_owner(void *arg) {
    Letter *l = arg;
    if (l->box->gateway)
        l->box->owner(l->box->arg);
    box_unref(l->box);
    mem_free(l);
}

/* A KeyFollowerOptions.instead, on its thread or before there is one. */
static int take_over(void *arg, Ctx *cx) {
    SecurityDesk *d = arg;
    int r = own(d, cx);
    if (r != 0)
        return r;
    LOG_INFO(d->p->log, cx, S("keys are held here now"));
    Letter *l = mem_new(Letter);
    atomic_fetch_add(&d->box->refs, 1);
    l->box = d->box;
    loop_post(d->o.loop, on_owner, l);
    return 0;
}

static int follow(SecurityDesk *d, Ctx *cx, bool neighbour) {
    const AppCfg *cfg = d->p->cfg;
    KeyFollowerOptions o = { .address = cfg->auth_keys_from,
                             .internal_key = cfg->auth_internal_key,
                             .key = cfg->auth_admin_key,
                             .tls = platform_trust(cfg).tls,
                             .clock = d->p->clock,
                             .log = d->p->log,
                             .learned = learned,
                             .arg = d };
    if (neighbour) {
        o.address = str_fmt(cx->arena, "unix:%s", platform_gateway_socket(cx->arena, cfg));
        o.instead = take_over;
    }
    return key_follower_start(cx, &o, &d->follower);
}

static void desk_drop(SecurityDesk *d) {
    d->p->desk = NULL;
    d->box->gateway = NULL;
    box_unref(d->box);
    mem_free(d);
}

int security_desk_open(Platform *p, Ctx *cx, const SecurityDeskOptions *o, SecurityDesk **out) {
    SecurityDesk *d = mem_new(SecurityDesk);
    *d = (SecurityDesk){ .p = p, .o = *o, .box = mem_new(Box) };
    *d->box = (Box){ .refs = 1, .gateway = o->gateway, .owner = o->owner, .arg = o->arg };
    loop_timer_init(&d->timer, o->loop, look, d);
    p->desk = d;
    int r = own(d, cx);
    bool neighbour = r == ERR_CONFLICT;
    d->running = true;
    if (r == 0)
        o->owner(o->arg);
    if (neighbour || (r == 0 && p->cfg->auth_keys_from.n))
        r = follow(d, cx, neighbour && !p->cfg->auth_keys_from.n);
    if (r != 0) {
        desk_drop(d);
        return r;
    }
    trail_attach(p->trail, o->io);
    loop_timer_start(&d->timer, LOOK_MS, LOOK_MS);
    if (!neighbour)
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
    desk_drop(d);
    return NULL;
}
