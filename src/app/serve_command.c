/* app/serve_command.c - `finsight serve`. */

#include "app/serve_internal.h"

#include <stdlib.h>
#include <unistd.h>

static void print_started(Cli *c, const Service *s) {
    Buf b;
    buf_init(&b, 1 << 16);
    JsonWriter w;
    json_writer_init(&w, &b, false);
    json_object(&w);
    json_put_str(
        &w, "url",
        str_fmt(c->cx->arena, "%s://" STR_FMT ":%d", s->tls ? "https" : "http", STR_ARG(s->cfg->server_host), s->port));
    json_put_i64(&w, "pid", getpid());
    json_put_str(&w, "data_dir", str_c(s->cfg->data_dir));
    json_object_end(&w);
    fprintf(c->out, STR_FMT "\n", STR_ARG(buf_str(&b)));
    buf_done(&b);
}

static int enter(App *app, Ctx *cx, Confine *c) {
    RoleSet hosts;
    int r = roles_parse(cx, &app->cfg.server_roles, &hosts);
    bool bound = takeover_inherited(getenv("LISTEN_PID"), getenv("LISTEN_FDS")) >= 0;
    if (r == 0)
        r = confine_enter(cx, &app->cfg, bound ? -1 : serve_own_port(&app->cfg, &hosts), c);
    if (r == 0)
        app->confine = c;
    return r;
}

static int run_serve(Cli *c, const void *in) {
    UNUSED(in);
    App *app = (App *)c;
    Logger *log = NULL;
    Service *s;
    Confine confine;
    mem_pools((int)MAX(4, 2 * sysconf(_SC_NPROCESSORS_ONLN)));
    int r = enter(app, c->cx, &confine); /* before the first file and thread */
    if (r == 0)
        r = app_logger(app, "finsight", &log);
    if (r == 0)
        r = service_start(app, c->cx, log, true, &s);
    if (r != 0) {
        log_free(log);
        return cli_fail(c, r);
    }
    if (c->json)
        print_started(c, s);
    else if (!c->quiet)
        fprintf(c->out, "FinSight %s on %s://" STR_FMT ":%d   (docs: /docs, data: %s%s)\n", FINSIGHT_VERSION,
                s->tls ? "https" : "http", STR_ARG(app->cfg.server_host), s->port, app->cfg.data_dir,
                config_simulated(&app->cfg) ? ", exchange SIMULATED" : "");
    fflush(c->out);
    LOG_INFO(log, NULL, S("serving"), F_STR("host", app->cfg.server_host), F_I64("port", s->port),
             F_STR("data_dir", str_c(app->cfg.data_dir)), F_BOOL("simulated", config_simulated(&app->cfg)));
    mem_trim(); /* what opening took and gave back */
    service_run(s);
    service_free(s);
    LOG_INFO(log, NULL, S("stopped"));
    log_free(log);
    return 0;
}

const Command cmd_serve = {
    .name = "serve",
    .group = "Platform",
    .summary = "Run the platform: HTTP API, docs page, metrics",
    .run = run_serve,
    .help = "Reading is open on a loopback address and needs the key on any other; writing always needs the admin key "
            "(data-dir/admin.key). "
            "While it runs, other finsight commands on the same data folder work through it.",
    .shows_options = true,
    .examples = "finsight serve\nfinsight serve --port 9000 --data-dir /srv/finsight --log-format json",
};
