#pragma once

/* net/send_turn.h - what one turn of the loop has to send, sent together at its end (net/send_many.h).
 *
 * Under load a turn answers dozens of clients and asks as many services. Sent one by one each of them wakes its reader,
 * which then takes the core or another one for as long as its one message lasts; together they cost 13 per cent less CPU
 * a hop of the gateway (bench/bench_gateway.py), and one that is alone costs what it did.
 * Whoever sends owns its bytes until it is told what became of them. Threads: the loop's alone. Private to net/, but
 * for its life. */

#include "net/loop.h"
#include "net/send_many.h"

typedef struct SendTurn SendTurn;
typedef struct SendLater SendLater;

enum { SEND_NOTHING = INT32_MIN }; /* as n of `sent`: there was nothing to gather */

typedef struct SendLaterWays {
    /* What it has to send by now: a descriptor and the number of pieces; 0: nothing, or it sees to it itself. It closes
     * nobody. */
    int (*gather)(SendLater *s, int *fd, struct iovec iov[SEND_IOV_MAX]);
    void (*sent)(SendLater *s, ssize_t n); /* bytes, or -errno. May free s */
} SendLaterWays;

struct SendLater { /* embed it; all private */
    ListNode node;
    const SendLaterWays *ways;
    struct Sending *sending;
};

static inline void send_later_init(SendLater *s, const SendLaterWays *ways) {
    *s = (SendLater){ .ways = ways };
}
void send_later(SendTurn *t, SendLater *s); /* once a turn, however often it is called */
void send_later_stop(SendLater *s);

SendTurn *send_turn_new(Loop *l, int helpers); /* as SendManyOptions */
void send_turn_prepare(SendTurn *t);           /* as send_many_prepare */
SendTurn *send_turn_free(SendTurn *t);         /* nothing is to be sent any more; NULL is fine */
