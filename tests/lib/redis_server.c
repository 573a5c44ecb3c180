/* tests/lib/redis_server.c - see redis_server.h. */

#include "lib/redis_server.h"

#include "lib/test.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PORT_LOW = 20000, PORT_SPAN = 20000, STARTS_MAX = 20, PATIENCE_MS = 60000 };

struct RedisServer {
    pid_t pid;
    int port;
    const char *dir;
    char socket[300];
};

bool redis_server_there(void) {
    return access("/usr/bin/redis-server", X_OK) == 0 || access("/usr/local/bin/redis-server", X_OK) == 0;
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

/* Below the range from which the kernel takes ports for clients, where it allows that. A cluster's node wants a second
 * port: PORT_SPAN higher. */
static int free_port(void) {
    static unsigned turn;
    for (int i = 0; i < PORT_SPAN; i++) {
        int port = PORT_LOW + (int)(((unsigned)getpid() * 131 + turn++ * 7) % (PORT_SPAN / 2));
        if (port_is_free(port) && port_is_free(port + PORT_SPAN / 2))
            return port;
    }
    FAIL("no free port");
}

static _Noreturn void be_redis(const RedisServer *s, const RedisServerOptions *o) {
    char port[16], bus[16], log[320];
    snprintf(port, sizeof port, "%d", s->port);
    snprintf(bus, sizeof bus, "%d", s->port + PORT_SPAN / 2);
    snprintf(log, sizeof log, "%s/log", s->dir);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const char *argv[40] = { "redis-server", "--port",     port,     "--bind",
                             "127.0.0.1",    "--save",     "",       "--appendonly",
                             "no",           "--dir",      s->dir,   "--unixsocket",
                             s->socket,      "--logfile",  log,      "--protected-mode",
                             "no",           "--loglevel", "warning" };
    int n = 19;
    if (o->password) {
        argv[n++] = "--requirepass";
        argv[n++] = o->password;
    }
    if (o->cluster) {
        const char *more[] = { "--cluster-enabled", "yes", "--cluster-config-file",  "nodes.conf",
                               "--cluster-port",    bus,   "--cluster-node-timeout", "3000" };
        memcpy(argv + n, more, sizeof more);
    }
    execvp(argv[0], (char *const *)(uintptr_t)argv);
    _exit(127);
}

static int connect_to(int port) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in sa = loopback(port);
    if (connect(fd, (const struct sockaddr *)&sa, sizeof sa) == 0)
        return fd;
    close(fd);
    return -1;
}

const char *redis_server_tell(const RedisServer *s, const char *command) {
    static char answer[65536];
    answer[0] = '\0';
    int fd = connect_to(s->port);
    if (fd < 0)
        return answer;
    char line[1024];
    int n = snprintf(line, sizeof line, "%s\r\nQUIT\r\n", command);
    size_t got = 0;
    if (send(fd, line, (size_t)n, MSG_NOSIGNAL) == n)
        for (ssize_t r; got + 1 < sizeof answer && (r = recv(fd, answer + got, sizeof answer - 1 - got, 0)) > 0;)
            got += (size_t)r;
    answer[got] = '\0';
    close(fd);
    return answer;
}

static bool ready(const RedisServer *s) {
    for (int waited = 0; waited < PATIENCE_MS; waited += 20) {
        const char *a = redis_server_tell(s, "PING");
        if (str_starts(str_c(a), S("+PONG")) || str_starts(str_c(a), S("-NOAUTH")))
            return true;
        int status;
        if (waitpid(s->pid, &status, WNOHANG) == s->pid)
            return false;
        usleep(20000);
    }
    return false;
}

RedisServer *redis_server_start(const RedisServerOptions *o) {
    for (int i = 0; i < STARTS_MAX; i++) {
        RedisServer *s = mem_new(RedisServer);
        s->dir = test_dir();
        s->port = o->port ? o->port : free_port();
        snprintf(s->socket, sizeof s->socket, "%s/socket", s->dir);
        s->pid = fork();
        if (s->pid == 0)
            be_redis(s, o);
        if (ready(s))
            return s;
        redis_server_stop(s); /* somebody took the port meanwhile */
    }
    return NULL;
}

RedisServer *redis_server_stop(RedisServer *s) {
    if (!s)
        return NULL;
    int status;
    if (waitpid(s->pid, &status, WNOHANG) == 0) {
        kill(s->pid, SIGKILL);
        waitpid(s->pid, &status, 0);
    }
    test_dir_done(s->dir);
    return mem_free(s);
}

int redis_server_port(const RedisServer *s) {
    return s->port;
}

const char *redis_server_socket(const RedisServer *s) {
    return s->socket;
}

static bool all_say(RedisServer *nodes[static 3], const char *command, Str want) {
    for (int i = 0; i < 3; i++)
        if (str_find(str_c(redis_server_tell(nodes[i], command)), want) < 0)
            return false;
    return true;
}

bool redis_cluster_start(RedisServer *nodes[static 3]) {
    static const char *const slots[] = { "CLUSTER ADDSLOTSRANGE 0 5460", "CLUSTER ADDSLOTSRANGE 5461 10922",
                                         "CLUSTER ADDSLOTSRANGE 10923 16383" };
    bool ok = true;
    for (int i = 0; i < 3; i++) {
        nodes[i] = redis_server_start(&(RedisServerOptions){ .cluster = true });
        ok = ok && nodes[i] && str_starts(str_c(redis_server_tell(nodes[i], slots[i])), S("+OK"));
    }
    for (int i = 1; ok && i < 3; i++) {
        char meet[100];
        snprintf(meet, sizeof meet, "CLUSTER MEET 127.0.0.1 %d %d", nodes[i]->port, nodes[i]->port + PORT_SPAN / 2);
        ok = str_starts(str_c(redis_server_tell(nodes[0], meet)), S("+OK"));
    }
    for (int waited = 0; ok && waited < PATIENCE_MS; waited += 50) {
        if (all_say(nodes, "CLUSTER INFO", S("cluster_state:ok")) &&
            all_say(nodes, "CLUSTER INFO", S("cluster_size:3")))
            return true;
        usleep(50000);
    }
    for (int i = 0; i < 3; i++)
        nodes[i] = redis_server_stop(nodes[i]);
    return false;
}
