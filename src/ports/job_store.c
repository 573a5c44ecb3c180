/* ports/job_store.c - the checking wrapper around every job store; what candle_store.c says holds here too. */

#include "ports/job_store.h"

static int enter(JobStore *s, Ctx *cx, const char *point) {
    assert(s && s->ops && cx && cx->arena);
    int r = ctx_check(cx);
    return r ? r : s->fault ? s->fault(s->fault_arg, cx, point) : 0;
}

static int check_text(Ctx *cx, const char *what, Str text) {
    return text.n <= JOB_TEXT_MAX ? 0
                                  : err_set_at(cx, ERR_TOO_LARGE, str_c(what),
                                               "%s has %zu bytes, at most %d can be kept", what, text.n, JOB_TEXT_MAX);
}

int job_store_change(JobStore *s, Ctx *cx, const JobChange *change) {
    assert(change->job && change->job->id.n && change->job->kind.n);
    assert(!change->run || (change->run->id.n && str_eq(change->run->job, change->job->id)));
    int r = enter(s, cx, "change");
    if (r == 0)
        r = check_text(cx, "params", change->job->params);
    if (r == 0 && change->run)
        r = check_text(cx, "checkpoint", change->run->checkpoint);
    if (r == 0)
        r = s->ops->change(s, cx, change);
    if (r == 0 && s->fault) /* the change is in, the answer is lost */
        r = s->fault(s->fault_arg, cx, "changed");
    return r;
}

int job_store_jobs(JobStore *s, Ctx *cx, Job **out, size_t *n) {
    int r = enter(s, cx, "jobs");
    return r ? r : s->ops->jobs(s, cx, (Str){ 0 }, out, n);
}

int job_store_job(JobStore *s, Ctx *cx, Str id, Job *out) {
    Job *v;
    size_t n;
    assert(id.n);
    int r = enter(s, cx, "job");
    if (r == 0)
        r = s->ops->jobs(s, cx, id, &v, &n);
    if (r == 0 && n == 0)
        return JOB_NONE;
    if (r == 0)
        *out = v[0];
    return r;
}

int job_store_drop(JobStore *s, Ctx *cx, Str id) {
    int r = enter(s, cx, "drop");
    return r ? r : s->ops->drop(s, cx, id);
}

int job_store_progress(JobStore *s, Ctx *cx, const JobRun *run) {
    assert(run->id.n && run->done >= 0 && run->total >= 0);
    int r = enter(s, cx, "progress");
    if (r == 0)
        r = check_text(cx, "checkpoint", run->checkpoint);
    return r ? r : s->ops->progress(s, cx, run);
}

int job_store_run(JobStore *s, Ctx *cx, Str id, JobRun *out) {
    int r = enter(s, cx, "run");
    return r ? r : s->ops->run(s, cx, id, out);
}

int job_store_runs(JobStore *s, Ctx *cx, Str job, size_t limit, JobRun **out, size_t *n) {
    assert(limit > 0);
    int r = enter(s, cx, "runs");
    return r ? r : s->ops->runs(s, cx, job, limit, out, n);
}

int job_store_prune(JobStore *s, Ctx *cx, Str job, size_t keep) {
    int r = enter(s, cx, "prune");
    return r ? r : s->ops->prune(s, cx, job, keep);
}

int job_store_queue_put(JobStore *s, Ctx *cx, Str queue, const Str *payloads, size_t n) {
    assert(queue.n);
    int r = enter(s, cx, "queue_put");
    for (size_t i = 0; r == 0 && i < n; i++)
        r = check_text(cx, "payload", payloads[i]);
    return r || n == 0 ? r : s->ops->queue_put(s, cx, queue, payloads, n);
}

int job_store_queue_claim(JobStore *s, Ctx *cx, Str queue, Str worker, int64_t lease_ms, size_t most, QueueItem **out,
                          size_t *n) {
    assert(queue.n && worker.n && lease_ms > 0 && most > 0 && most <= QUEUE_CLAIM_MAX);
    int r = enter(s, cx, "queue_claim");
    Time now = clock_wall(cx->clock);
    QueueClaim claim = { queue, worker, now, time_add_ms(now, lease_ms), most };
    return r ? r : s->ops->queue_claim(s, cx, &claim, out, n);
}

int job_store_queue_done(JobStore *s, Ctx *cx, Str worker, const QueueItem *items, size_t n, size_t *n_taken) {
    *n_taken = 0;
    int r = enter(s, cx, "queue_done");
    for (size_t i = 0; r == 0 && i < n; i++)
        r = check_text(cx, "result", items[i].result);
    return r || n == 0 ? r : s->ops->queue_done(s, cx, worker, items, n, n_taken);
}

int job_store_queue_stats(JobStore *s, Ctx *cx, Str queue, QueueStats *out) {
    int r = enter(s, cx, "queue_stats");
    return r ? r : s->ops->queue_stats(s, cx, queue, out);
}

int job_store_queue_drop(JobStore *s, Ctx *cx, Str queue) {
    int r = enter(s, cx, "queue_drop");
    return r ? r : s->ops->queue_drop(s, cx, queue);
}

int job_store_audit_add(JobStore *s, Ctx *cx, const AuditRow *row) {
    assert(row->action.n);
    int r = enter(s, cx, "audit_add");
    return r ? r : s->ops->audit_add(s, cx, row);
}

int job_store_record(JobStore *s, Ctx *cx, const AuditRow *what, int r) {
    if (!s)
        return r;
    AuditRow row = *what;
    row.at = clock_wall(cx->clock);
    row.who = cx->principal.id.n ? cx->principal.id : S("local");
    row.outcome = r == 0 ? S("ok") : str_c(err_info(r)->name);
    row.request_id = cx->trace.request_id;
    Ctx quiet = *cx; /* the words of what failed first stay, and what was done is recorded though time is up */
    quiet.deadline = (MonoNs){ 0 };
    quiet.cancel = NULL;
    int written = job_store_audit_add(s, &quiet, &row);
    if (r == 0 && written < 0)
        cx->err = quiet.err;
    return r ? r : written;
}

int job_store_audit_walk(JobStore *s, Ctx *cx, const AuditAnchor *anchor, AuditSpan *span, AuditWalk *out) {
    int r = enter(s, cx, "audit_walk");
    return r ? r : s->ops->audit_walk(s, cx, anchor, span, out);
}

int job_store_audit_list(JobStore *s, Ctx *cx, int64_t before, size_t limit, AuditRow **out, size_t *n) {
    assert(limit > 0);
    int r = enter(s, cx, "audit_list");
    return r ? r : s->ops->audit_list(s, cx, before, limit, out, n);
}

static int put_callback(JobStore *s, Ctx *cx, const Callback *c, size_t most) {
    assert(c->id.n && c->run.n && c->url.n && (c->body.n || c->state == CALLBACK_ARMED || c->state == CALLBACK_DEAD));
    int r = enter(s, cx, "callback_put");
    if (r == 0)
        r = check_text(cx, "url", c->url);
    return r ? r : s->ops->callback_put(s, cx, c, most);
}

int job_store_callback_add(JobStore *s, Ctx *cx, const Callback *c, size_t most) {
    assert(most > 0);
    return put_callback(s, cx, c, most);
}

int job_store_callback_put(JobStore *s, Ctx *cx, const Callback *c) {
    return put_callback(s, cx, c, 0);
}

int job_store_callbacks(JobStore *s, Ctx *cx, const CallbackQuery *q, Callback **out, size_t *n) {
    assert(q->limit > 0);
    int r = enter(s, cx, "callbacks");
    return r ? r : s->ops->callbacks(s, cx, q, out, n);
}

int job_store_callback_prune(JobStore *s, Ctx *cx, size_t keep) {
    int r = enter(s, cx, "callback_prune");
    return r ? r : s->ops->callback_prune(s, cx, keep);
}

int job_store_snapshot(JobStore *s, Ctx *cx, SnapshotPiece *piece, void *arg) {
    int r = enter(s, cx, "snapshot");
    if (r == 0 && !s->ops->snapshot)
        r = err_set(cx, ERR_UNSUPPORTED, "the %s store of jobs has no backup", s->ops->name);
    return r ? r : s->ops->snapshot(s, cx, piece, arg);
}

JobStore *job_store_close(JobStore *s) {
    if (s)
        s->ops->close(s);
    return NULL;
}
