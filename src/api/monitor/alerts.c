/* api/monitor/alerts.c - the handlers of alerts and silences. */

#include "api/monitor/alerts.h"

static AlertService *service_of(void *role, Ctx *cx) {
    AlertService *s = ((const MonitorRole *)role)->alerts;
    if (!s)
        err_set(cx, ERR_UNAVAILABLE,
                "alerts are raised by a running server (finsight serve) with alerts.every above 0");
    return s;
}

static Str id_text(Arena *a, uint64_t id) {
    return id ? span_id_write(id, arena_alloc(a, SPAN_ID_TEXT)) : (Str){ 0 };
}

static AlertRow row_of(Arena *a, const Alert *v) {
    return (AlertRow){ .alert = str_c(v->rule->name),
                       .severity = str_c(severity_name(v->rule->severity)),
                       .state = str_c(alert_state_name(v->state)),
                       .label = v->rule->label ? str_c(v->rule->label) : (Str){ 0 },
                       .of = str_dup(a, str_c(v->label)),
                       .summary = str_c(v->rule->summary),
                       .value = v->value,
                       .threshold = v->rule->above,
                       .since = v->since,
                       .fired = v->fired,
                       .resolved = v->resolved,
                       .silence = id_text(a, v->silenced),
                       .inhibited = v->inhibited };
}

int monitor_alerts_list(void *role, Ctx *cx, const void *in, void *out_) {
    AlertService *s = service_of(role, cx);
    AlertList *out = out_;
    Alert *v;
    UNUSED(in);
    if (!s)
        return ERR_UNAVAILABLE;
    size_t n = alerts_list(s, cx->arena, &v);
    AlertRow *rows = arena_new_n(cx->arena, AlertRow, n);
    for (size_t i = 0; i < n; i++) {
        rows[i] = row_of(cx->arena, &v[i]);
        out->firing += v[i].state == ALERT_FIRING;
    }
    out->count = (int64_t)n;
    out->alerts = (List){ rows, n };
    return 0;
}

static SilenceRow silence_row(Arena *a, const Silence *s) {
    return (SilenceRow){ .id = id_text(a, s->id),
                         .matchers = matchers_text(&s->match, a),
                         .by = str_dup(a, str_c(s->by)),
                         .comment = str_dup(a, str_c(s->comment)),
                         .from = s->from,
                         .to = s->to };
}

int monitor_silences_list(void *role, Ctx *cx, const void *in, void *out) {
    AlertService *s = service_of(role, cx);
    Silence *v;
    UNUSED(in);
    if (!s)
        return ERR_UNAVAILABLE;
    size_t n = alerts_silences(s, cx->arena, &v);
    SilenceRow *rows = arena_new_n(cx->arena, SilenceRow, n);
    for (size_t i = 0; i < n; i++)
        rows[i] = silence_row(cx->arena, &v[i]);
    *(SilenceList *)out = (SilenceList){ (int64_t)n, { rows, n } };
    return 0;
}

static void keep(char *to, size_t cap, Str s) {
    size_t n = MIN(s.n, cap - 1);
    memcpy(to, n ? s.p : "", n);
    to[n] = '\0';
}

int monitor_silence(void *role, Ctx *cx, const void *in_, void *out) {
    AlertService *s = service_of(role, cx);
    const SilenceRequest *in = in_;
    Silence v = { .from = clock_wall(cx->clock) };
    if (!s)
        return ERR_UNAVAILABLE;
    v.to = time_add_ms(v.from, in->minutes * MS_PER_MINUTE);
    keep(v.by, sizeof v.by, cx->principal.id);
    keep(v.comment, sizeof v.comment, in->comment);
    int r = matchers_parse(cx, in->matchers, &v.match);
    if (r != 0)
        return err_set_at(cx, ERR_INVALID, S("matchers"), "write LABEL=VALUE or LABEL!=VALUE, several with + between");
    r = alerts_silence(s, cx, &v);
    if (r == 0)
        *(SilenceRow *)out = silence_row(cx->arena, &v);
    return r;
}

int monitor_unsilence(void *role, Ctx *cx, const void *in_, void *out) {
    AlertService *s = service_of(role, cx);
    const SilenceRef *in = in_;
    uint64_t zero, id;
    if (!s)
        return ERR_UNAVAILABLE;
    Str whole = str_fmt(cx->arena, "0000000000000000" STR_FMT, STR_ARG(in->id));
    if (!trace_id_read(whole, &zero, &id))
        return err_set_at(cx, ERR_INVALID, S("id"), "a silence is named by 16 hex digits");
    int r = alerts_unsilence(s, cx, id);
    if (r == 0)
        *(SilenceGone *)out = (SilenceGone){ true };
    return r;
}
