/* api/webhooks/ops.c - see webhooks_api.h: records, handlers, the table. */

#include "api/webhooks/webhooks_api.h"

#define TAG "Jobs"

static const char *const states[] = { "armed", "due", "delivered", "dead", NULL };
static const char *const states_or_all[] = { "all", "armed", "due", "delivered", "dead", NULL };

/* clang-format off */

static const Field submit_request_f[] = {
    FIELD(SubmitRequest, job, .flags = F_REQUIRED, .pattern = "id", .rename = "job_id", .doc = "The job's name.", .example = "collect-hourly"),
    FIELD(SubmitRequest, params, .doc = "Parameters of this run; left out: the job's own."),
    FIELD(SubmitRequest, callback, .flags = F_SECRET, .max = WEBHOOK_URL_MAX, .doc = "URL that is told when the run is over; left out: nobody is.", .example = "https://example.org/hooks/finsight"),
};
SHAPE(submit_request_shape, SubmitRequest, submit_request_f, .doc = "A run to be made, and whom to tell.");

static const Field submit_response_f[] = {
    FIELD(SubmitResponse, run, .doc = "The run's id."),
    FIELD(SubmitResponse, status_url, .doc = "Where to ask how it is."),
    FIELD(SubmitResponse, delivery, .flags = F_OMIT_EMPTY, .doc = "The callback's id: X-FinSight-Delivery of its tries."),
};
SHAPE(submit_response_shape, SubmitResponse, submit_response_f, .doc = "The run was taken; it is not over.");

static const Field callback_query_f[] = {
    FIELD(CallbackQueryIn, state, .def = "all", .choices = states_or_all, .doc = "Those alone that are so; dead: given up."),
    FIELD(CallbackQueryIn, limit, .def = "100", .min = 1, .max = 10000, .doc = "At most so many, newest first."),
};
SHAPE(callback_query_shape, CallbackQueryIn, callback_query_f, .doc = "Which callbacks.");

static const Field callback_ref_f[] = {
    FIELD(CallbackRef, id, .flags = F_REQUIRED, .pattern = "id", .doc = "The callback's id."),
};
SHAPE(callback_ref_shape, CallbackRef, callback_ref_f, .doc = "One callback.");

static const Field callback_row_f[] = {
    FIELD(CallbackRow, id, .doc = "Its id: X-FinSight-Delivery."),
    FIELD(CallbackRow, run, .doc = "The run it tells of."),
    FIELD(CallbackRow, url, .doc = "Whom it tells; what stands behind ? is left out."),
    FIELD(CallbackRow, state, .choices = states, .doc = "armed: the run is not over; due: on its way; delivered; dead: given up."),
    FIELD(CallbackRow, attempts, .doc = "Tries so far."),
    FIELD(CallbackRow, last_status, .doc = "What the last try was answered; 0: nothing."),
    FIELD(CallbackRow, last_error, .flags = F_OMIT_EMPTY, .doc = "Why the last try was not answered."),
    FIELD(CallbackRow, created, .doc = "When it was asked for."),
    FIELD(CallbackRow, next_try, .flags = F_NULLABLE, .doc = "When it is tried next."),
    FIELD(CallbackRow, ended, .flags = F_NULLABLE, .doc = "When it was delivered or given up."),
};
SHAPE(callback_row_shape, CallbackRow, callback_row_f, .doc = "A callback and its tries.");

static const Field callback_list_f[] = {
    FIELD(CallbackList, count, .doc = "How many."),
    FIELD(CallbackList, callbacks, .of = &callback_row_shape, .doc = "Newest first."),
};
SHAPE(callback_list_shape, CallbackList, callback_list_f, .doc = "Callbacks.");

/* clang-format on */

/* --- handlers --- */

static int serves(const WebhooksRole *w, Ctx *cx) {
    return w->webhooks ? 0 : err_set(cx, ERR_UNSUPPORTED, "callbacks need a server: finsight serve");
}

static int submit(void *role, Ctx *cx, const void *in_, void *out_) {
    const WebhooksRole *w = role;
    const SubmitRequest *in = in_;
    SubmitResponse *out = out_;
    JobRun run;
    Callback callback = { 0 };
    int r = serves(w, cx);
    if (r == 0 && in->callback.n)
        r = webhooks_check(w->webhooks, cx, in->callback);
    if (r == 0)
        r = jobs_run_now(w->jobs, cx, in->job, in->params.json, &run);
    if (r == 0 && in->callback.n)
        r = webhooks_arm(w->webhooks, cx, in->callback, run.id, &callback);
    r = job_store_record(jobs_store(w->jobs), cx, &(AuditRow){ .action = S("job.submit"), .subject = in->job }, r);
    if (r != 0)
        return r;
    webhooks_wake(w->webhooks); /* it may be over already */
    *out = (SubmitResponse){ .run = run.id,
                             .status_url = str_fmt(cx->arena, "/api/v1/jobs/runs/" STR_FMT, STR_ARG(run.id)),
                             .delivery = callback.id };
    return 0;
}

static CallbackRow row_of(const Callback *c) {
    ptrdiff_t mark = str_find_char(c->url, '?');
    return (CallbackRow){ .id = c->id,
                          .run = c->run,
                          .url = mark < 0 ? c->url : str_first(c->url, (size_t)mark),
                          .state = str_c(states[c->state]),
                          .attempts = c->tries,
                          .last_status = c->last_status,
                          .last_error = c->last_error,
                          .created = c->created,
                          .next_try = c->state == CALLBACK_DUE ? c->next_try : time_ms(0),
                          .ended = c->ended };
}

static int list(void *role, Ctx *cx, const void *in_, void *out_) {
    const WebhooksRole *w = role;
    const CallbackQueryIn *in = in_;
    CallbackList *out = out_;
    Callback *v;
    size_t n;
    int state = -1;
    for (int i = 0; states[i]; i++)
        if (str_eq(in->state, str_c(states[i])))
            state = i;
    int r = serves(w, cx);
    if (r == 0)
        r = webhooks_list(w->webhooks, cx, state, (size_t)in->limit, &v, &n);
    if (r != 0)
        return r;
    CallbackRow *rows = arena_new_n(cx->arena, CallbackRow, n + 1);
    for (size_t i = 0; i < n; i++)
        rows[i] = row_of(&v[i]);
    *out = (CallbackList){ (int64_t)n, { rows, n } };
    return 0;
}

static int get(void *role, Ctx *cx, const void *in, void *out) {
    const WebhooksRole *w = role;
    Callback c;
    int r = serves(w, cx);
    if (r == 0)
        r = webhooks_get(w->webhooks, cx, ((const CallbackRef *)in)->id, &c);
    if (r == 0)
        *(CallbackRow *)out = row_of(&c);
    return r;
}

static int again(void *role, Ctx *cx, const void *in_, void *out) {
    const WebhooksRole *w = role;
    const CallbackRef *in = in_;
    Callback c;
    int r = serves(w, cx);
    if (r == 0)
        r = webhooks_again(w->webhooks, cx, in->id, &c);
    r = job_store_record(jobs_store(w->jobs), cx, &(AuditRow){ .action = S("webhook.again"), .subject = in->id }, r);
    if (r == 0)
        *(CallbackRow *)out = row_of(&c);
    return r;
}

/* clang-format off */

const Op op_jobs_submit = {
    .name = "jobs.submit", .method = "POST", .path = "/api/v1/jobs/submit",
    .summary = "Run a job now, and be called back when it is over", .tag = TAG,
    .doc = "Answers 202 at once. When the run is over, a POST with its outcome goes to `callback`, signed in X-FinSight-Signature "
           "(docs/webhooks.md) and tried again until it is answered 2xx.",
    .in = &submit_request_shape, .out = &submit_response_shape, .status = 202, .role = ROLE_ADMIN, .lane = LANE_IO,
    .deadline_ms = 10000, .max_body = 128u << 10, .run = submit };

const Op op_webhooks_list = {
    .name = "webhooks.list", .method = "GET", .path = "/api/v1/webhooks",
    .summary = "Callbacks and what became of them", .tag = TAG, .in = &callback_query_shape, .out = &callback_list_shape,
    .role = ROLE_ADMIN, .lane = LANE_IO, .deadline_ms = 5000, .idempotent = true, .run = list };

const Op op_webhooks_get = {
    .name = "webhooks.get", .method = "GET", .path = "/api/v1/webhooks/{id}",
    .summary = "One callback", .tag = TAG, .in = &callback_ref_shape, .out = &callback_row_shape,
    .role = ROLE_ADMIN, .lane = LANE_IO, .deadline_ms = 5000, .idempotent = true, .run = get };

const Op op_webhooks_again = {
    .name = "webhooks.again", .method = "POST", .path = "/api/v1/webhooks/again",
    .summary = "Send a callback that was given up, or delivered, once more", .tag = TAG, .in = &callback_ref_shape,
    .out = &callback_row_shape, .role = ROLE_ADMIN, .lane = LANE_IO, .deadline_ms = 5000, .max_body = 4096, .run = again };

/* clang-format on */

static const Op *const ops[] = { &op_jobs_submit, &op_webhooks_list, &op_webhooks_get, &op_webhooks_again };

const OpTable webhooks_api = { .role = "webhooks", .ops = ops, .n_ops = ARRAY_LEN(ops) };
