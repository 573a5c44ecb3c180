/* app/connect.c - the way from a command to the platform: the server that owns the store, or this process. */

#include "app/app.h"
#include "app/remote.h"

#include "base/file.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Does a server answer on the socket? A file left behind by a dead one does not. */
static bool owner_listens(const char *path) {
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    if (strlen(path) >= sizeof a.sun_path)
        return false;
    memcpy(a.sun_path, path, strlen(path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    bool yes = connect(fd, (const struct sockaddr *)&a, sizeof a) == 0;
    close(fd);
    return yes;
}

bool app_server_listens(App *app) {
    return app->cfg.data_store != STORE_MEMORY && owner_listens(platform_socket(&app->arena, &app->cfg));
}

int app_connect(void *arg, Ctx *cx, ApiCaller **out) {
    static const RoleSet gateway_alone = { { [ROLE_GATEWAY] = true } };
    static const RoleSet gateway_and_market = { { [ROLE_GATEWAY] = true, [ROLE_MARKET] = true } };
    App *app = arg;
    bool gateway = app->cli.wants_gateway;
    const char *path = gateway ? platform_gateway_socket(cx->arena, &app->cfg) : platform_socket(cx->arena, &app->cfg);
    if (app->cfg.data_store != STORE_MEMORY && owner_listens(path)) {
        app->remote = true;
        return remote_open(cx, str_fmt(cx->arena, "unix:%s", path), NULL, out);
    }
    int r = app->log ? 0 : app_logger(app, "cli", &app->log);
    /* A command prints its own result or failure; the log beside it is for those who ask. */
    if (r == 0 && cfg_value(&app->cfg_table, S("log.level"))->rank == CFG_DEFAULT)
        log_set_level(app->log, LEVEL_OFF);
    if (r == 0)
        r = app_seal(app, cx);
    if (r == 0)
        r = platform_open(&app->platform, cx, &app->cfg,
                          !gateway              ? NULL
                          : app->cli.wants_data ? &gateway_and_market
                                                : &gateway_alone,
                          app->clock, app->ids, app->log);
    if (r != 0)
        return r;
    app->platform_is_open = true;
    ApiRole roles[PLATFORM_ROLES_MAX];
    size_t n = platform_roles(&app->platform, roles, PLATFORM_ROLES_MAX);
    *out = app->cfg.server_wire ? api_caller_wire(roles, n) : api_caller_local(roles, n);
    return 0;
}

void app_disconnect(App *app) {
    app->cli.api = api_caller_close(app->cli.api);
    if (app->platform_is_open)
        platform_close(&app->platform);
    app->platform_is_open = false;
    app->log = log_free(app->log);
}

int app_logger(App *app, const char *service, Logger **out) {
    const AppCfg *cfg = &app->cfg;
    LogSink *sink;
    bool to_file = cfg->log_file && cfg->log_file[0];
    bool tty = !to_file && app->cli.err_tty;
    if (to_file) {
        int r = log_sink_file(&app->cx, cfg->log_file, cfg->log_max_size, (int)cfg->log_keep, &sink);
        if (r != 0)
            return r;
    } else {
        sink = log_sink_fd(STDERR_FILENO);
    }
    LogCfg l = { .level = (LogLevel)cfg->log_level,
                 .format = cfg->log_format == LOG_CHOICE_JSON || (cfg->log_format == LOG_CHOICE_AUTO && !tty)
                               ? LOG_JSON
                               : LOG_TEXT,
                 .colours = tty && app->cli.colour,
                 .service = str_c(service),
                 .guard_per_s = 100 };
    *out = log_new(&l, app->clock, sink);
    return 0;
}
