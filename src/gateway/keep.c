/* gateway/keep.c - the stage "cache": an answer of a service elsewhere that is still good is told without a call.
 *
 * Only reading, and only what HTTP lets a shared cache tell (freshness.h). What is stale is told at once and asked for
 * anew behind the client's back where the service allows it (stale-while-revalidate); otherwise it is asked whether it
 * is still so. Of many who want the same one call is made (fetch.c). X-Cache says which it was. */

#include "gateway/internal.h"

enum { FLIGHTS_MAX = 1024, WAITERS_MAX = 16384 };

static const char *const words[KEPT_WORDS] = { "HIT", "MISS", "STALE", "REVALIDATED", "STALE" };

void keep_new(Gateway *g, size_t max_bytes) {
    Keeping *k = &g->keep;
    list_init(&k->fetches);
    k->flights = flights_new(FLIGHTS_MAX, WAITERS_MAX, ids_u64(g->o.ids));
    static const char *const outcomes[KEPT_WORDS] = { "hit", "miss", "stale", "revalidated", "fallback" };
    for (int i = 0; i < KEPT_WORDS; i++)
        k->told[i] = metrics_counter(g->o.metrics, "finsight_gateway_cache_total",
                                     "Answers of services that may be kept, by how they came to be told.",
                                     METRIC_L({ "outcome", str_c(outcomes[i]) }));
    k->hits = metrics_counter(g->o.metrics, "python_services_cache_hits_total", "Cache hits.", METRIC_NO_LABELS);
    k->misses = metrics_counter(g->o.metrics, "python_services_cache_misses_total", "Cache misses.", METRIC_NO_LABELS);
    if (max_bytes)
        k->shelf = shelf_new(max_bytes, ids_u64(g->o.ids));
}

void keep_done(Gateway *g) {
    if (!g->keep.flights)
        return;
    fetches_end(g);
    flights_free(g->keep.flights);
    shelf_free(g->keep.shelf);
}

/* --- telling --- */

static Str number(Arena *a, int64_t v) {
    return str_fmt(a, "%lld", (long long)v);
}

/* Of a 304: what its reader's copy is to be brought up to date with (RFC 9110 section 15.4.5). */
static size_t fields_of_304(HttpField *v, size_t n) {
    static const Str stay[] = { STR_INIT("cache-control"), STR_INIT("content-location"), STR_INIT("etag"),
                                STR_INIT("expires"),       STR_INIT("last-modified"),    STR_INIT("vary") };
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < ARRAY_LEN(stay); k++)
            if (str_eq(v[i].name, stay[k])) {
                v[kept++] = v[i];
                break;
            }
    return kept;
}

void keep_tell(Request *rq, const ShelfAnswer *answer, KeptWord word) {
    const Keeping *keep = &rq->g->keep;
    bool same = answer->status == 200 && not_modified(&rq->ex->head, answer->etag, answer->last_modified);
    HttpReply reply = { .status = same ? 304 : answer->status, .fields = answer->fields, .n_fields = answer->n_fields };
    HttpField *fields = answer->fields;
    size_t n = same ? fields_of_304(fields, answer->n_fields) : answer->n_fields;
    n += request_own_fields(rq, fields + n);
    if (word != KEPT_PASSED) {
        fields[n++] = (HttpField){ S("Age"), number(&rq->arena, answer->age_ms / MS_PER_SECOND) };
        fields[n++] = (HttpField){ S("X-Cache"), str_c(words[word]) };
        counter_inc(keep->told[word]);
        counter_inc(word == KEPT_MISS ? keep->misses : keep->hits);
    }
    if (word == KEPT_FALLBACK) {
        fields[n++] = (HttpField){ S(FALLBACK_FIELD), S("stale-cache") };
        fields[n++] = (HttpField){ S("Warning"), S("110 - \"Response is Stale\"") };
    }
    reply.n_fields = n;
    if (!same && rq->head_only) {
        reply.length = (int64_t)answer->body.n;
    } else if (!same) {
        buf_init(&reply.body, answer->body.n + 1);
        buf_put_str(&reply.body, answer->body);
    }
    request_answer(rq, &reply);
    request_left(rq);
}

/* --- the stage --- */

/* What may be asked of the shelf at all. */
static bool eligible(const Request *rq) {
    const HttpHead *head = &rq->ex->head;
    if (!rq->g->keep.shelf || !rq->route->keeps || rq->ex->body.n)
        return false;
    if (!rq->head_only && !str_eq(head->method, S("GET")))
        return false;
    return !http_field(head, S("range")).p && !http_field(head, S("upgrade")).p && !http_field(head, S("if-match")).p &&
           !http_field(head, S("if-unmodified-since")).p;
}

static Str who_asks(const Request *rq) {
    const HttpHead *head = &rq->ex->head;
    bool says =
        rq->vouched || head->local || http_field(head, S(API_HEADER_KEY)).p || http_field(head, S("authorization")).p;
    return says ? rq->cx.principal.id : (Str){ 0 };
}

/* May it be told as it is? RFC 9111 section 5.2.1: the asker may want it younger. */
static bool young_enough(const CacheControl *asked, const ShelfAnswer *a) {
    return !asked->no_cache && (asked->max_age_s < 0 || a->age_ms < asked->max_age_s * MS_PER_SECOND);
}

static bool refuse_absent(Request *rq) {
    err_set(&rq->cx, ERR_TIMEOUT, "no answer is kept, and only a kept one is wanted (Cache-Control: only-if-cached)");
    request_fail(rq);
    return true;
}

/* Found, whether or not it may be told. */
static bool serve_found(Request *rq, const CacheControl *asked, const ShelfQuestion *q, ShelfFound found,
                        ShelfAnswer *a) {
    bool young = young_enough(asked, a);
    if (found == SHELF_FRESH && young) {
        keep_tell(rq, a, KEPT_HIT);
        shelf_done(a);
        return true;
    }
    if (found == SHELF_STALE && young && -a->left_ms <= a->while_ms && a->while_ms > 0) {
        ShelfAnswer again = *a;
        again.blob = cache_blob_ref(a->blob);
        FetchQuestion fq = { .q = *q, .old = &again, .behind = true };
        if (!fetch_join(rq, &fq))
            shelf_done(&again);
        keep_tell(rq, a, KEPT_STALE);
        shelf_done(a);
        return true;
    }
    FetchQuestion fq = { .q = *q, .old = a };
    bool taken = !rq->head_only && !asked->only_if_cached && fetch_join(rq, &fq);
    if (!taken)
        shelf_done(a);
    return taken || (asked->only_if_cached && refuse_absent(rq));
}

bool keep_serve(Request *rq) {
    if (!eligible(rq))
        return false;
    const HttpHead *head = &rq->ex->head;
    CacheControl asked = cache_control_of(head->fields, head->n_fields);
    if (asked.no_store)
        return false;
    bool ours = rq->route->op != NULL; /* a role's answers do not depend on the name it is called by */
    ShelfQuestion q = { .base = shelf_base(&rq->arena, cluster_name(rq->route->cluster), ours ? (Str){ 0 } : head->host,
                                           rq->path, head->query),
                        .who = who_asks(rq),
                        .public_only = http_field(head, S("cookie")).p != NULL,
                        .head = head };
    if (!q.base.n)
        return false;
    rq->stage = "cache";
    ShelfAnswer a;
    ShelfFound found = shelf_find(rq->g->keep.shelf, &rq->arena, &q, rq->ex->started, &a);
    span_note(traced_stage(rq, "cache", 0), found == SHELF_FRESH   ? S("HIT")
                                            : found == SHELF_STALE ? S("STALE")
                                                                   : S("MISS"));
    if (found == SHELF_FRESH || found == SHELF_STALE)
        return serve_found(rq, &asked, &q, found, &a);
    if (asked.only_if_cached)
        return refuse_absent(rq);
    if (found == SHELF_PASS || rq->head_only || q.public_only)
        return false;
    FetchQuestion fq = { .q = q };
    return fetch_join(rq, &fq);
}
