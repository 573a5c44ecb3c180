/* api/security/handlers.c - records into calls of the key service and the record of events, and back. */

#include "api/security/handlers.h"

#include "base/vec.h"

static const char *const role_names[] = { "none", "read", "write", "admin" };

static Str role_text(Role r) {
    return str_c(role_names[r]);
}

static Role role_of(Str name) {
    for (size_t i = 0; i < ARRAY_LEN(role_names); i++)
        if (str_eq(name, str_c(role_names[i])))
            return (Role)i;
    return ROLE_NONE;
}

static List words_of(Ctx *cx, Str text) {
    VEC(Str) v = { 0 };
    Str word;
    while (str_next(&text, ' ', &word))
        if (word.n)
            vec_push_in(cx->arena, &v, word);
    return (List){ v.v, v.n };
}

static Str text_of(Ctx *cx, const List *words) {
    const Str *v = words->v;
    Str all = S("");
    for (size_t i = 0; i < words->n; i++)
        all = i ? str_fmt(cx->arena, STR_FMT " " STR_FMT, STR_ARG(all), STR_ARG(str_trim(v[i]))) : str_trim(v[i]);
    return all;
}

static KeyView view_of(Ctx *cx, const KeyRecord *k) {
    Time now = clock_wall(cx->clock);
    bool expired = k->expires.ms && k->expires.ms <= now.ms;
    return (KeyView){ .id = k->id,
                      .name = k->name,
                      .role = role_text(k->role),
                      .status = k->revoked.ms ? S("revoked")
                                : expired     ? S("expired")
                                              : S("active"),
                      .scopes = words_of(cx, k->scopes),
                      .limit = k->limit,
                      .created = k->created,
                      .expires = k->expires,
                      .last_used = k->last_used,
                      .rotated = k->rotated,
                      .old_until = k->old_until.ms > now.ms ? k->old_until : (Time){ 0 },
                      .revoked = k->revoked };
}

static int check_ours(const SecurityRole *s, Ctx *cx) {
    return s->follows.n == 0
               ? 0
               : err_set(cx, ERR_CONFLICT, "this gateway learns its keys from " STR_FMT "; change them there",
                         STR_ARG(s->follows));
}

int security_api_keys(void *role, Ctx *cx, const void *in, void *out) {
    UNUSED(in);
    KeyRecord *v;
    size_t n;
    int r = keys_list(((SecurityRole *)role)->keys, cx, &v, &n);
    if (r != 0)
        return r;
    KeyView *views = arena_new_n(cx->arena, KeyView, n + 1);
    for (size_t i = 0; i < n; i++)
        views[i] = view_of(cx, &v[i]);
    *(KeyList *)out = (KeyList){ (int64_t)n, { views, n } };
    return 0;
}

int security_api_create(void *role, Ctx *cx, const void *in_, void *out_) {
    const KeyCreate *in = in_;
    KeySecret *out = out_;
    KeyRecord k;
    KeyDraft d = { in->name, role_of(in->role), text_of(cx, &in->scopes), in->limit, in->expires };
    if (in->days && in->expires.ms)
        return err_set_at(cx, ERR_INVALID, S("days"), "give days or expires, not both");
    if (in->days)
        d.expires = time_add_ms(clock_wall(cx->clock), in->days * MS_PER_DAY);
    int r = check_ours(role, cx);
    if (r == 0)
        r = keys_create(((SecurityRole *)role)->keys, cx, &d, &k, &out->secret);
    if (r == 0)
        out->key = view_of(cx, &k);
    return r;
}

int security_api_get(void *role, Ctx *cx, const void *in, void *out) {
    KeyRecord k;
    int r = keys_get(((SecurityRole *)role)->keys, cx, ((const KeyRef *)in)->id, &k);
    if (r == 0)
        *(KeyView *)out = view_of(cx, &k);
    return r;
}

int security_api_rotate(void *role, Ctx *cx, const void *in_, void *out_) {
    const KeyRotate *in = in_;
    KeySecret *out = out_;
    KeyRecord k;
    int r = check_ours(role, cx);
    if (r == 0)
        r = keys_rotate(((SecurityRole *)role)->keys, cx, in->id, in->grace_seconds * MS_PER_SECOND, &k, &out->secret);
    if (r == 0)
        out->key = view_of(cx, &k);
    return r;
}

int security_api_revoke(void *role, Ctx *cx, const void *in, void *out) {
    KeyRecord k;
    int r = check_ours(role, cx);
    if (r == 0)
        r = keys_revoke(((SecurityRole *)role)->keys, cx, ((const KeyRef *)in)->id, &k);
    if (r == 0)
        *(KeyView *)out = view_of(cx, &k);
    return r;
}

static Str hex_of(Ctx *cx, const uint8_t *bytes) {
    char *p = arena_alloc(cx->arena, SHA256_HEX);
    for (size_t i = 0; i < SHA256_BYTES; i++) {
        p[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
        p[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
    }
    return str_n(p, SHA256_HEX);
}

int security_api_feed(void *role, Ctx *cx, const void *in, void *out) {
    UNUSED(in);
    KeyRecord *v;
    size_t n;
    int r = keys_list(((SecurityRole *)role)->keys, cx, &v, &n);
    if (r != 0)
        return r;
    KeyDigest *d = arena_new_n(cx->arena, KeyDigest, n + 1);
    for (size_t i = 0; i < n; i++)
        d[i] = (KeyDigest){ .id = v[i].id,
                            .role = role_text(v[i].role),
                            .digest = hex_of(cx, v[i].digest),
                            .old_digest = v[i].rotated.ms ? hex_of(cx, v[i].old_digest) : (Str){ 0 },
                            .scopes = words_of(cx, v[i].scopes),
                            .limit = v[i].limit,
                            .expires = v[i].expires,
                            .old_until = v[i].old_until,
                            .revoked = v[i].revoked };
    *(KeyFeed *)out = (KeyFeed){ { d, n } };
    return 0;
}

/* --- events --- */

/* What was noted a moment ago belongs into the answer. */
static int settle(SecurityRole *s, Ctx *cx) {
    return s->trail ? trail_flush(s->trail, cx, false) : 0;
}

int security_api_events(void *role, Ctx *cx, const void *in_, void *out) {
    const EventQuery *in = in_;
    SecurityRole *s = role;
    SecurityStore *store = key_service_store(s->keys);
    AuditSpan span;
    AuditEvent *v = NULL;
    size_t n = 0;
    int r = settle(s, cx);
    if (r == 0)
        r = security_store_span(store, cx, &span);
    if (r != 0)
        return r;
    int64_t after = in->after >= 0 ? in->after : MAX(span.head.seq - in->limit, INT64_C(0));
    r = security_store_events(store, cx, after, (size_t)in->limit, &v, &n);
    if (r != 0)
        return r;
    EventRow *rows = arena_new_n(cx->arena, EventRow, n + 1);
    for (size_t i = 0; i < n; i++)
        rows[i] =
            (EventRow){ v[i].seq,     v[i].at,         v[i].who,    v[i].action, v[i].subject,         v[i].outcome,
                        v[i].address, v[i].request_id, v[i].detail, v[i].count,  hex_of(cx, v[i].link) };
    *(EventList *)out = (EventList){ (int64_t)n, span.head.seq, { rows, n } };
    return 0;
}

int event_anchor(Ctx *cx, Str text, AuditAnchor *room, const AuditAnchor **out) {
    if (text.n && !audit_anchor_parse(text, room))
        return err_set_at(cx, ERR_INVALID, S("anchor"),
                          "an anchor is NUMBER:LINK, as 'finsight audit verify' prints it");
    *out = text.n ? room : NULL;
    return 0;
}

void event_verdict(Ctx *cx, const AuditSpan *span, const AuditWalk *w, EventVerdict *out) {
    char text[AUDIT_ANCHOR_TEXT + 1];
    *out = (EventVerdict){
        .whole = w->fault == AUDIT_WHOLE && !w->alarm,
        .events = w->at.seq - span->before.seq,
        .first = span->before.seq + 1,
        .fault = w->fault ? str_c(audit_fault_words[w->fault])
                 : w->alarm
                     ? S("an alarm stands: the record was found cut off, its anchor lost or its key another when it "
                         "was opened")
                     : (Str){ 0 },
        .fault_seq = w->fault_seq,
        .alarm_seq = w->alarm,
        .anchor = str_dup(cx->arena, audit_anchor_text(&w->at, text)),
    };
}

int security_api_verify(void *role, Ctx *cx, const void *in, void *out) {
    SecurityRole *s = role;
    SecurityStore *store = key_service_store(s->keys);
    AuditAnchor room;
    const AuditAnchor *anchor = NULL;
    AuditSpan span;
    AuditWalk w;
    int r = event_anchor(cx, ((const EventVerifyQuery *)in)->anchor, &room, &anchor);
    if (r == 0)
        r = settle(s, cx);
    if (r == 0)
        r = security_store_span(store, cx, &span);
    if (r == 0)
        r = security_store_walk(store, cx, anchor, &w);
    if (r == 0)
        event_verdict(cx, &span, &w, out);
    return r;
}

int security_api_acknowledge(void *role, Ctx *cx, const void *in_, void *out) {
    const EventAcknowledge *in = in_;
    AuditEvent e = { .who = cx->principal.id.n ? cx->principal.id : S("local"),
                     .action = S(AUDIT_ACKNOWLEDGED),
                     .outcome = S("ok"),
                     .request_id = cx->trace.request_id,
                     .detail = in->reason };
    int r = security_store_append(key_service_store(((SecurityRole *)role)->keys), cx, &e, 1);
    ((EventAcknowledged *)out)->success = r == 0;
    return r;
}
