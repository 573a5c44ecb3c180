/* api/batch/ops.c - field tables and the operation; what it does is the gateway's. */

#include "api/batch/batch_api.h"

/* clang-format off */
static const Field item_f[] = {
    FIELD(BatchItem, name, .flags = F_REQUIRED, .min = 1, .max = 64, .doc = "What its answer is called.", .example = "candles"),
    FIELD(BatchItem, path, .flags = F_REQUIRED, .min = 1, .max = 2048, .doc = "A path of this API that is read, with its query.",
          .example = "/api/v1/market/candles?symbol=BTCUSDT&timeframe=1h"),
};
static SHAPE(item_shape, BatchItem, item_f, .doc = "One reading.");
static const Field in_f[] = {
    FIELD(BatchIn, requests, .flags = F_REQUIRED, .of = &item_shape, .min = 1, .max = BATCH_MAX, .doc = "What is read, all at once."),
    FIELD(BatchIn, timeout_ms, .def = "10000", .min = 1, .max = 60000, .doc = "After so long the answer says what there is."),
};
SHAPE(batch_in_shape, BatchIn, in_f, .doc = "Readings that are asked together.");
static const Field failure_f[] = {
    FIELD(BatchFailure, name, .doc = "Of the reading that failed.", .example = "candles"),
    FIELD(BatchFailure, status, .doc = "What it would have been answered with alone.", .example = "503"),
    FIELD(BatchFailure, code, .doc = "The error's name.", .example = "unavailable"),
    FIELD(BatchFailure, message, .doc = "For people."),
    FIELD(BatchFailure, stage, .flags = F_OMIT_EMPTY, .doc = "Of the gateway, that refused.", .example = "breaker"),
};
static SHAPE(failure_shape, BatchFailure, failure_f, .doc = "A reading that failed.");
static const Field out_f[] = {
    FIELD(BatchOut, complete, .doc = "Every reading was answered."),
    FIELD(BatchOut, results, .doc = "Answers by name, as each would have been given alone; text where it is no JSON."),
    FIELD(BatchOut, errors, .of = &failure_shape, .doc = "The readings that failed."),
    FIELD(BatchOut, elapsed_ms, .doc = "Time it took."),
};
SHAPE(batch_out_shape, BatchOut, out_f, .doc = "What there is, and what failed.");
/* clang-format on */

static int run(void *role, Ctx *cx, const void *in, void *out) {
    UNUSED(role);
    UNUSED(in);
    UNUSED(out);
    return err_set(cx, ERR_UNSUPPORTED, "readings are asked together at the gateway, over HTTP");
}

/* clang-format off */
const Op op_gateway_batch = {
    .name = "gateway.batch", .method = "POST", .path = "/api/v1/batch",
    .summary = "Several readings in one request", .tag = "Gateway", .in = &batch_in_shape, .out = &batch_out_shape,
    .doc = "Asks several services at once, under one deadline. What fails is listed and spoils nothing else. Each reading passes "
           "what it would pass alone: limits, roles, validation, caches. When every one fails the status is 502, with the same body.",
    .role = ROLE_NONE, .lane = LANE_LOOP, .deadline_ms = 61000, .max_body = 128 << 10, .idempotent = true, .run = run };
/* clang-format on */

static const Op *const ops[] = { &op_gateway_batch };
const OpTable batch_api = { .role = "gateway", .ops = ops, .n_ops = ARRAY_LEN(ops) };
