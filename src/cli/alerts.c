/* cli/alerts.c - alerts of a running server: what fires, what is silenced. */

#include "api/monitor/monitor_api.h"
#include "cli/internal.h"

typedef struct AlertsIn {
    Str action, what, comment;
    int64_t minutes;
} AlertsIn;

/* clang-format off */
static const char *const actions[] = { "list", "silences", "silence", "unsilence", NULL };
static const Field alerts_f[] = {
    FIELD(AlertsIn, action, .def = "list", .choices = actions, .doc = "list, silences, silence or unsilence."),
    FIELD(AlertsIn, what, .doc = "silence: which alerts, LABEL=VALUE; unsilence: the silence's id.", .example = "alertname=ServiceDown"),
    FIELD(AlertsIn, minutes, .def = "60", .min = 1, .max = 60 * 24 * 90, .doc = "silence: for how long."),
    FIELD(AlertsIn, comment, .max = 159, .doc = "silence: why."),
};
static SHAPE(alerts_shape, AlertsIn, alerts_f);
/* clang-format on */

static Tone tone_of(const AlertRow *a) {
    return str_eq(a->state, S("resolved"))      ? TONE_DIM
           : str_eq(a->state, S("pending"))     ? TONE_PLAIN
           : str_eq(a->severity, S("critical")) ? TONE_BAD
                                                : TONE_WARN;
}

static int list(Cli *c, ApiCaller *api) {
    static const char *const heads[] = { "alert", "severity", "state", "of", ">value", ">above", "since", "", NULL };
    Arena *a = c->cx->arena;
    AlertList out = { 0 };
    int r = api_call(api, c->cx, &op_alerts_list, NULL, &out);
    if (r != 0)
        return cli_fail(c, r);
    if (c->json)
        return cli_print_json(c, &alert_list_shape, &out);
    if (out.count == 0 && !c->quiet)
        fprintf(c->err, "no alerts\n");
    const AlertRow *v = out.alerts.v;
    Table t;
    table_init(&t, a, heads);
    for (size_t i = 0; i < out.alerts.n; i++) {
        table_cell(&t, v[i].alert, TONE_BOLD);
        table_cell(&t, v[i].severity, TONE_PLAIN);
        table_cell(&t, v[i].state, tone_of(&v[i]));
        table_cell(&t, v[i].of, TONE_PLAIN);
        table_cell(&t, str_fmt(a, "%.4g", v[i].value), TONE_PLAIN);
        table_cell(&t, str_fmt(a, "%.4g", v[i].threshold), TONE_DIM);
        table_cell(&t, term_minute(a, v[i].since), TONE_PLAIN);
        table_cell(&t,
                   v[i].silence.n   ? S("silenced")
                   : v[i].inhibited ? S("told as critical")
                                    : v[i].summary,
                   TONE_DIM);
    }
    table_print(&t, c);
    return 0;
}

static void silence_rows(Cli *c, const SilenceRow *v, size_t n) {
    static const char *const heads[] = { "id", "alerts", "until", "by", "", NULL };
    Table t;
    table_init(&t, c->cx->arena, heads);
    for (size_t i = 0; i < n; i++) {
        table_cell(&t, v[i].id, TONE_BOLD);
        table_cell(&t, v[i].matchers, TONE_PLAIN);
        table_cell(&t, term_minute(c->cx->arena, v[i].to), TONE_PLAIN);
        table_cell(&t, v[i].by, TONE_PLAIN);
        table_cell(&t, v[i].comment, TONE_DIM);
    }
    table_print(&t, c);
}

static int silences(Cli *c, ApiCaller *api) {
    SilenceList out = { 0 };
    int r = api_call(api, c->cx, &op_silences_list, NULL, &out);
    if (r != 0)
        return cli_fail(c, r);
    if (c->json)
        return cli_print_json(c, &silence_list_shape, &out);
    silence_rows(c, out.silences.v, out.silences.n);
    return 0;
}

static int silence(Cli *c, ApiCaller *api, const AlertsIn *in) {
    SilenceRequest rq = { .matchers = in->what, .comment = in->comment, .minutes = in->minutes };
    SilenceRow out = { 0 };
    int r = api_call(api, c->cx, &op_silence, &rq, &out);
    if (r != 0)
        return cli_fail(c, r);
    if (c->json)
        return cli_print_json(c, &silence_row_shape, &out);
    silence_rows(c, &out, 1);
    return 0;
}

static int unsilence(Cli *c, ApiCaller *api, const AlertsIn *in) {
    SilenceRef ref = { in->what };
    SilenceGone out = { 0 };
    int r = api_call(api, c->cx, &op_unsilence, &ref, &out);
    if (r != 0)
        return cli_fail(c, r);
    return c->json ? cli_print_json(c, &silence_gone_shape, &out) : 0;
}

static int run_alerts(Cli *c, const void *in_) {
    const AlertsIn *in = in_;
    ApiCaller *api;
    bool makes = str_eq(in->action, S("silence")), ends = str_eq(in->action, S("unsilence"));
    if ((makes || ends) && !in->what.n)
        return cli_fail(c, err_set_at(c->cx, ERR_USAGE, S("what"), "alerts " STR_FMT " needs %s", STR_ARG(in->action),
                                      makes ? "the alerts that are meant: alertname=ServiceDown" : "a silence's id"));
    c->wants_gateway = true;
    int r = cli_api(c, &api);
    if (r != 0)
        return cli_fail(c, r);
    return makes                               ? silence(c, api, in)
           : ends                              ? unsilence(c, api, in)
           : str_eq(in->action, S("silences")) ? silences(c, api)
                                               : list(c, api);
}

const Command cmd_alerts = {
    .name = "alerts",
    .group = "Platform",
    .summary = "What is wrong: alerts that fire, and silences",
    .run = run_alerts,
    .help = "Alerts are raised by the server (finsight serve): too many errors, slow answers, a service that is down, "
            "little room, failed logins. Who is told of them is configured: docs/observability.md.",
    .examples = "finsight alerts\n"
                "finsight alerts silence service=market --minutes 30 --comment 'new disk'\n"
                "finsight alerts silences --json",
    .flags = &alerts_shape,
    .positional = (const char *const[]){ "action", "what", NULL },
};
