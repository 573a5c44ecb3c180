/* app/main.c - the process: arena, clock, configuration, command. */

#include "app/app.h"
#include "app/child.h"
#include "app/commands.h"
#include "app/dumps.h"
#include "app/follow.h"
#include "app/foreign.h"
#include "app/syscall_filter.h"

#include "adapters/clock/system.h"
#include "adapters/lake/duck.h"
#include "adapters/model/xgboost.h"
#include "adapters/sqlite/sealed_vfs.h"

#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { COMMANDS_MAX = 80 };

static const Command *const own[] = { &cmd_serve,      &cmd_demo,   &cmd_exchange_sim, &cmd_feed_sim,
                                      &cmd_s3_sim,     &cmd_config, &cmd_doctor,       &cmd_migrate,
                                      &cmd_restore,    &cmd_sql,    &cmd_version,      &cmd_docs,
                                      &cmd_completion, &cmd_watch,  &cmd_worker,       &cmd_secret };

/* The program's options are taken out of the line first: a command's own of the same name would never be seen. */
static void check_flags(const Command *cmd) {
    for (size_t i = 0; cmd->flags && i < cmd->flags->n_fields; i++)
        for (size_t k = 0; k < n_app_options; k++)
            assert(!app_options[k].flag || strcmp(app_options[k].flag, cmd->flags->fields[i].name) != 0);
}

const Command *const *app_commands(size_t *n) {
    static const Command *all[COMMANDS_MAX]; /* the same on every call */
    size_t k = 0;
    assert(cli_n_market_commands + ARRAY_LEN(own) <= COMMANDS_MAX);
    for (size_t i = 0; i < cli_n_market_commands; i++)
        all[k++] = cli_market_commands[i];
    for (size_t i = 0; i < ARRAY_LEN(own); i++)
        all[k++] = own[i];
    for (size_t i = 0; i < k; i++)
        check_flags(all[i]);
    *n = k;
    return all;
}

/* --- Ctrl-C --- */

static atomic_bool interrupted;

static void on_interrupt(int signo) {
    if (atomic_exchange(&interrupted, true))
        _exit(128 + signo);
}

void app_on_interrupt(App *app) {
    struct sigaction sa = { .sa_handler = on_interrupt };
    sigemptyset(&sa.sa_mask);
    sigaction(SIGINT, &sa, NULL);
    sigaction(SIGTERM, &sa, NULL);
    app->cx.cancel = &interrupted;
}

/* --- start --- */

static int terminal_columns(int fd) {
    struct winsize ws;
    return ioctl(fd, TIOCGWINSZ, &ws) == 0 && ws.ws_col >= 40 ? ws.ws_col : 80;
}

static bool wants_colour(char *const *environment, bool tty) {
    for (char *const *e = environment; *e; e++) {
        Str s = str_c(*e);
        if (str_starts(s, S("NO_COLOR=")) && s.n > 9)
            return false;
        if (str_eq(s, S("TERM=dumb")))
            return false;
    }
    return tty;
}

static bool out_gone(const Cli *c) {
    struct pollfd p = { .fd = fileno(c->out), .events = POLLOUT };
    return poll(&p, 1, 0) == 1 && (p.revents & (POLLERR | POLLHUP));
}

static const char *temp_dir(char *const *environment) {
    for (char *const *e = environment; *e; e++)
        if (strncmp(*e, "TMPDIR=", 7) == 0 && (*e)[7])
            return *e + 7;
    return "/var/tmp";
}

/* The configuration options that have a flag of their own, as help and completion want them. */
static const Shape *options_with_flags(Arena *a) {
    Field *fields = arena_new_n(a, Field, n_app_options);
    size_t n = 0;
    for (size_t i = 0; i < n_app_options; i++) {
        const CfgOption *o = &app_options[i];
        if (o->flag)
            fields[n++] = (Field){ .name = o->flag,
                                   .type = o->type == CFG_BOOL  ? FT_BOOL
                                           : o->type == CFG_INT ? FT_I64
                                                                : FT_STR,
                                   .def = o->type == CFG_BOOL ? NULL : o->def,
                                   .choices = o->choices,
                                   .doc = o->help };
    }
    Shape *s = arena_new(a, Shape);
    *s = (Shape){ .name = "options", .fields = fields, .n_fields = n };
    return s;
}

/* Beside those of forecast/. */
static const ForecasterKind *const forecasters[] = { &xgboost_kind, NULL };

static void app_init(App *app, Clock *clock, Ids *ids, char **argv) {
    *app = (App){ .clock = clock, .ids = ids, .environment = environ, .program = argv[0] };
    ctx_init(&app->cx, &app->arena, clock);
    app->cx.principal = (Principal){ ROLE_ADMIN, S("cli") };
    app->cx.trace.request_id = app->cx.trace.correlation_id = ids_uuid4(ids, &app->arena);
    app->cli = (Cli){ .cx = &app->cx,
                      .out = stdout,
                      .err = stderr,
                      .out_tty = isatty(STDOUT_FILENO),
                      .err_tty = isatty(STDERR_FILENO),
                      .columns = terminal_columns(STDOUT_FILENO),
                      .out_gone = out_gone,
                      .forecasters = forecasters,
                      .connect = app_connect,
                      .connect_arg = app,
                      .follow = app_follow,
                      .foreign = app_foreign_rows };
    app->cli.colour = wants_colour(environ, app->cli.out_tty);
    app->cli.temp_dir = temp_dir(environ);
    app->cli.options = options_with_flags(&app->arena);
}

/* A bad option must not keep `help` and `version` from working. */
static bool needs_no_config(int argc, char **argv) {
    return argc < 2 || strcmp(argv[1], "help") == 0 || strcmp(argv[1], "version") == 0 ||
           strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "--version") == 0 ||
           (argc > 2 && strcmp(argv[1], "secret") == 0 && strcmp(argv[2], "generate-key") == 0);
}

/* The options of the program leave argv in any case; whether they make sense matters to what uses them. */
static int read_config(App *app, int *argc, char **argv) {
    cfg_init(&app->cfg_table, app_options, n_app_options, &app->arena);
    if (!needs_no_config(*argc, argv))
        return app_config_load(&app->cx, argc, argv, app->environment, &app->cfg_table, &app->cfg);
    cfg_take_args(&app->cfg_table, argc, argv);
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "duck-child") == 0) {
        app_no_dumps();
        syscall_filter_child();
        return duck_child_main(); /* before anything else is opened: see adapters/lake/duck.h */
    }
    static App app;
    Clock clock;
    Ids ids;
    clock_system_init(&clock);
    ids_system_init(&ids);
    signal(SIGPIPE, SIG_IGN);
    app_init(&app, &clock, &ids, argv);
    app_on_interrupt(&app);
    if (child_is(argv[0])) {
        syscall_filter_child();
        app.cli.progress = child_tell;
    }

    int status;
    int r = read_config(&app, &argc, argv);
    if (r != 0) {
        Buf b;
        buf_init(&b, 1 << 20);
        cfg_write_problems(&app.cfg_table, &b);
        if (app.cfg_table.problems.n > 1)
            fprintf(stderr, STR_FMT, STR_ARG(buf_str(&b)));
        buf_done(&b);
        status = cli_fail(&app.cli, r);
    } else {
        size_t n;
        if (!app.cfg.server_core_dumps)
            app_no_dumps(); /* the configuration has keys, whatever the command */
        const Command *const *all = app_commands(&n);
        status = cli_main(&app.cli, all, n, argc, argv);
    }
    app_disconnect(&app);
    sealed_vfs_free(app.sealed);
    arena_done(&app.arena);
    return status;
}
