/* net/proxy_wait.c - see proxy_wait.h. */

#include "net/proxy_wait.h"

#include "base/mem.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PART_MS = 5 }; /* a beginning that is too short to tell stays unread: look again, rather than spin */

struct ProxyWait {
    ProxyReader reader;
    ProxyWaitEvents events;
    Loop *loop;
    LoopFd fd;
    LoopTimer timer, part;
    ListNode node;
    void *from;
    int socket;
    char peer[PROXY_PEER_MAX];
};

static void wait_free(ProxyWait *w) {
    loop_timer_stop(&w->timer);
    loop_timer_stop(&w->part);
    loop_fd_stop(w->loop, &w->fd);
    list_remove(&w->node);
    mem_free(w);
}

static void give_up(void *arg) {
    ProxyWait *w = arg;
    ProxyWaitEvents events = w->events;
    int fd = w->socket;
    wait_free(w);
    close(fd);
    events.over(events.arg);
}

static void go_on(ProxyWait *w) {
    ProxyWaitEvents events = w->events;
    int fd = w->socket;
    void *from = w->from;
    char peer[PROXY_PEER_MAX];
    snprintf(peer, sizeof peer, "%s", w->reader.peer[0] ? w->reader.peer : w->peer);
    wait_free(w);
    events.ready(events.arg, fd, peer, from);
}

static void look(ProxyWait *w);

static void look_again(void *arg) {
    ProxyWait *w = arg;
    loop_fd_want(w->loop, &w->fd, LOOP_READ);
}

static void on_fd(void *arg, unsigned events) {
    ProxyWait *w = arg;
    if (events & LOOP_READ)
        look(w);
    else if (events & LOOP_GONE)
        give_up(w);
}

static void look(ProxyWait *w) {
    char bytes[PROXY_PEEK_MAX];
    for (;;) {
        ssize_t n = recv(w->socket, bytes, sizeof bytes, MSG_PEEK);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (n <= 0) {
            give_up(w);
            return;
        }
        size_t used;
        ProxyVerdict v = proxy_read(&w->reader, bytes, (size_t)n, &used);
        if (used && recv(w->socket, bytes, used, 0) != (ssize_t)used)
            v = PROXY_WRONG; /* what was there a moment ago */
        if (v == PROXY_WRONG) {
            give_up(w);
            return;
        }
        if (v != PROXY_MORE) {
            go_on(w);
            return;
        }
        if (used == 0) {
            loop_fd_want(w->loop, &w->fd, 0);
            loop_timer_start(&w->part, PART_MS, 0);
            return;
        }
    }
}

int proxy_wait_start(Loop *loop, int fd, const char *peer, int64_t wait_ms, const ProxyWaitEvents *events, void *from,
                     ListNode *list) {
    ProxyWait *w = mem_new(ProxyWait);
    w->events = *events;
    w->loop = loop;
    w->socket = fd;
    w->from = from;
    snprintf(w->peer, sizeof w->peer, "%s", peer);
    proxy_reader_init(&w->reader);
    loop_timer_init(&w->timer, loop, give_up, w);
    loop_timer_init(&w->part, loop, look_again, w);
    int r = loop_fd_start(loop, &w->fd, fd, LOOP_READ, on_fd, w);
    if (r != 0) {
        mem_free(w);
        return r;
    }
    list_push_back(list, &w->node);
    loop_timer_start(&w->timer, wait_ms, 0);
    return 0;
}

void proxy_waits_close(ListNode *list) {
    LIST_FOR (it, list) {
        ProxyWait *w = LIST_ENTRY(it, ProxyWait, node);
        int fd = w->socket;
        wait_free(w);
        close(fd);
    }
}
