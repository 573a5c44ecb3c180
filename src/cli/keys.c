/* cli/keys.c - API keys: made, listed, rotated, revoked. */

#include "api/security/security_api.h"
#include "cli/internal.h"

enum { SCOPES_MAX = 32 };

typedef struct KeysIn {
    Str action, key, role, scopes, expires;
    int64_t limit, days, grace;
} KeysIn;

/* clang-format off */
static const char *const actions[] = { "list", "show", "create", "rotate", "revoke", NULL };
static const char *const roles[] = { "read", "write", "admin", NULL };
static const Field keys_f[] = {
    FIELD(KeysIn, action, .def = "list", .choices = actions, .doc = "list, show, create, rotate or revoke."),
    FIELD(KeysIn, key, .doc = "The key's id; of create: its name.", .example = "k3v9x2ma"),
    FIELD(KeysIn, role, .def = "read", .choices = roles, .doc = "create: what it may do at most."),
    FIELD(KeysIn, scopes, .doc = "create: operations it may call alone, or beginnings.", .example = "market,backtest.run"),
    FIELD(KeysIn, limit, .has_min = true, .min = 0, .max = KEY_LIMIT_MAX, .doc = "create: requests a minute; 0 = as limit.key says."),
    FIELD(KeysIn, days, .has_min = true, .min = 0, .max = 3650, .doc = "create: days until it expires; 0 = never."),
    FIELD(KeysIn, expires, .doc = "create: when it expires, instead of --days.", .example = "2027-01-01"),
    FIELD(KeysIn, grace, .def = "3600", .has_min = true, .min = 0, .max = 30 * 86400, .doc = "rotate: seconds the old secret stays good."),
};
static SHAPE(keys_shape, KeysIn, keys_f);
/* clang-format on */

static Str when(Cli *c, Time t) {
    return t.ms ? term_minute(c->cx->arena, t) : S("-");
}

static Str scopes_text(Cli *c, const List *scopes) {
    const Str *v = scopes->v;
    Str all = S("");
    for (size_t i = 0; i < scopes->n; i++)
        all = str_fmt(c->cx->arena, STR_FMT "%s" STR_FMT, STR_ARG(all), i ? " " : "", STR_ARG(v[i]));
    return all.n ? all : S("all");
}

static Tone status_tone(Str status) {
    return str_eq(status, S("active")) ? TONE_GOOD : str_eq(status, S("revoked")) ? TONE_BAD : TONE_WARN;
}

static int list(Cli *c, ApiCaller *api) {
    static const char *const heads[] = { "id",     "name",    "role",      "scopes", ">limit",
                                         "status", "expires", "last used", NULL };
    KeyList out = { 0 };
    int r = api_call(api, c->cx, &op_keys_list, NULL, &out);
    if (r != 0)
        return cli_fail(c, r);
    if (c->json)
        return cli_print_json(c, &key_list_shape, &out);
    if (out.count == 0 && !c->quiet)
        fprintf(c->err, "no keys; make one: finsight keys create 'nightly import' --role write\n");
    const KeyView *v = out.keys.v;
    Table t;
    table_init(&t, c->cx->arena, heads);
    for (size_t i = 0; i < out.keys.n; i++) {
        table_cell(&t, v[i].id, TONE_BOLD);
        table_cell(&t, v[i].name, TONE_PLAIN);
        table_cell(&t, v[i].role, TONE_PLAIN);
        table_cell(&t, scopes_text(c, &v[i].scopes), TONE_PLAIN);
        table_cell(&t, v[i].limit ? term_count(c->cx->arena, v[i].limit) : S("-"), TONE_PLAIN);
        table_cell(&t, v[i].status, status_tone(v[i].status));
        table_cell(&t, when(c, v[i].expires), TONE_PLAIN);
        table_cell(&t, when(c, v[i].last_used), TONE_DIM);
    }
    table_print(&t, c);
    return 0;
}

static int print_key(Cli *c, const KeyView *k) {
    if (c->json)
        return cli_print_json(c, &key_view_shape, k);
    cli_line(c, "id", STR_FMT, STR_ARG(k->id));
    cli_line(c, "name", STR_FMT, STR_ARG(k->name));
    cli_line(c, "role", STR_FMT, STR_ARG(k->role));
    cli_line(c, "scopes", STR_FMT, STR_ARG(scopes_text(c, &k->scopes)));
    cli_line(c, "status", STR_FMT, STR_ARG(k->status));
    cli_line(c, "limit", k->limit ? "%lld a minute" : "the gateway's", (long long)k->limit);
    cli_line(c, "created", STR_FMT, STR_ARG(when(c, k->created)));
    cli_line(c, "expires", STR_FMT, STR_ARG(when(c, k->expires)));
    cli_line(c, "rotated", STR_FMT, STR_ARG(when(c, k->rotated)));
    cli_line(c, "last used", STR_FMT, STR_ARG(when(c, k->last_used)));
    if (k->old_until.ms)
        cli_line(c, "old secret", "good until " STR_FMT, STR_ARG(when(c, k->old_until)));
    return 0;
}

/* The secret alone on stdout: `KEY=$(finsight keys create ...)` works. */
static int print_secret(Cli *c, const KeySecret *k) {
    if (c->json)
        return cli_print_json(c, &key_secret_shape, k);
    if (!c->quiet)
        fprintf(c->err, "key " STR_FMT " (" STR_FMT ", role " STR_FMT "); its secret is shown this once:\n",
                STR_ARG(k->key.id), STR_ARG(k->key.name), STR_ARG(k->key.role));
    fprintf(c->out, STR_FMT "\n", STR_ARG(k->secret));
    return 0;
}

static int create(Cli *c, ApiCaller *api, const KeysIn *in) {
    Str words[SCOPES_MAX];
    KeyCreate req = { .name = in->key, .role = in->role, .limit = in->limit, .days = in->days };
    KeySecret out = { 0 };
    int r = 0;
    if (in->scopes.n)
        r = cli_words(c, in->scopes, words, SCOPES_MAX, &req.scopes.n);
    req.scopes.v = words;
    if (r == 0 && in->expires.n && !time_parse_any(in->expires, &req.expires))
        r = err_set_at(c->cx, ERR_INVALID, S("expires"), "'" STR_FMT "' is no time; try 2027-01-01",
                       STR_ARG(in->expires));
    if (r == 0)
        r = api_call(api, c->cx, &op_keys_create, &req, &out);
    return r == 0 ? print_secret(c, &out) : cli_fail(c, r);
}

static int rotate(Cli *c, ApiCaller *api, const KeysIn *in) {
    KeyRotate req = { in->key, in->grace };
    KeySecret out = { 0 };
    int r = api_call(api, c->cx, &op_keys_rotate, &req, &out);
    return r == 0 ? print_secret(c, &out) : cli_fail(c, r);
}

static int one(Cli *c, ApiCaller *api, const Op *op, const KeysIn *in) {
    KeyRef ref = { in->key };
    KeyView out = { 0 };
    int r = api_call(api, c->cx, op, &ref, &out);
    return r == 0 ? print_key(c, &out) : cli_fail(c, r);
}

static int run_keys(Cli *c, const void *in_) {
    const KeysIn *in = in_;
    ApiCaller *api;
    bool lists = str_eq(in->action, S("list"));
    if (!lists && !in->key.n)
        return cli_fail(c, err_set_at(c->cx, ERR_USAGE, S("key"), "keys " STR_FMT " needs %s", STR_ARG(in->action),
                                      str_eq(in->action, S("create")) ? "a name: whose key it is" : "the id of a key"));
    c->wants_gateway = true;
    int r = cli_api(c, &api);
    if (r != 0)
        return cli_fail(c, r);
    if (lists)
        return list(c, api);
    if (str_eq(in->action, S("create")))
        return create(c, api, in);
    if (str_eq(in->action, S("rotate")))
        return rotate(c, api, in);
    return one(c, api, str_eq(in->action, S("show")) ? &op_keys_get : &op_keys_revoke, in);
}

const Command cmd_keys = {
    .name = "keys",
    .group = "Platform",
    .summary = "API keys: create, list, rotate, revoke",
    .run = run_keys,
    .help = "Keys open the gateway over TCP, as X-API-Key or Authorization: Bearer. A key has a role, may have scopes, "
            "a limit and an end. Its secret is shown once; the platform keeps a digest. Works beside a running server, "
            "at once, and without one.",
    .examples = "finsight keys create 'nightly import' --role write --scopes market --days 90\n"
                "finsight keys  # who has one\n"
                "finsight keys rotate k3v9x2ma --grace 600\n"
                "finsight keys revoke k3v9x2ma",
    .flags = &keys_shape,
    .positional = (const char *const[]){ "action", "key", NULL },
};
