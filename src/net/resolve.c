/* net/resolve.c - see resolve.h.
 *
 * The job has two owners: the loop's side and the thread. Whoever is last frees it; the lock decides whether the answer
 * still goes to the loop. */

#include "net/resolve.h"

#include "base/mem.h"

#include <pthread.h>
#include <stdio.h>

enum { HOST_SIZE = 256, PORT_SIZE = 8 };

struct Resolve {
    pthread_mutex_t lock;
    int owners;
    bool cancelled, mailed;
    Loop *loop;
    LoopMail mail;
    ResolveFn *fn;
    void *arg;
    char host[HOST_SIZE], port[PORT_SIZE];
    int err;
    struct addrinfo *list;
};

static void let_go(Resolve *r) {
    pthread_mutex_lock(&r->lock);
    bool last = --r->owners == 0;
    pthread_mutex_unlock(&r->lock);
    if (!last)
        return;
    if (r->list)
        freeaddrinfo(r->list);
    pthread_mutex_destroy(&r->lock);
    mem_free(r);
}

static void on_answer(void *arg) {
    Resolve *r = arg;
    if (!r->cancelled)
        r->fn(r->arg, r->list, r->err ? gai_strerror(r->err) : "");
    let_go(r);
}

/* The loop's share travels with the letter. */
static void answer(Resolve *r) {
    pthread_mutex_lock(&r->lock);
    bool wanted = !r->cancelled;
    r->mailed = wanted;
    if (wanted)
        loop_mail(r->loop, &r->mail);
    pthread_mutex_unlock(&r->lock);
}

static void look_up(Resolve *r, int flags) {
    struct addrinfo hints = { .ai_flags = flags | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM };
    r->err = getaddrinfo(r->host, r->port, &hints, &r->list);
    if (r->err)
        r->list = NULL;
}

static void *run(void *arg) {
    look_up(arg, AI_ADDRCONFIG);
    answer(arg);
    let_go(arg);
    return NULL;
}

Resolve *resolve_start(Loop *l, const char *host, const char *port, ResolveFn *fn, void *arg) {
    Resolve *r = mem_new(Resolve);
    *r = (Resolve){ .loop = l, .fn = fn, .arg = arg, .owners = 1 };
    pthread_mutex_init(&r->lock, NULL);
    r->mail = (LoopMail){ .fn = on_answer, .arg = r };
    snprintf(r->host, sizeof r->host, "%s", host);
    snprintf(r->port, sizeof r->port, "%s", port);
    look_up(r, AI_NUMERICHOST);
    pthread_t thread;
    if (r->err == EAI_NONAME) { /* not a number */
        r->owners = 2;
        if (pthread_create(&thread, NULL, run, r) == 0) {
            pthread_detach(thread);
            return r;
        }
        r->owners = 1;
        r->err = EAI_AGAIN;
    }
    answer(r);
    return r;
}

void resolve_cancel(Resolve *r) {
    pthread_mutex_lock(&r->lock);
    r->cancelled = true;
    bool mailed = r->mailed;
    pthread_mutex_unlock(&r->lock);
    if (!mailed)
        let_go(r); /* else the letter has our share */
}
