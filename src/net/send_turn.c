/* net/send_turn.c - see send_turn.h. */

#include "net/send_turn.h"

#include "base/mem.h"

enum { SENDS_A_TURN = 256 };

typedef struct Sending { /* one of those under way */
    SendLater *s;        /* NULL: it was stopped meanwhile */
    SendJob *job;        /* NULL: it had nothing */
} Sending;

struct SendTurn {
    Loop *loop;
    LoopLater end;
    ListNode waiting;
    SendMany *many;
    SendJob jobs[SENDS_A_TURN];
    Sending sending[SENDS_A_TURN];
};

/* Takes them off the list and notes what they have to send. */
static size_t gather(SendTurn *t, size_t *n_jobs) {
    size_t n = 0;
    *n_jobs = 0;
    for (ListNode *node; n < SENDS_A_TURN && (node = list_pop_front(&t->waiting)); n++) {
        SendLater *s = LIST_ENTRY(node, SendLater, node);
        SendJob *j = &t->jobs[*n_jobs];
        t->sending[n] = (Sending){ .s = s };
        s->sending = &t->sending[n];
        j->n = s->ways->gather(s, &j->fd, j->iov);
        if (j->n == 0)
            continue;
        t->sending[n].job = j;
        ++*n_jobs;
    }
    return n;
}

/* So many at a time that requests of others do not wait for long. */
static void turn_ends(void *arg) {
    SendTurn *t = arg;
    size_t n_jobs, n = gather(t, &n_jobs);
    send_many(t->many, t->jobs, n_jobs);
    for (size_t i = 0; i < n; i++) {
        SendLater *s = t->sending[i].s;
        if (!s)
            continue;
        s->sending = NULL;
        s->ways->sent(s, t->sending[i].job ? t->sending[i].job->sent : SEND_NOTHING);
    }
    if (!list_empty(&t->waiting))
        loop_later(t->loop, &t->end);
}

void send_later(SendTurn *t, SendLater *s) {
    if (list_linked(&s->node))
        return;
    list_push_back(&t->waiting, &s->node);
    loop_later(t->loop, &t->end);
}

void send_later_stop(SendLater *s) {
    list_remove(&s->node);
    if (s->sending)
        s->sending->s = NULL;
    s->sending = NULL;
}

SendTurn *send_turn_new(Loop *l, int helpers) {
    SendTurn *t = mem_new(SendTurn);
    t->loop = l;
    t->many = send_many_new(&(SendManyOptions){ .helpers = helpers });
    list_init(&t->waiting);
    loop_later_init(&t->end, turn_ends, t);
    return t;
}

void send_turn_prepare(SendTurn *t) {
    send_many_prepare(t->many);
}

SendTurn *send_turn_free(SendTurn *t) {
    if (!t)
        return NULL;
    assert(list_empty(&t->waiting));
    loop_later_stop(&t->end);
    send_many_free(t->many);
    return mem_free(t);
}
