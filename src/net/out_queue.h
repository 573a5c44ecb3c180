#pragma once

/* net/out_queue.h - bytes on their way to a socket: blocks, bodies that were moved in, frames shared with others.
 *
 * Small pieces are gathered in blocks of 4 KB, so that a burst of replies leaves in one system call; a large body keeps
 * the memory it was made in; a shared frame is counted, not copied. Private to net/. One thread, but for the count of
 * references of a shared piece. */

#include "base/buf.h"

#include <stdatomic.h>
#include <sys/uio.h>

typedef struct OutSeg OutSeg;

typedef struct OutPool { /* blocks at rest, of all queues of a thread */
    OutSeg *free;
    int n;
    size_t bytes; /* in all queues, but for shared pieces */
} OutPool;
void out_pool_done(OutPool *p); /* every queue of it is empty */

typedef struct OutQueue { /* all-zero but for pool: empty */
    OutPool *pool;
    OutSeg *first, *last;
    size_t bytes;
} OutQueue;

/* Bytes that several queues send: never changed once made. */
typedef struct OutShared {
    atomic_int refs;
    uint32_t n;
    char *bytes; /* behind this, or of whoever lasts longer */
} OutShared;
OutShared *out_shared_new(size_t n);   /* one reference; the caller fills bytes before anybody else sees it */
OutShared *out_shared_of(Str lasting); /* the same of bytes that outlive all queues; nothing is copied */
OutShared *out_shared_ref(OutShared *s);
OutShared *out_shared_unref(OutShared *s); /* NULL is fine; returns NULL */

enum { OUT_IOV_MAX = 16 };

void out_queue_put(OutQueue *q, const void *p, size_t n);
char *out_queue_reserve(OutQueue *q, size_t n); /* contiguous; follow with out_queue_commit */
void out_queue_commit(OutQueue *q, size_t n);
void out_queue_take(OutQueue *q, Buf *b);             /* moves the buffer's bytes in; b is empty after */
void out_queue_share(OutQueue *q, OutShared *shared); /* takes a reference of its own */
void out_queue_share_part(OutQueue *q, OutShared *shared, size_t at, size_t n);

int out_queue_gather(const OutQueue *q, struct iovec iov[OUT_IOV_MAX]); /* how many pieces */
void out_queue_drop(OutQueue *q, size_t n);                             /* the socket took them */
void out_queue_clear(OutQueue *q);
