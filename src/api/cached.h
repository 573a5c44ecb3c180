#pragma once

/* api/cached.h - an operation answered from what was kept, or run and kept (services/cache/answers.h).
 *
 *     OpCached c;
 *     int r = op_cached_find(answers, cx, op, in, form, &c, body);
 *     if (r == OP_TO_RUN) {
 *         r = op->run(role, cx, in, out), encoded into body
 *         op_cached_end(&c, cx, in, out, r == 0 ? buf_str(body) : (Str){ 0 });
 *     }
 *
 * Threads: any worker; it may wait for another who makes the same answer. */

#include "api/op.h"
#include "services/cache/answers.h"

typedef struct OpCached {
    Answers *answers; /* NULL: this one is not kept */
    const Op *op;
    AnswerTicket ticket;
    CacheLevel level; /* where the answer was */
    Str series;       /* it was made of, once there is an answer; in cx->arena */
    int64_t age_ms;
} OpCached;

enum { OP_TO_RUN = 1 };
/* 0: the answer is in body. form: "json", "csv", ... as part of the key. answers may be NULL. */
int op_cached_find(Answers *answers, Ctx *cx, const Op *op, const void *in, Str form, OpCached *c, Buf *body);
/* After OP_TO_RUN, once: the answer's bytes, or none when it failed. */
void op_cached_end(OpCached *c, Ctx *cx, const void *in, const void *out, Str bytes);
/* For a header: "HIT", "MISS"; empty: not kept. */
Str op_cached_word(const OpCached *c);
