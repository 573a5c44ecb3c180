/* services/security/keys.c - see keys.h. */

#include "services/security/keys.h"

#include "base/map.h"
#include "base/utf8.h"

#include <pthread.h>

enum { TRIES = 5 };

/* When a key was used, here: the sets come and go. */
typedef struct Use {
    KeyUse use; /* first */
    char id[KEY_ID];
    int64_t written_ms;
} Use;

struct KeyService {
    KeyServiceOptions o;
    pthread_mutex_t lock; /* changes, one at a time, and what follows */
    Map uses;             /* id -> Use */
};

KeyService *key_service_new(const KeyServiceOptions *o) {
    KeyService *s = mem_new(KeyService);
    s->o = *o;
    pthread_mutex_init(&s->lock, NULL);
    return s;
}

KeyService *key_service_free(KeyService *s) {
    if (!s)
        return NULL;
    MapEntry e;
    for (size_t at = 0; map_next(&s->uses, &at, &e);)
        mem_free(e.value);
    map_done(&s->uses);
    pthread_mutex_destroy(&s->lock);
    return mem_free(s);
}

SecurityStore *key_service_store(KeyService *s) {
    return s->o.store;
}

/* --- under the lock --- */

static Use *use_of(KeyService *s, const KeyRecord *k) {
    Use *u = map_get(&s->uses, k->id);
    if (u)
        return u;
    u = mem_new(Use);
    memcpy(u->id, k->id.p, KEY_ID);
    u->use.at_ms = u->written_ms = k->last_used.ms;
    map_put(&s->uses, str_n(u->id, KEY_ID), u);
    return u;
}

static void hand_over(KeyService *s, Ctx *cx, const KeyRecord *v, size_t n) {
    if (!s->o.changed)
        return;
    KeyEntry *entries = arena_new_n(cx->arena, KeyEntry, n + 1);
    for (size_t i = 0; i < n; i++)
        entries[i] = (KeyEntry){ v[i], &use_of(s, &v[i])->use };
    s->o.changed(s->o.arg, key_set_new(entries, n));
}

static int read_all(KeyService *s, Ctx *cx, KeyRecord **v, size_t *n) {
    int64_t revision;
    return security_store_keys(s->o.store, cx, v, n, &revision);
}

static int publish(KeyService *s, Ctx *cx) {
    KeyRecord *v;
    size_t n;
    int r = read_all(s, cx, &v, &n);
    if (r == 0)
        hand_over(s, cx, v, n);
    return r;
}

static int find(KeyService *s, Ctx *cx, Str id, KeyRecord *out) {
    KeyRecord *v;
    size_t n;
    int r = read_all(s, cx, &v, &n);
    for (size_t i = 0; r == 0 && i < n; i++)
        if (str_eq(v[i].id, id)) {
            *out = v[i];
            return 0;
        }
    return r ? r : err_set_at(cx, ERR_NOT_FOUND, S("id"), "there is no key '" STR_FMT "'", STR_ARG(str_first(id, 32)));
}

static AuditEvent event_of(Ctx *cx, const char *action, const KeyRecord *k, Str detail) {
    return (AuditEvent){ .who = cx->principal.id.n ? cx->principal.id : S("local"),
                         .action = str_c(action),
                         .subject = k->id,
                         .outcome = S("ok"),
                         .request_id = cx->trace.request_id,
                         .detail = detail };
}

static int put(KeyService *s, Ctx *cx, const char *action, const KeyRecord *k, Str detail) {
    AuditEvent e = event_of(cx, action, k, detail);
    int r = security_store_put(s->o.store, cx, k, &e);
    if (r == KEY_STALE)
        return err_set(cx, ERR_CONFLICT, "the key was changed by somebody else meanwhile; look again");
    if (r != 0)
        return r;
    LOG_INFO(s->o.log, cx, S("key changed"), F_STR("action", e.action), F_STR("id", k->id), F_STR("name", k->name));
    return publish(s, cx);
}

/* --- the calls --- */

int keys_load(KeyService *s, Ctx *cx) {
    pthread_mutex_lock(&s->lock);
    int r = publish(s, cx);
    pthread_mutex_unlock(&s->lock);
    return r;
}

static int check_draft(Ctx *cx, const KeyDraft *d) {
    if (!d->name.n || d->name.n > KEY_NAME_MAX || !utf8_valid(d->name))
        return err_set_at(cx, ERR_INVALID, S("name"), "a key has a name of 1 to %d bytes: whose it is, what for",
                          KEY_NAME_MAX);
    for (size_t i = 0; i < d->name.n; i++)
        if ((unsigned char)d->name.p[i] < 0x20 || d->name.p[i] == 0x7f)
            return err_set_at(cx, ERR_INVALID, S("name"), "a name has no control characters");
    if (d->role < ROLE_READ || d->role > ROLE_ADMIN)
        return err_set_at(cx, ERR_INVALID, S("role"), "a key's role is read, write or admin");
    if (!key_scopes_valid(d->scopes))
        return err_set_at(cx, ERR_INVALID, S("scopes"),
                          "scopes are operations or their beginnings: market, backtest.run");
    if (d->limit < 0 || d->limit > KEY_LIMIT_MAX)
        return err_set_at(cx, ERR_INVALID, S("limit"), "a limit is 0 to %d requests a minute", KEY_LIMIT_MAX);
    if (d->expires.ms && d->expires.ms <= clock_wall(cx->clock).ms)
        return err_set_at(cx, ERR_INVALID, S("expires"), "the key would have expired already");
    return 0;
}

static Str new_secret(KeyService *s, Ctx *cx, const char *id, uint8_t digest[static SHA256_BYTES]) {
    uint8_t random[KEY_RANDOM];
    char *text = arena_alloc(cx->arena, KEY_TOKEN + 1);
    s->o.ids->bytes(s->o.ids, random, sizeof random);
    key_token_make(random, id, text);
    explicit_bzero(random, sizeof random);
    Str secret = str_n(text, KEY_TOKEN);
    key_token_digest(secret, digest);
    return secret;
}

static Str draft_words(Ctx *cx, const KeyRecord *k) {
    static const char *const roles[] = { "none", "read", "write", "admin" };
    return str_fmt(cx->arena, "%s; role %s; scopes %s; %lld a minute; expires %lld", str_cz(cx->arena, k->name),
                   roles[k->role], k->scopes.n ? str_cz(cx->arena, k->scopes) : "all", (long long)k->limit,
                   (long long)k->expires.ms);
}

static int create(KeyService *s, Ctx *cx, const KeyDraft *d, KeyRecord *out, Str *secret) {
    KeyRecord *v,
        k = { .name = d->name, .role = d->role, .scopes = d->scopes, .limit = d->limit, .expires = d->expires };
    size_t n;
    int r = read_all(s, cx, &v, &n);
    if (r == 0 && n >= KEYS_MAX)
        return err_set(cx, ERR_LIMIT, "there are %d keys already", KEYS_MAX);
    k.created = clock_wall(cx->clock);
    for (int i = 0; r == 0 && i < TRIES; i++) { /* 40 bits of id: the same one twice is possible */
        *secret = new_secret(s, cx, NULL, k.digest);
        k.id = key_token_id(*secret);
        bool taken = false;
        for (size_t at = 0; at < n; at++)
            taken |= str_eq(v[at].id, k.id);
        if (!taken)
            break;
    }
    if (r == 0)
        r = put(s, cx, "key.create", &k, draft_words(cx, &k));
    if (r == 0)
        *out = k;
    return r;
}

int keys_create(KeyService *s, Ctx *cx, const KeyDraft *draft, KeyRecord *out, Str *secret) {
    int r = check_draft(cx, draft);
    if (r != 0)
        return r;
    pthread_mutex_lock(&s->lock);
    r = create(s, cx, draft, out, secret);
    pthread_mutex_unlock(&s->lock);
    return r;
}

static int rotate(KeyService *s, Ctx *cx, Str id, int64_t grace_ms, KeyRecord *out, Str *secret) {
    KeyRecord k;
    int r = find(s, cx, id, &k);
    if (r == 0 && k.revoked.ms)
        r = err_set_at(cx, ERR_CONFLICT, S("id"), "the key is revoked; make a new one");
    if (r != 0)
        return r;
    memcpy(k.old_digest, k.digest, sizeof k.digest);
    k.rotated = clock_wall(cx->clock);
    k.old_until = time_add_ms(k.rotated, grace_ms);
    *secret = new_secret(s, cx, str_cz(cx->arena, k.id), k.digest);
    r = put(s, cx, "key.rotate", &k,
            str_fmt(cx->arena, "the secret before is good for %lld s more", (long long)(grace_ms / MS_PER_SECOND)));
    if (r == 0)
        *out = k;
    return r;
}

int keys_rotate(KeyService *s, Ctx *cx, Str id, int64_t grace_ms, KeyRecord *out, Str *secret) {
    if (grace_ms < 0 || grace_ms > KEY_GRACE_MAX_MS)
        return err_set_at(cx, ERR_INVALID, S("grace"), "a secret may stay good for 30 days at most after its rotation");
    pthread_mutex_lock(&s->lock);
    int r = rotate(s, cx, id, grace_ms, out, secret);
    pthread_mutex_unlock(&s->lock);
    return r;
}

static int revoke(KeyService *s, Ctx *cx, Str id, KeyRecord *out) {
    KeyRecord k;
    int r = find(s, cx, id, &k);
    if (r == 0 && !k.revoked.ms) {
        k.revoked = clock_wall(cx->clock);
        r = put(s, cx, "key.revoke", &k, k.name);
    }
    if (r == 0)
        *out = k;
    return r;
}

int keys_revoke(KeyService *s, Ctx *cx, Str id, KeyRecord *out) {
    pthread_mutex_lock(&s->lock);
    int r = revoke(s, cx, id, out);
    pthread_mutex_unlock(&s->lock);
    return r;
}

static void with_use(KeyService *s, KeyRecord *k) {
    int64_t at = atomic_load_explicit(&use_of(s, k)->use.at_ms, memory_order_relaxed);
    k->last_used.ms = MAX(k->last_used.ms, at);
}

int keys_get(KeyService *s, Ctx *cx, Str id, KeyRecord *out) {
    pthread_mutex_lock(&s->lock);
    int r = find(s, cx, id, out);
    if (r == 0)
        with_use(s, out);
    pthread_mutex_unlock(&s->lock);
    return r;
}

int keys_list(KeyService *s, Ctx *cx, KeyRecord **out, size_t *n) {
    pthread_mutex_lock(&s->lock);
    int r = read_all(s, cx, out, n);
    for (size_t i = 0; r == 0 && i < *n; i++)
        with_use(s, &(*out)[i]);
    pthread_mutex_unlock(&s->lock);
    return r;
}

int keys_note_use(KeyService *s, Ctx *cx) {
    pthread_mutex_lock(&s->lock);
    KeyRecord *v = arena_new_n(cx->arena, KeyRecord, s->uses.n + 1);
    size_t n = 0;
    MapEntry e;
    for (size_t at = 0; map_next(&s->uses, &at, &e);) {
        Use *u = e.value;
        int64_t used_ms = atomic_load_explicit(&u->use.at_ms, memory_order_relaxed);
        if (used_ms > u->written_ms)
            v[n++] = (KeyRecord){ .id = str_n(u->id, KEY_ID), .last_used = time_ms(used_ms) };
    }
    int r = security_store_used(s->o.store, cx, v, n);
    for (size_t i = 0; r == 0 && i < n; i++)
        ((Use *)map_get(&s->uses, v[i].id))->written_ms = v[i].last_used.ms;
    pthread_mutex_unlock(&s->lock);
    return r;
}
