/* net/out_queue.c - see out_queue.h. */

#include "net/out_queue.h"

#include "base/mem.h"

enum { BLOCK = 4096, COPY_MAX = 2048, FREE_SEGS_MAX = 64 };

struct OutSeg {
    OutSeg *next;
    char *p;           /* n bytes; its own block, a body's memory, or a shared piece */
    OutShared *shared; /* whose bytes p are; NULL: our own */
    size_t n, cap;     /* cap 0: nothing may be added */
    size_t off;        /* sent already */
    bool block;        /* of the standard size: goes back to the pool */
    char bytes[];
};

static OutSeg *seg_new(OutPool *pool, size_t cap) {
    OutSeg *s = NULL;
    if (cap <= BLOCK - sizeof *s && pool->free) {
        s = pool->free;
        pool->free = s->next;
        pool->n--;
        *s = (OutSeg){ .p = s->bytes, .cap = BLOCK - sizeof *s, .block = true };
        return s;
    }
    size_t size = MAX(sizeof *s + cap, (size_t)BLOCK);
    s = mem_alloc(size);
    *s = (OutSeg){ .p = s->bytes, .cap = size - sizeof *s, .block = size == BLOCK };
    return s;
}

static void seg_free(OutPool *pool, OutSeg *s) {
    pool->bytes -= s->shared ? 0 : s->n;
    if (s->shared)
        out_shared_unref(s->shared);
    else if (s->p != s->bytes)
        mem_free(s->p);
    if (s->block && pool->n < FREE_SEGS_MAX) {
        s->next = pool->free;
        pool->free = s;
        pool->n++;
        return;
    }
    mem_free(s);
}

void out_pool_done(OutPool *p) {
    while (p->free) {
        OutSeg *s = p->free;
        p->free = s->next;
        mem_free(s);
    }
    p->n = 0;
}

/* --- shared pieces --- */

OutShared *out_shared_new(size_t n) {
    assert(n <= UINT32_MAX);
    OutShared *s = mem_alloc(sizeof *s + n);
    atomic_init(&s->refs, 1);
    s->n = (uint32_t)n;
    s->bytes = (char *)(s + 1);
    return s;
}

OutShared *out_shared_of(Str lasting) {
    OutShared *s = out_shared_new(0);
    assert(lasting.n <= UINT32_MAX);
    s->n = (uint32_t)lasting.n;
    s->bytes = (char *)(uintptr_t)lasting.p; /* only ever read: see above */
    return s;
}

OutShared *out_shared_ref(OutShared *s) {
    atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    return s;
}

OutShared *out_shared_unref(OutShared *s) {
    if (s && atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) == 1)
        mem_free(s);
    return NULL;
}

/* --- in --- */

static void append(OutQueue *q, OutSeg *s) {
    if (q->last)
        q->last->next = s;
    else
        q->first = s;
    q->last = s;
}

char *out_queue_reserve(OutQueue *q, size_t n) {
    OutSeg *s = q->last;
    if (!s || s->cap - s->n < n || s->cap == 0) {
        s = seg_new(q->pool, n);
        append(q, s);
    }
    return s->p + s->n;
}

void out_queue_commit(OutQueue *q, size_t n) {
    q->last->n += n;
    q->bytes += n;
    q->pool->bytes += q->last->shared ? 0 : n;
}

void out_queue_put(OutQueue *q, const void *p, size_t n) {
    if (n == 0)
        return;
    memcpy(out_queue_reserve(q, n), p, n);
    out_queue_commit(q, n);
}

void out_queue_take(OutQueue *q, Buf *b) {
    if (b->n <= COPY_MAX) {
        out_queue_put(q, b->p, b->n);
        buf_done(b);
        return;
    }
    OutSeg *s = mem_new(OutSeg);
    s->p = b->p;
    append(q, s); /* cap 0: nothing is added behind a body */
    out_queue_commit(q, b->n);
    *b = (Buf){ 0 };
}

void out_queue_share_part(OutQueue *q, OutShared *shared, size_t at, size_t n) {
    enum { CHEAPER_COPIED = 128 };
    OutSeg *last = q->last;
    assert(at <= shared->n && n <= shared->n - at);
    if (n <= CHEAPER_COPIED && last && last->cap - last->n >= n && last->cap) {
        out_queue_put(q, shared->bytes + at, n);
        return;
    }
    OutSeg *s = mem_new(OutSeg);
    s->shared = out_shared_ref(shared);
    s->p = shared->bytes + at;
    append(q, s);
    out_queue_commit(q, n);
}

void out_queue_share(OutQueue *q, OutShared *shared) {
    out_queue_share_part(q, shared, 0, shared->n);
}

/* --- out --- */

int out_queue_gather(const OutQueue *q, struct iovec iov[OUT_IOV_MAX]) {
    int n = 0;
    for (OutSeg *s = q->first; s && n < OUT_IOV_MAX; s = s->next)
        if (s->n > s->off)
            iov[n++] = (struct iovec){ s->p + s->off, s->n - s->off };
    return n;
}

void out_queue_drop(OutQueue *q, size_t n) {
    assert(n <= q->bytes);
    q->bytes -= n;
    while (q->first && n >= q->first->n - q->first->off) {
        OutSeg *s = q->first;
        n -= s->n - s->off;
        q->first = s->next;
        seg_free(q->pool, s);
    }
    if (q->first)
        q->first->off += n;
    else
        q->last = NULL;
}

void out_queue_clear(OutQueue *q) {
    while (q->first) {
        OutSeg *s = q->first;
        q->first = s->next;
        seg_free(q->pool, s);
    }
    q->last = NULL;
    q->bytes = 0;
}
