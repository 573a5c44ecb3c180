/* The loop on a manual clock: timers, mail, descriptors that go away in mid-turn. No sleeping, no network. */

#include "lib/test.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "net/loop.h"

typedef struct Fix {
    ClockManual clock;
    Loop *loop;
    int calls;
    char order[64];
    size_t n;
} Fix;

static void fix_init(Fix *f) {
    *f = (Fix){ 0 };
    clock_manual_init(&f->clock, time_ms(0));
    f->loop = loop_new(&f->clock.clock);
}

static void stop(void *arg) {
    loop_stop(arg);
}

/* One round through everything that is due or posted by now. */
static void turn(Fix *f) {
    loop_post(f->loop, stop, f->loop);
    loop_run(f->loop);
}

typedef struct Mark {
    Fix *f;
    char c;
} Mark;

static void mark(void *arg) {
    Mark *m = arg;
    if (m->f->n + 1 < sizeof m->f->order)
        m->f->order[m->f->n++] = m->c;
}

TEST(posts_run_in_order) {
    Fix f;
    fix_init(&f);
    Mark marks[5];
    for (int i = 0; i < 5; i++) {
        marks[i] = (Mark){ &f, (char)('a' + i) };
        loop_post(f.loop, mark, &marks[i]);
    }
    turn(&f);
    CHECK_STR(str_c(f.order), S("abcde"));
    loop_free(f.loop);
}

TEST(mail_sent_after_the_end_is_read_when_asked) {
    Fix f;
    fix_init(&f);
    Mark a = { &f, 'a' }, b = { &f, 'b' };
    turn(&f);
    loop_post(f.loop, mark, &a);
    CHECK_EQ(f.n, 0);
    loop_read_mail(f.loop);
    CHECK_STR(str_c(f.order), S("a"));
    loop_post(f.loop, mark, &b);
    loop_free(f.loop); /* reads what is left itself */
    CHECK_STR(str_c(f.order), S("ab"));
}

TEST(timers_fire_when_due_and_not_before) {
    Fix f;
    fix_init(&f);
    Mark a = { &f, 'a' }, b = { &f, 'b' }, c = { &f, 'c' };
    LoopTimer *ta = loop_timer_new(f.loop, mark, &a), *tb = loop_timer_new(f.loop, mark, &b),
              *tc = loop_timer_new(f.loop, mark, &c);
    loop_timer_start(ta, 20, 0);
    loop_timer_start(tb, 10, 10);
    loop_timer_start(tc, 10, 0);
    loop_timer_stop(tc);
    clock_manual_advance_ms(&f.clock, 9);
    turn(&f);
    CHECK_EQ(f.n, 0);
    clock_manual_advance_ms(&f.clock, 1);
    turn(&f);
    CHECK_STR(str_c(f.order), S("b"));
    clock_manual_advance_ms(&f.clock, 10);
    turn(&f);
    CHECK_EQ(f.n, 3);
    CHECK(!loop_timer_armed(ta) && loop_timer_armed(tb));
    clock_manual_advance_ms(&f.clock, 1000); /* a loop that was late does not make up for it in a burst */
    turn(&f);
    turn(&f);
    CHECK_EQ(f.n, 4);
    loop_timer_free(ta);
    loop_timer_free(tb);
    loop_timer_free(tc);
    loop_free(f.loop);
}

/* Two descriptors ready in one turn; the first to be called stops both. */

typedef struct Pair {
    Fix *f;
    LoopFd fd[2];
    int pipes[2][2];
} Pair;

static void stop_both(void *arg, unsigned events) {
    Pair *p = arg;
    p->f->calls += (events & LOOP_READ) != 0;
    for (int i = 0; i < 2; i++) {
        loop_fd_stop(p->f->loop, &p->fd[i]);
        memset(&p->fd[i], 0xee, sizeof p->fd[i]); /* as if it had been freed */
        p->fd[i].fn = NULL;
    }
}

TEST(no_event_comes_after_stop_even_in_the_same_turn) {
    Fix f;
    fix_init(&f);
    Pair p = { .f = &f };
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(pipe(p.pipes[i]), 0);
        CHECK_EQ(write(p.pipes[i][1], "x", 1), 1);
        CHECK_EQ(loop_fd_start(f.loop, &p.fd[i], p.pipes[i][0], LOOP_READ, stop_both, &p), 0);
    }
    turn(&f);
    turn(&f);
    CHECK_EQ(f.calls, 1);
    for (int i = 0; i < 2; i++) {
        close(p.pipes[i][0]);
        close(p.pipes[i][1]);
    }
    loop_free(f.loop);
}

static void gone(void *arg, unsigned events) {
    Pair *p = arg;
    p->f->calls += events == LOOP_GONE;
    loop_fd_stop(p->f->loop, &p->fd[0]);
}

TEST(hang_up_is_told_though_nothing_is_wanted) {
    Fix f;
    fix_init(&f);
    Pair p = { .f = &f };
    CHECK_EQ(pipe(p.pipes[0]), 0);
    CHECK_EQ(loop_fd_start(f.loop, &p.fd[0], p.pipes[0][0], 0, gone, &p), 0);
    turn(&f);
    CHECK_EQ(f.calls, 0);
    close(p.pipes[0][1]);
    turn(&f);
    CHECK_EQ(f.calls, 1);
    close(p.pipes[0][0]);
    loop_free(f.loop);
}

static void on_signal(void *arg, int signo) {
    ((Fix *)arg)->calls += signo == SIGHUP;
}

TEST(signals_arrive_as_calls) {
    Fix f;
    fix_init(&f);
    loop_on_signal(f.loop, SIGHUP, on_signal, &f);
    kill(getpid(), SIGHUP);
    turn(&f);
    turn(&f);
    CHECK_EQ(f.calls, 1);
    loop_free(f.loop);
}

/* Mail from many threads: all arrives, in each sender's order. */

enum { SENDERS = 4, LETTERS = 20000 };

typedef struct Letter {
    LoopMail mail;
    struct Sender *from;
    int number;
} Letter;

typedef struct Sender {
    Fix *f;
    Letter letters[LETTERS];
    int next;
    bool wrong;
    pthread_t thread;
} Sender;

static void take_letter(void *arg) {
    Letter *l = arg;
    l->from->wrong |= l->number != l->from->next++;
    if (++l->from->f->calls == SENDERS * LETTERS)
        loop_stop(l->from->f->loop);
}

static void *send_letters(void *arg) {
    Sender *s = arg;
    for (int i = 0; i < LETTERS; i++) {
        s->letters[i] = (Letter){ .mail = { .fn = take_letter, .arg = &s->letters[i] }, .from = s, .number = i };
        loop_mail(s->f->loop, &s->letters[i].mail);
    }
    return NULL;
}

TEST(mail_of_many_threads_arrives_in_each_ones_order) {
    Fix f;
    fix_init(&f);
    Sender *senders = mem_new_n(Sender, SENDERS);
    for (int i = 0; i < SENDERS; i++) {
        senders[i].f = &f;
        pthread_create(&senders[i].thread, NULL, send_letters, &senders[i]);
    }
    loop_run(f.loop);
    for (int i = 0; i < SENDERS; i++) {
        pthread_join(senders[i].thread, NULL);
        CHECK(!senders[i].wrong);
    }
    LoopStats n;
    loop_stats(f.loop, &n);
    CHECK_EQ(f.calls, SENDERS * LETTERS);
    CHECK_EQ(n.mails, SENDERS * LETTERS);
    CHECK(loop_is_mine(f.loop));
    mem_free(senders);
    loop_free(f.loop);
}

static void stall(void *arg) {
    clock_manual_advance_ms(&((Fix *)arg)->clock, 21);
}

TEST(stalls_are_counted) {
    Fix f;
    fix_init(&f);
    loop_post(f.loop, stall, &f);
    turn(&f);
    LoopStats n;
    loop_stats(f.loop, &n);
    CHECK_EQ(n.stalls, 1);
    CHECK_EQ(n.worst_us, 21000);
    CHECK_EQ(n.took[LOOP_STALL_BUCKETS - 1], 1);
    CHECK(n.took[0] >= 1);
    loop_free(f.loop);
}

typedef struct Later {
    Fix *f;
    LoopLater later;
    int left; /* how often it puts itself off again */
    char c;
    struct Later *stops;
} Later;

static void later_mark(void *arg) {
    Later *p = arg;
    mark(&(Mark){ p->f, p->c });
    if (p->stops)
        loop_later_stop(&p->stops->later);
    if (p->left-- > 0)
        loop_later(p->f->loop, &p->later);
}

TEST(what_is_put_off_runs_after_what_came_in) {
    Fix f;
    fix_init(&f);
    Later a = { .f = &f, .c = 'a', .left = 1 }, b = { .f = &f, .c = 'b' };
    loop_later_init(&a.later, later_mark, &a);
    loop_later_init(&b.later, later_mark, &b);
    Mark m = { &f, 'm' };
    loop_later(f.loop, &a.later);
    loop_later(f.loop, &a.later); /* once, all the same */
    loop_later(f.loop, &b.later);
    loop_post(f.loop, mark, &m);
    turn(&f);
    CHECK_STR(str_c(f.order), S("mab")); /* a's second turn is not this one */
    turn(&f);
    CHECK_STR(str_c(f.order), S("maba"));
    loop_free(f.loop);
}

TEST(what_is_put_off_can_be_stopped_in_the_same_turn) {
    Fix f;
    fix_init(&f);
    Later b = { .f = &f, .c = 'b' }, a = { .f = &f, .c = 'a', .stops = &b };
    loop_later_init(&a.later, later_mark, &a);
    loop_later_init(&b.later, later_mark, &b);
    loop_later(f.loop, &a.later);
    loop_later(f.loop, &b.later);
    turn(&f);
    CHECK_STR(str_c(f.order), S("a"));
    loop_later(f.loop, &b.later);
    loop_free(f.loop); /* as a letter: it still reaches its reader */
    CHECK_STR(str_c(f.order), S("ab"));
}

TESTS(T(mail_sent_after_the_end_is_read_when_asked), T(what_is_put_off_runs_after_what_came_in),
      T(what_is_put_off_can_be_stopped_in_the_same_turn), T(posts_run_in_order), T(timers_fire_when_due_and_not_before),
      T(no_event_comes_after_stop_even_in_the_same_turn), T(hang_up_is_told_though_nothing_is_wanted),
      T(signals_arrive_as_calls), T(mail_of_many_threads_arrives_in_each_ones_order), T(stalls_are_counted))
