/* Many sends at once: by a ring of the kernel's where there is one, one by one where not, with helpers and without.
 * Socket pairs; nothing waits. */

#include "lib/test.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "net/send_many.h"

enum { PAIRS = 300 };

typedef struct Pairs {
    int ours[PAIRS], theirs[PAIRS];
    SendJob jobs[PAIRS];
    char text[PAIRS][16];
} Pairs;

static Pairs *pairs_new(void) {
    Pairs *p = mem_new(Pairs);
    for (int i = 0; i < PAIRS; i++) {
        int fd[2];
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) != 0)
            FAIL("no socket pair to be had");
        p->ours[i] = fd[0];
        p->theirs[i] = fd[1];
    }
    return p;
}

static void pairs_free(Pairs *p) {
    for (int i = 0; i < PAIRS; i++) {
        close(p->ours[i]);
        if (p->theirs[i] >= 0)
            close(p->theirs[i]);
    }
    mem_free(p);
}

/* A text of its own for each, of one piece or, every third, of two. */
static void make_jobs(Pairs *p, int turn) {
    for (int i = 0; i < PAIRS; i++) {
        int n = snprintf(p->text[i], sizeof p->text[i], "%d of %d", i, turn);
        SendJob *j = &p->jobs[i];
        *j = (SendJob){ .fd = p->ours[i], .n = i % 3 == 0 ? 2 : 1, .sent = 12345 };
        j->iov[0] = (struct iovec){ p->text[i], j->n == 2 ? 2 : (size_t)n };
        j->iov[1] = (struct iovec){ p->text[i] + 2, (size_t)n - 2 };
    }
}

static void check_arrived(Pairs *p, int from) {
    char got[64];
    for (int i = from; i < PAIRS; i++) {
        ssize_t want = (ssize_t)strlen(p->text[i]);
        if (p->jobs[i].sent != want || recv(p->theirs[i], got, sizeof got, MSG_DONTWAIT) != want ||
            memcmp(got, p->text[i], (size_t)want) != 0)
            FAIL("socket %d did not get '%s' (sent: %zd)", i, p->text[i], p->jobs[i].sent);
    }
}

static const struct {
    const char *name;
    SendManyOptions o;
} ways[] = {
    { "alone", { .helpers = 0 } },
    { "alone, one by one", { .one_by_one = true } },
    { "with helpers", { .helpers = 3 } },
    { "with helpers, one by one", { .helpers = 3, .one_by_one = true } },
};

TEST(every_socket_gets_its_own_bytes_once) {
    EACH_ROW (w, ways) {
        Pairs *p = pairs_new();
        SendMany *m = send_many_new(&w->o);
        for (int turn = 0; turn < 20; turn++) {
            make_jobs(p, turn);
            send_many(m, p->jobs, PAIRS);
            check_arrived(p, 0);
        }
        CHECK(!w->o.one_by_one || !send_many_batches(m));
        send_many_free(m);
        pairs_free(p);
    }
}

TEST(a_full_socket_and_a_dead_one_keep_nobody_waiting) {
    static char much[1 << 16];
    EACH_ROW (w, ways) {
        Pairs *p = pairs_new();
        SendMany *m = send_many_new(&w->o);
        while (send(p->ours[0], much, sizeof much, MSG_DONTWAIT) > 0)
            ;
        close(p->theirs[1]);
        p->theirs[1] = -1;
        make_jobs(p, 1);
        send_many(m, p->jobs, PAIRS);
        CHECK_EQ(p->jobs[0].sent, -EAGAIN);
        CHECK_EQ(p->jobs[1].sent, -EPIPE);
        check_arrived(p, 2);
        send_many_free(m);
        pairs_free(p);
    }
}

TEST(what_a_socket_takes_of_a_large_piece_is_told) {
    static char much[4 << 20];
    EACH_ROW (w, ways) {
        Pairs *p = pairs_new();
        SendMany *m = send_many_new(&w->o);
        make_jobs(p, 1);
        p->jobs[7].n = 1;
        p->jobs[7].iov[0] = (struct iovec){ much, sizeof much };
        send_many(m, p->jobs, PAIRS);
        CHECK(p->jobs[7].sent > 0 && p->jobs[7].sent < (ssize_t)sizeof much);
        check_arrived(p, 8);
        send_many_free(m);
        pairs_free(p);
    }
}

TEST(nothing_to_send_is_no_work_and_few_jobs_wake_nobody) {
    Pairs *p = pairs_new();
    SendMany *m = send_many_new(&(SendManyOptions){ .helpers = 2 });
    send_many(m, p->jobs, 0);
    make_jobs(p, 1);
    send_many(m, p->jobs, 1);
    CHECK_EQ(p->jobs[0].sent, strlen(p->text[0]));
    CHECK_EQ(p->jobs[1].sent, 12345);
    send_many_free(m);
    pairs_free(p);
    CHECK(send_many_free(NULL) == NULL);
}

TESTS(T(every_socket_gets_its_own_bytes_once), T(a_full_socket_and_a_dead_one_keep_nobody_waiting),
      T(what_a_socket_takes_of_a_large_piece_is_told), T(nothing_to_send_is_no_work_and_few_jobs_wake_nobody))
