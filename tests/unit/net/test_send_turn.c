/* The sends of one turn of a loop: together, once each, and what stops meanwhile hears nothing. Socket pairs and a manual
 * clock; nothing waits. */

#include "lib/test.h"

#include <errno.h>
#include <unistd.h>

#include "net/send_turn.h"

enum { SENDERS = 300 };

typedef struct Sender {
    SendLater later;
    int ours, theirs;
    char text;
    int gathered, told;
    ssize_t sent;
    struct Sender *stops; /* the sender it stops when it is told; NULL: none */
    SendTurn *again;      /* where it asks for another turn when told, once */
} Sender;

typedef struct Fix {
    ClockManual clock;
    Loop *loop;
    SendTurn *sends;
    Sender *v;
} Fix;

static int gather(SendLater *l, int *fd, struct iovec iov[SEND_IOV_MAX]) {
    Sender *s = CONTAINER_OF(l, Sender, later);
    s->gathered++;
    if (!s->text)
        return 0;
    *fd = s->ours;
    iov[0] = (struct iovec){ &s->text, 1 };
    return 1;
}

static void sent(SendLater *l, ssize_t n) {
    Sender *s = CONTAINER_OF(l, Sender, later);
    s->told++;
    s->sent = n;
    if (s->stops)
        send_later_stop(&s->stops->later);
    SendTurn *again = TAKE(s->again);
    if (again)
        send_later(again, l);
}

static const SendLaterWays ways = { gather, sent };

static void setup(Fix *f) {
    clock_manual_init(&f->clock, time_ms(0));
    f->loop = loop_new(&f->clock.clock);
    f->sends = send_turn_new(f->loop, 0);
    f->v = mem_new_n(Sender, SENDERS);
    for (int i = 0; i < SENDERS; i++) {
        int fd[2];
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) != 0)
            FAIL("no socket pair to be had");
        f->v[i] = (Sender){ .ours = fd[0], .theirs = fd[1], .text = (char)('a' + i % 26) };
        send_later_init(&f->v[i].later, &ways);
    }
}

static void done(Fix *f) {
    for (int i = 0; i < SENDERS; i++) {
        close(f->v[i].ours);
        close(f->v[i].theirs);
    }
    mem_free(f->v);
    send_turn_free(f->sends);
    loop_free(f->loop);
}

static void stop(void *arg) {
    loop_stop(arg);
}

static void turn(Fix *f) {
    loop_post(f->loop, stop, f->loop);
    loop_run(f->loop);
}

static int arrived(const Sender *s) {
    char got[8];
    ssize_t n = recv(s->theirs, got, sizeof got, MSG_DONTWAIT);
    return n == 1 && got[0] == s->text ? 1 : n < 0 && errno == EAGAIN ? 0 : -1;
}

TEST(what_a_turn_has_to_send_is_sent_once_and_told) {
    Fix f;
    setup(&f);
    for (int i = 0; i < SENDERS; i++) {
        send_later(f.sends, &f.v[i].later);
        send_later(f.sends, &f.v[i].later);
        CHECK_EQ(arrived(&f.v[i]), 0); /* not before the turn ends */
    }
    turn(&f);
    turn(&f); /* more than one batch of them */
    for (int i = 0; i < SENDERS; i++) {
        CHECK_EQ(f.v[i].told, 1);
        CHECK_EQ(f.v[i].sent, 1);
        CHECK_EQ(arrived(&f.v[i]), 1);
    }
    done(&f);
}

TEST(what_has_nothing_and_what_fails_is_told_so) {
    Fix f;
    setup(&f);
    f.v[0].text = '\0';
    shutdown(f.v[1].ours, SHUT_WR);
    for (int i = 0; i < 3; i++)
        send_later(f.sends, &f.v[i].later);
    turn(&f);
    CHECK_EQ(f.v[0].sent, SEND_NOTHING);
    CHECK_EQ(f.v[1].sent, -EPIPE);
    CHECK_EQ(f.v[2].sent, 1);
    done(&f);
}

TEST(what_is_stopped_hears_nothing) {
    Fix f;
    setup(&f);
    for (int i = 0; i < 3; i++)
        send_later(f.sends, &f.v[i].later);
    send_later_stop(&f.v[1].later); /* before the turn */
    f.v[0].stops = &f.v[2];         /* and in the middle of it: its bytes are out, but it hears no more */
    turn(&f);
    CHECK_EQ(f.v[0].told, 1);
    CHECK_EQ(f.v[1].gathered + f.v[1].told, 0);
    CHECK_EQ(f.v[2].gathered, 1);
    CHECK_EQ(f.v[2].told, 0);
    done(&f);
}

TEST(one_that_goes_on_has_its_next_turn) {
    Fix f;
    setup(&f);
    f.v[0].again = f.sends;
    send_later(f.sends, &f.v[0].later);
    turn(&f);
    turn(&f);
    CHECK_EQ(f.v[0].told, 2);
    done(&f);
}

TESTS(T(what_a_turn_has_to_send_is_sent_once_and_told), T(what_has_nothing_and_what_fails_is_told_so),
      T(what_is_stopped_hears_nothing), T(one_that_goes_on_has_its_next_turn))
