/* gateway/guard.c - who asks, whether they may, and what the record of security events hears of it.
 *
 * The keys are a set that never changes; the loop reads the one it has, and a new one comes as a message to the loop. */

#include "gateway/internal.h"

#include "gateway/auth.h"
#include "gateway/forward.h"

#include "base/num.h"

enum { LIMITERS_MAX = 64 };

/* "2 alice": the role's number and the id of whom a hop before us has let in. */
static bool read_vouched(Request *rq, Str text) {
    ptrdiff_t blank = str_find_char(text, ' ');
    int64_t role;
    if (blank < 1 || !str_to_i64(str_first(text, (size_t)blank), &role) || role < ROLE_NONE || role > ROLE_ADMIN)
        return false;
    rq->cx.principal = (Principal){ (Role)role, str_dup(&rq->arena, str_from(text, (size_t)blank + 1)) };
    return true;
}

static Str operation_of(const Request *rq) {
    const Op *op = rq->route ? rq->route->op : NULL;
    return op ? str_c(op->name) : rq->ex->head.path;
}

static void note(Request *rq, const char *action, Str outcome, Str detail, bool often) {
    const GatewayOptions *o = &rq->g->o;
    if (!o->on_event)
        return;
    o->on_event(o->event_arg,
                &(AuditEvent){ .who = rq->cx.principal.id.n ? rq->cx.principal.id : S("anonymous"),
                               .action = str_c(action),
                               .subject = operation_of(rq),
                               .outcome = outcome,
                               .address = rq->client.n ? rq->client : rq->ex->head.peer,
                               .request_id = rq->cx.trace.request_id,
                               .detail = detail },
                often);
}

void gateway_note_refused(Request *rq, Str what, Str outcome) {
    note(rq, "request.refused", outcome, what, true);
}

/* What was given for a key: its id, if it has the form of one, and what is wrong with it. Never the key. */
static void note_login(Request *rq, const AuthVerdict *v) {
    Str id = key_token_id(v->given);
    note(rq, "login.failed", str_c(err_info(rq->cx.err.code)->name),
         v->given.n ? str_fmt(&rq->arena, "%s key " STR_FMT, key_verdict_words[v->key_verdict], STR_ARG(id))
                    : S("no key of a hop, or an Authorization that is none"),
         true);
}

int gateway_principal(Request *rq) {
    const Gateway *g = rq->g;
    const HttpHead *head = &rq->ex->head;
    AuthVerdict v = { 0 };
    Str internal = g->internal_key[0] ? http_field(head, S(FORWARD_INTERNAL_KEY)) : (Str){ 0 };
    if (internal.p) {
        rq->vouched =
            auth_equal(internal, str_c(g->internal_key)) && read_vouched(rq, http_field(head, S(FORWARD_PRINCIPAL)));
        if (rq->vouched)
            return 0;
        int r = err_set(&rq->cx, ERR_DENIED, "the key of a hop is not known here");
        note_login(rq, &v);
        return r;
    }
    Credentials c = { .api_key = http_field(head, S("x-api-key")),
                      .authorization = http_field(head, S("authorization")),
                      .local = head->local };
    AuthRules rules = { .admin_key = str_c(g->admin_key),
                        .keys = g->keys,
                        .keyless = g->o.open_reading ? ROLE_READ : ROLE_NONE,
                        .now = clock_wall(g->o.clock),
                        .unknown_is_401 = g->o.unknown_key_401 };
    int r = auth_principal(&rq->cx, &c, &rules, &v);
    if (r != 0) {
        note_login(rq, &v);
        return r;
    }
    rq->cx.principal = v.principal;
    rq->key = v.key;
    return 0;
}

int gateway_allow(Request *rq, Role needed) {
    int r = auth_allow(&rq->cx, &rq->cx.principal, needed);
    if (r == 0 && rq->key && !key_allows(&rq->key->key, operation_of(rq)))
        r = err_set(&rq->cx, ERR_DENIED, "the key's scopes do not have %s",
                    str_cz(&rq->arena, str_first(operation_of(rq), 80)));
    if (r != 0)
        note(rq, "access.denied", str_c(err_info(r)->name), (Str){ 0 }, true);
    return r;
}

void gateway_note_done(Request *rq, int status) {
    const Route *route = rq->route;
    if (!route || !route->op || route->needs != ROLE_ADMIN || rq->vouched || status == 401 || status == 403)
        return;
    char words[16];
    bool reads = route->op->idempotent && str_eq(str_c(route->op->method), S("GET"));
    size_t n = num_format_i64(status, words);
    note(rq, "admin.call", status < 400 ? S("ok") : str_fmt(&rq->arena, "http " STR_FMT, STR_ARG(str_n(words, n))),
         (Str){ 0 }, reads);
}

/* --- limits of their own --- */

/* One limiter for each number of requests that a key has; they stay, for there are few. */
static void make_limiters(Gateway *g) {
    const KeyEntry *v;
    size_t n = key_set_entries(g->keys, &v);
    for (size_t i = 0; i < n; i++) {
        bool have = v[i].key.limit == 0;
        VEC_FOR (l, &g->key_limits)
            have |= l->a_minute == v[i].key.limit;
        if (!have && g->key_limits.n < LIMITERS_MAX)
            vec_push(&g->key_limits, ((KeyLimit){ v[i].key.limit, gateway_limiter(g, "key", v[i].key.limit) }));
    }
}

Limiter *gateway_key_limiter(const Request *rq) {
    if (rq->key && rq->key->key.limit)
        VEC_FOR (l, &rq->g->key_limits)
            if (l->a_minute == rq->key->key.limit)
                return l->limiter;
    return rq->g->by_key;
}

void gateway_keys(Gateway *g, KeySet *set) {
    key_set_unref(g->keys);
    g->keys = set;
    make_limiters(g);
    gateway_keys_look(g);
}

void gateway_keys_look(Gateway *g) {
    if (!g->keys)
        return;
    if (g->live)
        live_hub_keys(g->live, g->keys);
    holds_look(g);
}

void guard_done(Gateway *g) {
    VEC_FOR (l, &g->key_limits)
        limiter_free(l->limiter);
    vec_done(&g->key_limits);
    g->keys = key_set_unref(g->keys);
}
