/* app/roles.c - see roles.h. */

#include "app/roles.h"

#include "api/admin/admin_api.h"
#include "api/backtest/backtest_api.h"
#include "api/batch/batch_api.h"
#include "api/events/events_api.h"
#include "api/inference/inference_api.h"
#include "api/jobs/jobs_api.h"
#include "api/market/market_api.h"
#include "api/models/models_api.h"
#include "api/monitor/monitor_api.h"
#include "api/news/news_api.h"
#include "api/prediction/prediction_api.h"
#include "api/security/security_api.h"
#include "api/sentiment/sentiment_api.h"
#include "api/storage/storage_api.h"
#include "api/webhooks/webhooks_api.h"
#include "app/platform.h"

/* clang-format off */
const RoleInfo app_roles[ROLE_IDS] = {
    [ROLE_GATEWAY] = { "gateway", 8080, 8080, "the way in: keys, limits, routing to the other roles; traces and alerts", { &security_api, &monitor_api, &batch_api }, "security.db" },
    [ROLE_MARKET] = { "market", 8000, 8000, "candles: collected, checked, stored, served; their jobs, files and administration",
                      { &market_api, &storage_api, &jobs_api, &admin_api, &events_api, &webhooks_api }, "market.db, control.db, bus.db, outbox.db, objects, backups" },
    [ROLE_BACKTEST] = { "backtest", 8010, 8010, "backtests, sweeps and their reports, on the candles of the role market",
                        { &backtest_api }, "backtest.db" },
    [ROLE_NEWS] = { "news", 8001, 8011, "articles: collected from feeds, stored once each, found again", { &news_api }, "news.db" },
    [ROLE_SENTIMENT] = { "sentiment", 8002, 8012, "how the news sound", { &sentiment_api }, NULL },
    [ROLE_PREDICTION] = { "prediction", 8003, 8001, "forecasts: models taught, registered and served, on the candles of the role market",
                          { &models_api, &prediction_api, &training_api, &inference_api }, "models.db, training.db, models, training" },
    [ROLE_DISCOVERY] = { "discovery", 8761, 8761, "who is where: a registry for clients of Eureka", { NULL }, NULL },
};

const RoleInfo app_roles_to_come[] = {
    { "processing", 8004, 8004, "data processing", { NULL }, NULL },
    { "chain", 8005, 8005, "blockchains", { NULL }, NULL },
    { "language", 8006, 8002, "translation", { NULL }, NULL },
    { "fraud", 8007, 8003, "fraud", { NULL }, NULL },
    { "analysis", 8008, 8008, "analysis and aggregation", { NULL }, NULL },
    { "monitoring", 8009, 8009, "alerts and traces", { NULL }, NULL },
    { NULL, 0, 0, NULL, { NULL }, NULL },
};
/* clang-format on */

static int no_role(Ctx *cx, Str name) {
    bool to_come = false;
    for (const RoleInfo *r = app_roles_to_come; r->name; r++)
        to_come |= str_eq(name, str_c(r->name));
    Buf b;
    buf_init(&b, 1024);
    for (size_t i = 0; i < ROLE_IDS; i++)
        buf_printf(&b, ", %s", app_roles[i].name);
    int r = err_set_at(cx, to_come ? ERR_UNSUPPORTED : ERR_USAGE, S("server.roles"),
                       to_come ? "the role " STR_FMT " is not in this build; roles are: all" STR_FMT
                               : "there is no role '" STR_FMT "'; roles are: all" STR_FMT,
                       STR_ARG(name), STR_ARG(buf_str(&b)));
    buf_done(&b);
    return r;
}

static void write_row(Buf *to, const RoleInfo *r, bool here) {
    buf_printf(to, "| `%s` | %d | %d | %s%s |\n", r->name, r->port, r->port_b, r->doc,
               here ? "" : "; not in this build");
}

void roles_write_markdown(Buf *to) {
    BUF_LIT(to, "| role | port | with `server.ports: b` | what |\n|---|---|---|---|\n");
    for (size_t k = 0; k < ROLE_IDS; k++)
        write_row(to, &app_roles[k], true);
    for (const RoleInfo *r = app_roles_to_come; r->name; r++)
        write_row(to, r, false);
}

int roles_parse(Ctx *cx, const CfgList *names, RoleSet *out) {
    RoleSet set = { { false } };
    for (size_t i = 0; i < names->n; i++) {
        bool all = str_eq(names->v[i], S("all")), known = all;
        for (size_t k = 0; k < ROLE_IDS; k++) {
            bool it = str_eq(names->v[i], str_c(app_roles[k].name));
            set.has[k] |= all || it;
            known |= it;
        }
        if (!known)
            return no_role(cx, names->v[i]);
    }
    if (names->n == 0)
        return err_set_at(cx, ERR_USAGE, S("server.roles"), "name a role, or all");
    *out = set;
    return 0;
}

int roles_port(const RoleSet *s, bool profile_b) {
    for (size_t k = 0; k < ROLE_IDS; k++) /* the gateway is the first of them */
        if (s->has[k])
            return profile_b ? app_roles[k].port_b : app_roles[k].port;
    return 0;
}

/* --- the ownership table --- */

static int owners_of(const OpTable *t) {
    int n = 0;
    for (size_t k = 0; k < ROLE_IDS; k++)
        for (size_t i = 0; i < ROLE_TABLES_MAX; i++)
            n += app_roles[k].tables[i] == t;
    return n;
}

RoleId roles_owner(const OpTable *t) {
    for (size_t k = 0; k < ROLE_IDS; k++)
        for (size_t i = 0; i < ROLE_TABLES_MAX; i++)
            if (app_roles[k].tables[i] == t)
                return (RoleId)k;
    assert(false); /* roles_check has seen every table */
    return ROLE_IDS;
}

static int check_writers(Ctx *cx) {
    for (size_t k = 0; k < ROLE_IDS; k++) {
        Str mine = str_c(app_roles[k].owns), store;
        while (str_next(&mine, ',', &store))
            for (size_t o = 0; o < ROLE_IDS; o++)
                if (o != k && str_find(str_c(app_roles[o].owns), str_trim(store)) >= 0)
                    return err_set(cx, ERR_INTERNAL, STR_FMT " has two writers: %s and %s", STR_ARG(str_trim(store)),
                                   app_roles[k].name, app_roles[o].name);
    }
    return 0;
}

/* In either list a number is one role's, and those of roles to come stay free for them. */
static int check_ports(Ctx *cx) {
    const RoleInfo *all[32];
    size_t n = 0;
    for (size_t k = 0; k < ROLE_IDS; k++)
        all[n++] = &app_roles[k];
    for (const RoleInfo *r = app_roles_to_come; r->name; r++)
        all[n++] = r;
    assert(n <= ARRAY_LEN(all));
    for (size_t i = 0; i < n; i++)
        for (size_t k = i + 1; k < n; k++)
            if (all[i]->port == all[k]->port || all[i]->port_b == all[k]->port_b)
                return err_set(cx, ERR_INTERNAL, "%s and %s have the same port", all[i]->name, all[k]->name);
    return 0;
}

int roles_check(Ctx *cx) {
    for (size_t i = 0; i < N_PLATFORM_TABLES; i++)
        if (owners_of(platform_tables[i]) != 1)
            return err_set(cx, ERR_INTERNAL, "the operations of %s have %d roles, not one", platform_tables[i]->role,
                           owners_of(platform_tables[i]));
    int r = check_writers(cx);
    return r == 0 ? check_ports(cx) : r;
}
