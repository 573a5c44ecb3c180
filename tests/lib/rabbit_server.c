/* tests/lib/rabbit_server.c - see rabbit_server.h.
 *
 * The wrapper in /usr/sbin wants to be root and knows fixed folders only, so the script inside the package runs with
 * everything told by its environment. RUNNING_UNDER_SYSTEMD makes it exec the machine, whose process is then ours.
 *
 * Half of a start is Erlang looking for modules in the folders of plugins that nobody enabled, and reading what they
 * declare: the broker sees a folder of links without them (3.1 s of processor instead of 6.2). */

#include "lib/rabbit_server.h"

#include "lib/test.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PORT_LOW = 20000, PORT_SPAN = 12000, PATIENCE_MS = 120000 };

typedef struct Port {
    int number; /* 0: none */
    int claim;  /* a socket whose name only one process of the machine can have */
} Port;

struct RabbitServer {
    pid_t broker, mapper;
    Port port, dist_port, mapper_port, tls_port;
    const char *dir;
};

static const char *root(void) {
    const char *path = getenv("FINSIGHT_RABBIT_ROOT");
    return path ? path : "";
}

/* From here on paths are the other system's; what is ours alone stays as it is. */
static const char *inside(const char *path) {
    size_t n = strlen(root());
    return strncmp(path, root(), n) == 0 ? path + n : path;
}

static const char *script(void) {
    static char path[300];
    char pattern[300];
    glob_t g;
    snprintf(pattern, sizeof pattern, "%s/usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin/rabbitmq-server", root());
    if (!path[0] && glob(pattern, 0, NULL, &g) == 0) {
        snprintf(path, sizeof path, "%s", g.gl_pathv[g.gl_pathc - 1]);
        globfree(&g);
    }
    return path;
}

bool rabbit_server_there(void) {
    char mapper[300];
    snprintf(mapper, sizeof mapper, "%s/usr/bin/epmd", root());
    return script()[0] && access(script(), X_OK) == 0 && access(mapper, X_OK) == 0;
}

const char *rabbit_server_version(void) {
    static char version[32];
    const char *at = strstr(script(), "rabbitmq_server-");
    if (at && sscanf(at, "rabbitmq_server-%31[0-9.]", version) != 1)
        version[0] = '\0';
    return version;
}

static struct sockaddr_in loopback(int port) {
    return (struct sockaddr_in){ .sin_family = AF_INET,
                                 .sin_port = htons((uint16_t)port),
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

static bool port_is_free(int port) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    struct sockaddr_in sa = loopback(port);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    bool ok = bind(fd, (const struct sockaddr *)&sa, sizeof sa) == 0;
    close(fd);
    return ok;
}

/* A port stays ours while nobody listens on it: before the broker is up, and between its death and its return. */
static int claim_port(int port) {
    struct sockaddr_un sa = { .sun_family = AF_UNIX };
    int n = snprintf(sa.sun_path + 1, sizeof sa.sun_path - 1, "finsight-test-port-%d", port);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);
    if (fd >= 0 && bind(fd, (const struct sockaddr *)&sa, size) == 0)
        return fd;
    close(fd);
    return -1;
}

/* Below the range from which the kernel takes ports for clients. */
static Port free_port(void) {
    static unsigned turn;
    for (int i = 0; i < PORT_SPAN; i++) {
        int port = PORT_LOW + (int)(((unsigned)getpid() * 37 + turn++ * 11) % PORT_SPAN);
        int claim = claim_port(port);
        if (claim >= 0 && port_is_free(port))
            return (Port){ port, claim };
        close(claim);
    }
    FAIL("no free port");
}

static void let_go(Port *p) {
    if (p->number)
        close(p->claim);
    *p = (Port){ 0 };
}

static bool answers(int port) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in sa = loopback(port);
    bool ok = connect(fd, (const struct sockaddr *)&sa, sizeof sa) == 0;
    close(fd);
    return ok;
}

static bool wait_for(pid_t pid, int port) {
    for (int waited = 0; waited < PATIENCE_MS; waited += 50) {
        int status;
        if (answers(port))
            return true;
        if (waitpid(pid, &status, WNOHANG) == pid)
            return false;
        usleep(50000);
    }
    return false;
}

static void give(const char *name, const char *fmt, const char *dir, int number) {
    char text[400];
    size_t n = 0;
    for (const char *p = fmt; *p && n + 1 < sizeof text; p++) {
        int put = *p == 'D'   ? snprintf(text + n, sizeof text - n, "%s", dir)
                  : *p == 'N' ? snprintf(text + n, sizeof text - n, "%d", number)
                              : snprintf(text + n, sizeof text - n, "%c", *p);
        n += (size_t)put;
    }
    setenv(name, text, 1);
}

static void quiet(const char *dir) {
    char path[300];
    snprintf(path, sizeof path, "%s/out", dir);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    dup2(fd, 1);
    dup2(fd, 2);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (root()[0] && (chroot(root()) != 0 || chdir("/") != 0))
        _exit(126);
}

static _Noreturn void be_mapper(const RabbitServer *s) {
    char port[16];
    snprintf(port, sizeof port, "%d", s->mapper_port.number);
    quiet(s->dir);
    execl("/usr/bin/epmd", "epmd", "-port", port, "-address", "127.0.0.1", (char *)NULL);
    _exit(127);
}

static _Noreturn void be_broker(const RabbitServer *s) {
    const char *dir = inside(s->dir), *program = inside(script());
    quiet(s->dir);
    setenv("RUNNING_UNDER_SYSTEMD", "1", 1);
    give("HOME", "D", dir, 0);
    give("RABBITMQ_SCRIPTS_DIR", "D/home/sbin", dir, 0);
    give("RABBITMQ_NODENAME", "fsN@localhost", dir, s->port.number);
    give("RABBITMQ_MNESIA_BASE", "D/mnesia", dir, 0);
    give("RABBITMQ_LOG_BASE", "D/log", dir, 0);
    give("RABBITMQ_CONFIG_FILE", "D/rabbitmq.conf", dir, 0);
    give("RABBITMQ_ENABLED_PLUGINS_FILE", "D/enabled_plugins", dir, 0);
    give("RABBITMQ_PID_FILE", "D/pid", dir, 0);
    give("RABBITMQ_DIST_PORT", "N", dir, s->dist_port.number);
    give("ERL_EPMD_PORT", "N", dir, s->mapper_port.number);
    setenv("ERL_EPMD_ADDRESS", "127.0.0.1", 1);
    give("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "-setcookie testN +sbwt none", dir, s->port.number);
    execl(program, "rabbitmq-server", (char *)NULL);
    _exit(127);
}

static bool write_file(const char *dir, const char *name, const char *text) {
    char path[300];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    if (!f)
        return false;
    fputs(text, f);
    return fclose(f) == 0;
}

/* home/sbin and home/plugins, which the script finds beside each other. */
static bool link_program(const char *dir) {
    char real[400], from[800], to[800];
    snprintf(real, sizeof real, "%s", script());
    *strrchr(real, '/') = '\0'; /* …/sbin */
    snprintf(to, sizeof to, "%s/home", dir);
    bool ok = mkdir(to, 0755) == 0;
    snprintf(to, sizeof to, "%s/home/sbin", dir);
    ok = ok && symlink(inside(real), to) == 0;
    snprintf(to, sizeof to, "%s/home/plugins", dir);
    ok = ok && mkdir(to, 0755) == 0;
    snprintf(from, sizeof from, "%.*splugins", (int)(strlen(real) - strlen("sbin")), real);
    DIR *d = ok ? opendir(from) : NULL;
    ok = d != NULL;
    for (const struct dirent *e; d && (e = readdir(d));) {
        bool plugin = !root()[0] && strncmp(e->d_name, "rabbitmq_", 9) == 0 && /* others may need what 3.10 does not */
                      strncmp(e->d_name, "rabbitmq_prelaunch", 18) != 0;
        if (plugin || e->d_name[0] == '.')
            continue;
        snprintf(from, sizeof from, "%s/../plugins/%s", inside(real), e->d_name);
        snprintf(to, sizeof to, "%s/home/plugins/%s", dir, e->d_name);
        ok = ok && symlink(from, to) == 0;
    }
    if (d)
        closedir(d);
    return ok;
}

static bool configure(RabbitServer *s, const char *certificates) {
    char text[2000];
    int n = snprintf(text, sizeof text,
                     "disk_free_limit.absolute = 10MB\nlog.file = rabbit.log\nlisteners.tcp.1 = 127.0.0.1:%d\n",
                     s->port.number);
    if (certificates) {
        const char *at = inside(certificates);
        s->tls_port = free_port();
        snprintf(
            text + n, sizeof text - (size_t)n,
            "listeners.ssl.1 = 127.0.0.1:%d\nssl_options.cacertfile = %s/ca.pem\nssl_options.certfile = %s/server.pem\n"
            "ssl_options.keyfile = %s/server.key\nssl_options.verify = verify_peer\n"
            "ssl_options.fail_if_no_peer_cert = true\n",
            s->tls_port.number, at, at, at);
    }
    return link_program(s->dir) && write_file(s->dir, "enabled_plugins", "[].") &&
           write_file(s->dir, "rabbitmq.conf", text);
}

bool rabbit_server_again(RabbitServer *s) {
    s->broker = fork();
    if (s->broker == 0)
        be_broker(s);
    return wait_for(s->broker, s->port.number);
}

static RabbitServer *start(const char *certificates) {
    RabbitServer *s = mem_new(RabbitServer);
    s->dir = test_dir();
    s->port = free_port();
    s->dist_port = free_port();
    s->mapper_port = free_port();
    bool ok = configure(s, certificates);
    s->mapper = fork();
    if (s->mapper == 0)
        be_mapper(s);
    ok = ok && wait_for(s->mapper, s->mapper_port.number) && rabbit_server_again(s);
    ok = ok && (s->tls_port.number == 0 || wait_for(s->broker, s->tls_port.number));
    return ok ? s : rabbit_server_stop(s);
}

RabbitServer *rabbit_server_start(void) {
    return start(NULL);
}

RabbitServer *rabbit_server_start_tls(const char *certificates) {
    return start(certificates);
}

int rabbit_server_tls_port(const RabbitServer *s) {
    return s->tls_port.number;
}

static void end(pid_t *pid) {
    int status;
    if (*pid > 0 && waitpid(*pid, &status, WNOHANG) == 0) {
        kill(*pid, SIGKILL);
        waitpid(*pid, &status, 0);
    }
    *pid = 0;
}

void rabbit_server_kill(RabbitServer *s) {
    end(&s->broker);
}

RabbitServer *rabbit_server_stop(RabbitServer *s) {
    if (!s)
        return NULL;
    end(&s->broker);
    end(&s->mapper);
    Port *ports[] = { &s->port, &s->dist_port, &s->mapper_port, &s->tls_port };
    for (size_t i = 0; i < ARRAY_LEN(ports); i++)
        let_go(ports[i]);
    test_dir_done(s->dir);
    return mem_free(s);
}

int rabbit_server_port(const RabbitServer *s) {
    return s->port.number;
}
