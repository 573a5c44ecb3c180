/* gateway/refuse.c - requests written to break something (policy/refusal/refusal.h): refused, counted, and told to the
 * record of security events. What an operation takes as text of people or as code (Op.prose) is not looked at. */

#include "gateway/internal.h"

#include "gateway/forward.h"

#include "policy/refusal/refusal.h"

enum { BODY_MAX = 16 << 10 };

/* Fields with every sign there is, and secrets: neither is looked at. */
static bool is_looked_at(Str name) {
    static const char *const not_these[] = { "authorization", "x-api-key", "cookie",      "if-none-match",
                                             "if-match",      "etag",      "traceparent", "tracestate",
                                             "date",          "accept",    "host",        "content-type" };
    if (str_starts(name, S("sec-")) || str_starts(name, S("x-finsight-")) || str_starts(name, S("if-")))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(not_these); i++)
        if (str_eq_nocase(name, str_c(not_these[i])))
            return false;
    return true;
}

static int refuse(Request *rq, Refusal what, Str where) {
    if (what == REFUSAL_NONE)
        return 0;
    const Gateway *g = rq->g;
    counter_add(g->refused[what], 1);
    gateway_note_refused(rq, str_fmt(&rq->arena, "%s in " STR_FMT, refusal_name(what), STR_ARG(where)),
                         g->o.refusals == REFUSALS_ON ? S("refused") : S("reported"));
    if (g->o.refusals != REFUSALS_ON)
        return 0;
    return err_set_at(&rq->cx, ERR_DENIED, where,
                      "refused: it has the form of an attack (%s). If it is none, ask whoever runs this server to let "
                      "this route take prose",
                      refusal_name(what));
}

int refuse_head(Request *rq) {
    const HttpHead *head = &rq->ex->head;
    if (rq->g->o.refusals == REFUSALS_OFF || rq->part)
        return 0;
    int r = refuse(rq, refuse_path(head->path), S("path"));
    if (r == 0 && head->query.n)
        r = refuse(rq, refuse_query(head->query), S("query"));
    for (size_t i = 0; r == 0 && i < head->n_fields; i++)
        if (is_looked_at(head->fields[i].name))
            r = refuse(rq, refuse_field(head->fields[i].value),
                       str_fmt(&rq->arena, "header " STR_FMT, STR_ARG(str_first(head->fields[i].name, 64))));
    return r;
}

int refuse_body(Request *rq) {
    const Route *route = rq->route;
    Str body = rq->ex->body;
    if (rq->g->o.refusals == REFUSALS_OFF || !body.n || body.n > BODY_MAX || rq->is_rpc || rq->part || route->prose ||
        (route->op && route->op->prose))
        return 0;
    Str type = http_field(&rq->ex->head, S("content-type"));
    if (type.n ? media_of(type) == MEDIA_JSON : body.p[0] == '{' || body.p[0] == '[')
        return refuse(rq, refuse_json(body), S("body"));
    if (str_starts(type, S("application/x-www-form-urlencoded")))
        return refuse(rq, refuse_form(body), S("body"));
    return 0;
}

void refuse_init(Gateway *g) {
    for (int i = REFUSAL_NONE + 1; i < REFUSALS; i++)
        g->refused[i] = metrics_counter(g->o.metrics, "finsight_refused_total",
                                        "Requests that had the form of an attack, by its kind.",
                                        METRIC_L({ "kind", str_c(refusal_name((Refusal)i)) }));
}
