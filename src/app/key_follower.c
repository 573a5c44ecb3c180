/* app/key_follower.c - see key_follower.h. */

#include "app/key_follower.h"

#include "api/security/security_api.h"
#include "base/thread_signals.h"
#include "gateway/forward.h"

enum {
    ASK_MS = 300,
    CALL_MS = 2000,
    FEED_MAX = 16 << 20,
    COMPLAIN_MS = 60 * 1000,
    PATIENCE_MS = 15000,
    AGAIN_MS = 100,
    FOLLOW_NOBODY = 1
};

struct KeyFollower {
    KeyFollowerOptions o;
    HttpCaller *http;
    Arena texts;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stop;
    uint8_t seen[SHA256_BYTES]; /* of the last feed: one that did not change makes no set */
};

static bool read_hex(Str hex, uint8_t out[static SHA256_BYTES]) {
    char text[AUDIT_ANCHOR_TEXT + 1];
    AuditAnchor a;
    if (hex.n != SHA256_HEX)
        return false;
    memcpy(text, "1:", 2);
    memcpy(text + 2, hex.p, SHA256_HEX);
    if (!audit_anchor_parse(str_n(text, 2 + SHA256_HEX), &a))
        return false;
    memcpy(out, a.link, SHA256_BYTES);
    return true;
}

static Role role_of(Str name) {
    return str_eq(name, S("admin"))   ? ROLE_ADMIN
           : str_eq(name, S("write")) ? ROLE_WRITE
           : str_eq(name, S("read"))  ? ROLE_READ
                                      : ROLE_NONE;
}

static bool read_key(Ctx *cx, const KeyDigest *d, KeyRecord *out) {
    const Str *scopes = d->scopes.v;
    *out = (KeyRecord){ .id = d->id,
                        .role = role_of(d->role),
                        .limit = d->limit,
                        .expires = d->expires,
                        .old_until = d->old_until,
                        .revoked = d->revoked,
                        .scopes = S("") };
    for (size_t i = 0; i < d->scopes.n; i++)
        out->scopes = str_fmt(cx->arena, STR_FMT " " STR_FMT, STR_ARG(out->scopes), STR_ARG(scopes[i]));
    return key_id_valid(d->id) && read_hex(d->digest, out->digest) &&
           (!d->old_digest.n || read_hex(d->old_digest, out->old_digest));
}

static int take(KeyFollower *f, Ctx *cx, Str body) {
    uint8_t seen[SHA256_BYTES];
    KeyFeed feed = { 0 };
    Sha256 s;
    sha256_init(&s);
    sha256_put(&s, body);
    sha256_end(&s, seen);
    if (bytes_equal(seen, f->seen, sizeof seen))
        return 0;
    int r = shape_decode_reply(op_keys_feed.out, cx, body, &feed);
    if (r != 0)
        return r;
    const KeyDigest *v = feed.keys.v;
    KeyEntry *entries = arena_new_n(cx->arena, KeyEntry, feed.keys.n + 1);
    for (size_t i = 0; i < feed.keys.n; i++)
        if (!read_key(cx, &v[i], &entries[i].key))
            return err_set(cx, ERR_GATEWAY, "the other gateway told a key that is none");
    memcpy(f->seen, seen, sizeof seen);
    f->o.learned(f->o.arg, key_set_new(entries, feed.keys.n));
    return 0;
}

static int ask(KeyFollower *f, Ctx *cx) {
    const KeyFollowerOptions *o = &f->o;
    HttpField fields[2];
    size_t n = 0;
    if (o->internal_key.n) {
        fields[n++] = (HttpField){ S(FORWARD_INTERNAL_KEY), o->internal_key };
        fields[n++] = (HttpField){ S(FORWARD_PRINCIPAL), S("3 gateway") };
    } else if (o->key.n) {
        fields[n++] = (HttpField){ S("x-api-key"), o->key };
    }
    HttpCall call = {
        .path = str_c(op_keys_feed.path), .fields = fields, .n_fields = n, .max_body = FEED_MAX, .timeout_ms = CALL_MS
    };
    HttpCallReply reply;
    int r = http_call(f->http, cx, &call, &reply);
    if (r != 0)
        return r;
    return reply.status == 200 ? take(f, cx, reply.body) : op_read_error(cx, reply.status, reply.body);
}

static bool wait_ms(KeyFollower *f, int64_t ms) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += (long)(ms % 1000) * 1000000;
    until.tv_sec += ms / 1000 + until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&f->lock);
    while (!f->stop && pthread_cond_timedwait(&f->wake, &f->lock, &until) == 0)
        ;
    bool on = !f->stop;
    pthread_mutex_unlock(&f->lock);
    return on;
}

static void *follow(void *arg) {
    KeyFollower *f = arg;
    Arena arena = { 0 };
    MonoNs complained = { 0 };
    bool lost = false, needed = true;
    while (needed && wait_ms(f, ASK_MS)) {
        Ctx cx;
        ctx_init(&cx, &arena, f->o.clock);
        int r = ask(f, &cx);
        MonoNs now = clock_mono(f->o.clock);
        if (r != 0 && (!lost || mono_ms_between(complained, now) >= COMPLAIN_MS)) {
            LOG_WARNING(f->o.log, &cx, S("keys cannot be learned, those known stay good"),
                        F_STR("reason", str_c(cx.err.text)));
            complained = now;
        } else if (r == 0 && lost) {
            LOG_INFO(f->o.log, &cx, S("keys are learned again"));
        }
        lost = r != 0;
        needed = !(lost && f->o.instead && f->o.instead(f->o.arg, &cx) == 0);
        arena_reset(&arena);
    }
    arena_done(&arena);
    return NULL;
}

int key_follower_start(Ctx *cx, const KeyFollowerOptions *o, KeyFollower **out) {
    KeyFollower *f = mem_new(KeyFollower);
    f->o = *o;
    f->o.address = str_dup(&f->texts, o->address);
    f->o.internal_key = str_dup(&f->texts, o->internal_key);
    f->o.key = str_dup(&f->texts, o->key);
    int r = http_caller_new_trusting(cx, f->o.address, &f->o.tls, &f->http);
    if (r == 0)
        r = ask(f, cx);
    /* One that is about to end listens no more and has not let go yet: it will be the one or the other soon. */
    for (int64_t waited = 0; r != 0 && o->instead && waited < PATIENCE_MS; waited += AGAIN_MS) {
        clock_sleep_ms(o->clock, AGAIN_MS);
        r = o->instead(o->arg, cx) == 0 ? FOLLOW_NOBODY : ask(f, cx);
        if (r == FOLLOW_NOBODY)
            break;
    }
    if (r == FOLLOW_NOBODY) {
        *out = NULL;
        http_caller_free(f->http);
        arena_done(&f->texts);
        mem_free(f);
        return 0;
    }
    if (r != 0) {
        err_prefix(cx, "auth.keys_from: ");
        http_caller_free(f->http);
        arena_done(&f->texts);
        mem_free(f);
        return r;
    }
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&f->wake, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&f->lock, NULL);
    sigset_t before;
    thread_signals_off(&before);
    int e = pthread_create(&f->thread, NULL, follow, f);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (e != 0) {
        f->stop = true;
        return err_set(cx, ERR_BUSY, "no thread to be had for learning keys");
    }
    *out = f;
    return 0;
}

KeyFollower *key_follower_stop(KeyFollower *f) {
    if (!f)
        return NULL;
    pthread_mutex_lock(&f->lock);
    f->stop = true;
    pthread_cond_signal(&f->wake);
    pthread_mutex_unlock(&f->lock);
    pthread_join(f->thread, NULL);
    pthread_cond_destroy(&f->wake);
    pthread_mutex_destroy(&f->lock);
    http_caller_free(f->http);
    arena_done(&f->texts);
    return mem_free(f);
}
