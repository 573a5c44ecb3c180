/* eureka/answer.c - see answer.h. */

#include "eureka/answer.h"

#include "eureka/peers.h"
#include "eureka/text.h"

#include <stdio.h>

enum { KEPT_MS = 3000, PARTS_MAX = 5 };

typedef struct Kept { /* one form of one reading answer */
    Buf body;
    uint64_t revision;
    MonoNs made;
    bool there;
} Kept;

struct EurekaNode {
    EurekaRegistry *r;
    MonoNs wait_until;
    Kept kept[2][2]; /* [delta][json] */
};

EurekaNode *eureka_node_new(EurekaRegistry *r, MonoNs wait_until) {
    EurekaNode *n = mem_new(EurekaNode);
    n->r = r;
    n->wait_until = wait_until;
    for (int i = 0; i < 4; i++)
        buf_init(&n->kept[i / 2][i % 2].body, EUREKA_ANSWER_MAX);
    return n;
}

EurekaNode *eureka_node_free(EurekaNode *n) {
    if (!n)
        return NULL;
    for (int i = 0; i < 4; i++)
        buf_done(&n->kept[i / 2][i % 2].body);
    return mem_free(n);
}

void eureka_node_ready(EurekaNode *n) {
    n->wait_until = (MonoNs){ 0 };
}

/* --- what is written --- */

static bool is_json(Str accept) {
    return str_find(accept, S("json")) >= 0;
}

static Str media(bool json) {
    return json ? S("application/json") : S("application/xml");
}

static size_t same_app(const EurekaList *l, size_t from) {
    size_t to = from;
    while (to < l->n && str_eq(l->v[to].app, l->v[from].app))
        to++;
    return to;
}

static void app_json(JsonWriter *w, const EurekaList *l, size_t from, size_t to) {
    json_object(w);
    json_put_str(w, "name", l->v[from].app);
    json_key(w, S("instance"));
    json_array(w);
    for (size_t i = from; i < to; i++)
        eureka_write_json(w, &l->v[i]);
    json_array_end(w);
    json_object_end(w);
}

static void app_xml(Buf *out, const EurekaList *l, size_t from, size_t to) {
    BUF_LIT(out, "<application><name>");
    eureka_xml_text(out, l->v[from].app);
    BUF_LIT(out, "</name>");
    for (size_t i = from; i < to; i++)
        eureka_write_xml(out, &l->v[i]);
    BUF_LIT(out, "</application>");
}

/* An application without instances is never written: the JavaScript client fails its whole fetch over one. */
static void list_write(Buf *out, const EurekaList *l, bool json) {
    JsonWriter w;
    json_writer_init(&w, out, false);
    if (json) {
        json_object(&w);
        json_key(&w, S("applications"));
        json_object(&w);
        char version[24];
        json_put_str(&w, "versions__delta",
                     str_n(version, (size_t)snprintf(version, sizeof version, "%lld", (long long)l->version)));
        json_put_str(&w, "apps__hashcode", l->hash);
        json_key(&w, S("application"));
        json_array(&w);
    } else {
        buf_printf(out,
                   "<applications><versions__delta>%lld</versions__delta><apps__hashcode>" STR_FMT "</apps__hashcode>",
                   (long long)l->version, STR_ARG(l->hash));
    }
    for (size_t i = 0, to; i < l->n; i = to) {
        to = same_app(l, i);
        if (json)
            app_json(&w, l, i, to);
        else
            app_xml(out, l, i, to);
    }
    if (json) {
        json_array_end(&w);
        json_object_end(&w);
        json_object_end(&w);
    } else {
        BUF_LIT(out, "</applications>");
    }
}

/* --- replies --- */

static void plain(EurekaReply *out, int status, const char *words) {
    *out = (EurekaReply){ .status = status };
    if (words[0]) {
        out->media = S("text/plain");
        out->body = str_c(words);
    }
}

/* A body of its own, in the arena. */
static void reply_buf(EurekaReply *out, Arena *a, Buf *b, bool json) {
    if (!buf_ok(b))
        plain(out, 500, "the answer is too large");
    else
        *out = (EurekaReply){ 200, media(json), str_dup(a, buf_str(b)) };
    buf_done(b);
}

static bool waits(const EurekaNode *n, EurekaNow now) {
    EurekaRegistryView v;
    if (now.mono.ns >= n->wait_until.ns)
        return false;
    eureka_registry_view(n->r, now, &v);
    return v.instances == 0;
}

static void reply_all(EurekaNode *n, Arena *a, EurekaNow now, bool delta, bool json, EurekaReply *out) {
    Kept *k = &n->kept[delta][json];
    if (!k->there || k->revision != eureka_revision(n->r) || mono_ms_between(k->made, now.mono) > KEPT_MS) {
        EurekaList list;
        eureka_select(n->r, a, &(EurekaSelect){ .delta = delta }, &list);
        buf_clear(&k->body);
        list_write(&k->body, &list, json);
        k->revision = eureka_revision(n->r);
        k->made = now.mono;
        k->there = buf_ok(&k->body);
    }
    if (!k->there)
        plain(out, 500, "the answer is too large");
    else
        *out = (EurekaReply){ 200, media(json), buf_str(&k->body) };
}

static void reply_select(EurekaNode *n, Arena *a, const EurekaSelect *which, bool json, EurekaReply *out) {
    EurekaList list;
    Buf b;
    buf_init(&b, EUREKA_ANSWER_MAX);
    eureka_select(n->r, a, which, &list);
    list_write(&b, &list, json);
    reply_buf(out, a, &b, json);
}

static void reply_app(EurekaNode *n, Arena *a, Str app, bool json, EurekaReply *out) {
    EurekaList list;
    Buf b;
    buf_init(&b, EUREKA_ANSWER_MAX);
    eureka_select(n->r, a, &(EurekaSelect){ .app = app }, &list);
    if (list.n == 0) {
        plain(out, 404, "");
        buf_done(&b);
        return;
    }
    JsonWriter w;
    json_writer_init(&w, &b, false);
    if (json) {
        json_object(&w);
        json_key(&w, S("application"));
        app_json(&w, &list, 0, list.n);
        json_object_end(&w);
    } else {
        app_xml(&b, &list, 0, list.n);
    }
    reply_buf(out, a, &b, json);
}

static void reply_instance(EurekaNode *n, Arena *a, Str app, Str id, bool json, EurekaReply *out) {
    const EurekaInstance *x = eureka_find(n->r, app, id);
    if (!x) {
        plain(out, 404, "");
        return;
    }
    Buf b;
    buf_init(&b, EUREKA_ANSWER_MAX);
    JsonWriter w;
    json_writer_init(&w, &b, false);
    if (json) {
        json_object(&w);
        json_key(&w, S("instance"));
        eureka_write_json(&w, x);
        json_object_end(&w);
    } else {
        eureka_write_xml(&b, x);
    }
    reply_buf(out, a, &b, json);
}

/* --- what is asked --- */

typedef struct Asked { /* a request taken apart */
    const EurekaRequest *rq;
    Str part[PARTS_MAX];
    size_t n;
    bool json;
} Asked;

static bool is(Str method, const char *name) {
    return str_eq(method, str_c(name));
}

static void answer_register(EurekaNode *n, Arena *a, EurekaNow now, const Asked *q, EurekaReply *out) {
    EurekaInstance x;
    Str type = q->rq->content_type;
    bool xml = str_find(type, S("xml")) >= 0;
    if (!xml && !is_json(type)) {
        plain(out, 415, "application/json or application/xml");
        return;
    }
    int e = xml ? eureka_read_xml(q->rq->body, a, &x) : eureka_read_json(q->rq->body, a, &x);
    const char *fault = e ? "the body is no instance" : eureka_registration_fault(a, &x, q->part[1]);
    if (fault) {
        plain(out, 400, fault);
        return;
    }
    if (eureka_register(n->r, now, &x, q->rq->from_peer) == EUREKA_FULL)
        plain(out, 503, "the registry is full");
    else
        plain(out, 204, "");
}

static EurekaRenewal renewal_of(Arena *a, const Asked *q) {
    EurekaRenewal w = { .app = q->part[1], .id = q->part[2], .from_peer = q->rq->from_peer };
    int64_t dirty;
    if (str_to_i64(eureka_parameter(a, q->rq->query, S("lastDirtyTimestamp")), &dirty))
        w.dirty_ms = MAX(dirty, 0);
    w.overridden = eureka_status_of(eureka_parameter(a, q->rq->query, S("overriddenstatus")));
    return w;
}

static void outcome(EurekaReply *out, int e) {
    plain(out, e == 0 ? 200 : e == EUREKA_ABSENT ? 404 : 500, "");
}

static void answer_renew(EurekaNode *n, Arena *a, EurekaNow now, const Asked *q, EurekaReply *out) {
    EurekaRenewal w = renewal_of(a, q);
    int e = eureka_renew(n->r, now, &w);
    if (e != EUREKA_STALE) {
        outcome(out, e);
        return;
    }
    reply_instance(n, a, w.app, w.id, q->json, out);
    out->status = 409;
}

static void answer_status(EurekaNode *n, Arena *a, EurekaNow now, const Asked *q, EurekaReply *out) {
    EurekaRenewal w = renewal_of(a, q);
    Str value = eureka_parameter(a, q->rq->query, S("value"));
    EurekaStatus status = EUREKA_UNKNOWN;
    bool set = is(q->rq->method, "PUT"), good = eureka_status_parse(value, &status) || (!set && !value.n);
    if (!eureka_find(n->r, w.app, w.id))
        plain(out, 404, "Instance not found");
    else if (!good)
        plain(out, 500, "value is none of UP, DOWN, STARTING, OUT_OF_SERVICE, UNKNOWN");
    else
        outcome(out, set ? eureka_override(n->r, now, &w, status) : eureka_override_off(n->r, now, &w, status));
}

static void answer_metadata(EurekaNode *n, Arena *a, EurekaNow now, const Asked *q, EurekaReply *out) {
    EurekaPairs pairs = { arena_new_n(a, EurekaPair, EUREKA_PAIRS_MAX), 0 };
    Str rest = q->rq->query, pair;
    while (str_next(&rest, '&', &pair) && pairs.n < EUREKA_PAIRS_MAX) {
        Str value = pair, key;
        str_next(&value, '=', &key);
        EurekaPair p;
        if (key.n && eureka_decode(a, key, &p.name) && eureka_decode(a, value, &p.value))
            pairs.v[pairs.n++] = p;
    }
    outcome(out, eureka_metadata_set(n->r, now, q->part[1], q->part[2], pairs));
}

static bool answer_apps(EurekaNode *n, Arena *a, EurekaNow now, const Asked *q, EurekaReply *out) {
    Str method = q->rq->method;
    bool get = is(method, "GET");
    if (get && waits(n, now)) {
        plain(out, 403, "");
        return true;
    }
    if (q->n <= 2 && get) {
        bool delta = q->n == 2 && str_eq(q->part[1], S("delta"));
        if (q->n == 1 || delta)
            reply_all(n, a, now, delta, q->json, out);
        else
            reply_app(n, a, q->part[1], q->json, out);
    } else if (q->n == 2 && is(method, "POST")) {
        answer_register(n, a, now, q, out);
    } else if (q->n == 3 && get) {
        reply_instance(n, a, q->part[1], q->part[2], q->json, out);
    } else if (q->n == 3 && is(method, "PUT")) {
        answer_renew(n, a, now, q, out);
    } else if (q->n == 3 && is(method, "DELETE")) {
        outcome(out, eureka_cancel(n->r, now, q->part[1], q->part[2], q->rq->from_peer));
    } else if (q->n == 4 && str_eq(q->part[3], S("status")) && (is(method, "PUT") || is(method, "DELETE"))) {
        answer_status(n, a, now, q, out);
    } else if (q->n == 4 && str_eq(q->part[3], S("metadata")) && is(method, "PUT")) {
        answer_metadata(n, a, now, q, out);
    } else {
        plain(out, 405, "");
    }
    return true;
}

static void answer_batch(EurekaNode *n, Arena *a, EurekaNow now, const Asked *q, EurekaReply *out) {
    Str body;
    if (!is(q->rq->method, "POST"))
        plain(out, 405, "");
    else if (eureka_peer_take_batch(n->r, a, now, q->rq->body, &body) != 0)
        plain(out, 400, "the body is no batch");
    else
        *out = (EurekaReply){ 200, media(true), body };
}

static bool split(Arena *a, const EurekaRequest *rq, Asked *q) {
    *q = (Asked){ .rq = rq, .json = is_json(rq->accept) };
    Str rest = rq->path, part;
    while (str_next(&rest, '/', &part)) {
        if (part.n == 0) /* before the first slash, behind the last */
            continue;
        if (q->n == PARTS_MAX || !eureka_decode(a, part, &q->part[q->n++]))
            return false;
    }
    return q->n > 0;
}

bool eureka_changes(const EurekaRequest *rq) {
    return !str_eq(rq->method, S("GET")) && !str_eq(rq->method, S("HEAD"));
}

bool eureka_answer(EurekaNode *n, Arena *a, EurekaNow now, const EurekaRequest *rq, EurekaReply *out) {
    Asked q;
    if (!split(a, rq, &q))
        return false;
    bool get = is(rq->method, "GET");
    if (str_eq(q.part[0], S("apps")))
        return answer_apps(n, a, now, &q, out);
    if (str_eq(q.part[0], S("peerreplication")) && q.n == 2 && str_eq(q.part[1], S("batch")))
        answer_batch(n, a, now, &q, out);
    else if (q.n != 2)
        return false;
    else if (!get &&
             (str_eq(q.part[0], S("instances")) || str_eq(q.part[0], S("vips")) || str_eq(q.part[0], S("svips"))))
        plain(out, 405, "");
    else if (str_eq(q.part[0], S("instances")))
        reply_instance(n, a, (Str){ 0 }, q.part[1], q.json, out);
    else if (str_eq(q.part[0], S("vips")))
        reply_select(n, a, &(EurekaSelect){ .vip = q.part[1] }, q.json, out);
    else if (str_eq(q.part[0], S("svips")))
        reply_select(n, a, &(EurekaSelect){ .secure_vip = q.part[1] }, q.json, out);
    else
        return false;
    return true;
}
