/* ports/security_store.c - the checking wrapper around every security store. */

#include "ports/security_store.h"

static int enter(SecurityStore *s, Ctx *cx) {
    assert(s && s->ops && cx && cx->arena);
    return ctx_check(cx);
}

static void bound(AuditEvent *e) {
    Str *const texts[] = { &e->who, &e->action, &e->subject, &e->outcome, &e->address, &e->request_id };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        *texts[i] = str_first(*texts[i], AUDIT_TEXT_MAX);
    e->detail = str_first(e->detail, AUDIT_DETAIL_MAX);
    e->count = MAX(e->count, (int64_t)1);
}

static void complete(Ctx *cx, AuditEvent *e) {
    assert(e->action.n);
    bound(e);
    if (!e->at.ms)
        e->at = clock_wall(cx->clock);
}

static void check_key(const KeyRecord *k) {
    assert(key_id_valid(k->id) && k->name.n <= KEY_NAME_MAX && k->scopes.n <= KEY_SCOPES_MAX && k->limit >= 0);
    UNUSED(k);
}

int security_store_keys(SecurityStore *s, Ctx *cx, KeyRecord **out, size_t *n, int64_t *revision) {
    int r = enter(s, cx);
    return r ? r : s->ops->keys(s, cx, out, n, revision);
}

int security_store_put(SecurityStore *s, Ctx *cx, const KeyRecord *key, const AuditEvent *event) {
    check_key(key);
    AuditEvent e = *event;
    complete(cx, &e);
    int r = enter(s, cx);
    return r ? r : s->ops->put(s, cx, key, &e);
}

int security_store_drop(SecurityStore *s, Ctx *cx, Str id, const AuditEvent *event) {
    AuditEvent e = *event;
    complete(cx, &e);
    int r = enter(s, cx);
    return r ? r : s->ops->drop(s, cx, id, &e);
}

int security_store_used(SecurityStore *s, Ctx *cx, const KeyRecord *v, size_t n) {
    int r = enter(s, cx);
    return r || n == 0 ? r : s->ops->used(s, cx, v, n);
}

int security_store_append(SecurityStore *s, Ctx *cx, AuditEvent *v, size_t n) {
    for (size_t i = 0; i < n; i++)
        complete(cx, &v[i]);
    int r = enter(s, cx);
    return r || n == 0 ? r : s->ops->append(s, cx, v, n);
}

int security_store_events(SecurityStore *s, Ctx *cx, int64_t after, size_t limit, AuditEvent **out, size_t *n) {
    assert(limit > 0 && limit <= AUDIT_READ_MAX);
    int r = enter(s, cx);
    return r ? r : s->ops->events(s, cx, after, limit, out, n);
}

int security_store_span(SecurityStore *s, Ctx *cx, AuditSpan *out) {
    int r = enter(s, cx);
    return r ? r : s->ops->span(s, cx, out);
}

int security_store_walk(SecurityStore *s, Ctx *cx, const AuditAnchor *anchor, AuditWalk *out) {
    int r = enter(s, cx);
    return r ? r : s->ops->walk(s, cx, anchor, out);
}

SecurityStore *security_store_close(SecurityStore *s) {
    if (s)
        s->ops->close(s);
    return NULL;
}
