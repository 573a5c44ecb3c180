/* cli/audit.c - the record of security events: read, checked, acknowledged. */

#include "api/admin/admin_api.h"
#include "api/security/security_api.h"
#include "cli/internal.h"

typedef struct AuditIn {
    Str action, words, anchor, data_anchor;
    int64_t after, limit;
} AuditIn;

typedef struct AuditFinding {
    bool whole;
    EventVerdict security, data;
} AuditFinding;

/* clang-format off */
static const char *const actions[] = { "list", "verify", "acknowledge", NULL };
static const Field audit_f[] = {
    FIELD(AuditIn, action, .def = "list", .choices = actions, .doc = "list, verify or acknowledge."),
    FIELD(AuditIn, words, .doc = "acknowledge: what was found out.", .example = "restored by hand"),
    FIELD(AuditIn, anchor, .doc = "verify: an anchor of the security events, written down.", .example = "17:3f9a..."),
    FIELD(AuditIn, data_anchor, .doc = "verify: the same of the audit of data.", .example = "9:77c0..."),
    FIELD(AuditIn, after, .def = "-1", .has_min = true, .min = -1, .max = 9e18, .doc = "list: events behind this number; -1 = the newest."),
    FIELD(AuditIn, limit, .def = "50", .min = 1, .max = AUDIT_READ_MAX, .doc = "list: how many."),
};
static SHAPE(audit_shape, AuditIn, audit_f);
static const Field finding_f[] = {
    FIELD(AuditFinding, whole, .doc = "Both are."),
    FIELD(AuditFinding, security, .of = &event_verdict_shape, .doc = "The record of security events."),
    FIELD(AuditFinding, data, .of = &event_verdict_shape, .doc = "The audit of what was done with data."),
};
static SHAPE(finding_shape, AuditFinding, finding_f);
/* clang-format on */

static int list(Cli *c, ApiCaller *api, const AuditIn *in) {
    static const char *const heads[] = {
        ">seq", "at", "who", "action", "subject", "outcome", "from", ">times", "", NULL
    };
    EventQuery q = { in->after, in->limit };
    EventList out = { 0 };
    int r = api_call(api, c->cx, &op_events_list, &q, &out);
    if (r != 0)
        return cli_fail(c, r);
    if (c->json)
        return cli_print_json(c, &event_list_shape, &out);
    const EventRow *v = out.events.v;
    Arena *a = c->cx->arena;
    Table t;
    table_init(&t, a, heads);
    for (size_t i = 0; i < out.events.n; i++) {
        table_cell(&t, term_count(a, v[i].seq), TONE_DIM);
        table_cell(&t, term_minute(a, v[i].at), TONE_PLAIN);
        table_cell(&t, v[i].who, TONE_BOLD);
        table_cell(&t, v[i].action, TONE_PLAIN);
        table_cell(&t, v[i].subject, TONE_PLAIN);
        table_cell(&t, v[i].outcome, str_eq(v[i].outcome, S("ok")) ? TONE_GOOD : TONE_WARN);
        table_cell(&t, v[i].address, TONE_DIM);
        table_cell(&t, v[i].times > 1 ? term_count(a, v[i].times) : S(""), TONE_PLAIN);
        table_cell(&t, v[i].detail, TONE_DIM);
    }
    table_print(&t, c);
    return 0;
}

static void print_verdict(Cli *c, const char *record, const EventVerdict *v) {
    if (v->whole)
        cli_line(c, record, "whole: " STR_FMT " events from number %lld on",
                 STR_ARG(term_count(c->cx->arena, v->events)), (long long)v->first);
    else
        cli_line(c, record, "%sNOT WHOLE%s: " STR_FMT " (number %lld)", term_tone(c, TONE_BAD), term_end(c),
                 STR_ARG(v->fault), (long long)(v->fault_seq ? v->fault_seq : v->alarm_seq));
    cli_line(c, "anchor", STR_FMT, STR_ARG(v->anchor));
}

/* Both chains: of security events, at the gateway, and of what was done with data, where that lies. */
static int verify(Cli *c, ApiCaller *api, const AuditIn *in) {
    AuditFinding f = { 0 };
    int r = api_call(api, c->cx, &op_events_verify, &(EventVerifyQuery){ in->anchor }, &f.security);
    if (r == 0)
        r = api_call(api, c->cx, &op_admin_audit_verify, &(EventVerifyQuery){ in->data_anchor }, &f.data);
    if (r != 0)
        return cli_fail(c, r);
    f.whole = f.security.whole && f.data.whole;
    int status = f.whole ? 0 : err_info(ERR_CORRUPT)->exit_code;
    if (c->json) {
        r = cli_print_json(c, &finding_shape, &f);
        return r ? r : status;
    }
    print_verdict(c, "security", &f.security);
    print_verdict(c, "data", &f.data);
    return status;
}

static int acknowledge(Cli *c, ApiCaller *api, const AuditIn *in) {
    EventAcknowledge q = { in->words };
    EventAcknowledged out = { 0 };
    if (!in->words.n)
        return cli_fail(c, err_set_at(c->cx, ERR_USAGE, S("words"), "say what was found out"));
    EventVerdict v = { 0 };
    int r = api_call(api, c->cx, &op_events_acknowledge, &q, &out);
    if (r == 0)
        r = api_call(api, c->cx, &op_admin_audit_verify, &(EventVerifyQuery){ 0 }, &v);
    if (r == 0 && v.alarm_seq)
        r = api_call(api, c->cx, &op_admin_audit_acknowledge, &q, &out);
    return r == 0 ? 0 : cli_fail(c, r);
}

static int run_audit(Cli *c, const void *in_) {
    const AuditIn *in = in_;
    ApiCaller *api;
    c->wants_gateway = true;
    c->wants_data = !str_eq(in->action, S("list"));
    int r = cli_api(c, &api);
    if (r != 0)
        return cli_fail(c, r);
    return str_eq(in->action, S("list"))     ? list(c, api, in)
           : str_eq(in->action, S("verify")) ? verify(c, api, in)
                                             : acknowledge(c, api, in);
}

const Command cmd_audit = {
    .name = "audit",
    .group = "Platform",
    .summary = "The record of security events, and whether it is whole",
    .run = run_audit,
    .help = "Changes of keys, refused keys and roles, calls of administration and reloads are recorded, and beside the "
            "data what was done with it, each event chained to the one before it. `verify` finds one that was changed, "
            "put in, removed or moved in either record, and exits with 9; the end cut off it finds by an anchor: the "
            "one beside the record, or one you wrote down elsewhere.",
    .examples = "finsight audit  # the newest\n"
                "finsight audit verify\n"
                "finsight audit verify --anchor 17:3f9a... --json\n"
                "finsight audit acknowledge 'disk restored from the backup of Monday'",
    .flags = &audit_shape,
    .positional = (const char *const[]){ "action", "words", NULL },
};
