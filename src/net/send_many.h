#pragma once

/* net/send_many.h - one send to each of many sockets: what a tick to a thousand subscribers is.
 *
 * A send over loopback or a card costs the kernel microseconds, whoever asks for it, so two things help: to ask for many
 * at once (io_uring; where the kernel refuses it or has none, one send after the other), and to let other cores take
 * part. The caller works too and returns when all is done; in between nobody else touches the sockets, so whoever owns
 * them needs no lock. Helpers sleep until there is work, and are made when there first is.
 *
 * Threads: one caller at a time; its helpers are private. Private to net/. */

#include "base/defs.h"

#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

enum { SEND_IOV_MAX = 4, SEND_HELPERS_MAX = 7 };

typedef struct SendJob {
    int fd;                         /* non-blocking or not: nothing waits */
    int n;                          /* pieces, 1 to SEND_IOV_MAX */
    struct iovec iov[SEND_IOV_MAX]; /* stay as they are until send_many returns */
    ssize_t sent;                   /* out: bytes, or -errno; -EAGAIN: the socket is full */
    struct msghdr head;             /* private */
} SendJob;

typedef struct SendMany SendMany;

typedef struct SendManyOptions {
    int helpers;     /* threads beside the caller's, at most SEND_HELPERS_MAX */
    bool one_by_one; /* no io_uring, even where there is one */
} SendManyOptions;

SendMany *send_many_new(const SendManyOptions *o);
SendMany *send_many_free(SendMany *m); /* NULL is fine; returns NULL */
/* Makes now what the first large send would make, rings and helpers: before the process may make none any more. On the
 * thread that will call send_many. */
void send_many_prepare(SendMany *m);
void send_many(SendMany *m, SendJob *jobs, size_t n);
bool send_many_batches(const SendMany *m); /* did the kernel take the caller's last sends as a batch? */
