/* tests/unit/api/demo.c - see demo.h. */

#include "demo.h"

#include <math.h>

#define LISTED(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* clang-format off */
static const Field query_fields[] = {
    FIELD(DemoQuery, symbol, .flags = F_REQUIRED | F_QUERY, .tag = 1, .pattern = "symbol", .doc = "The venue's spelling.", .example = "BTCUSDT"),
    FIELD(DemoQuery, exchange, .flags = F_QUERY, .tag = 2, .pattern = "venue", .def = "binance", .doc = "Where it trades.", .example = "binance", .rename = "venue"),
    FIELD(DemoQuery, timeframe, .flags = F_REQUIRED | F_QUERY, .tag = 3, .pattern = "timeframe", .doc = "Length of a candle.", .example = "1h", .rename = "interval"),
    FIELD(DemoQuery, start, .flags = F_QUERY, .tag = 4, .doc = "First open time, included.", .example = "2024-01-01T00:00:00Z"),
    FIELD(DemoQuery, end, .flags = F_QUERY, .tag = 5, .doc = "Last open time, excluded.", .example = "2024-02-01"),
    FIELD(DemoQuery, limit, .flags = F_QUERY, .tag = 6, .def = "1000", .min = 1, .max = 100000, .doc = "Most candles to return.", .example = "500"),
    FIELD(DemoQuery, order, .flags = F_QUERY, .tag = 7, .def = "asc", .choices = LISTED("asc", "desc"), .doc = "By open time.", .example = "desc"),
    FIELD(DemoQuery, columns, .flags = F_QUERY | F_REPEAT, .tag = 8, .choices = LISTED("open", "high", "low", "close", "volume"), .max = 5, .doc = "Only these columns.", .example = "open,close"),
    FIELD(DemoQuery, min_volume, .flags = F_QUERY | F_NULLABLE, .tag = 9, .has_min = true, .doc = "Leaves out quieter candles.", .example = "0.5"),
    FIELD(DemoQuery, adjusted, .flags = F_QUERY, .tag = 10, .def = "true", .doc = "Apply splits and dividends.", .example = "false"),
    FIELD(DemoQuery, api_token, .flags = F_QUERY | F_SECRET, .tag = 11, .min = 8, .max = 64, .doc = "Key of the venue."),
};
SHAPE(demo_query, DemoQuery, query_fields, .doc = "Which candles.");

static const Field page_fields[] = {
    FIELD(DemoPage, symbol, .tag = 1, .doc = "The venue's spelling.", .example = "BTCUSDT"),
    FIELD(DemoPage, exchange, .tag = 2, .doc = "Where it trades.", .example = "binance"),
    FIELD(DemoPage, timeframe, .tag = 3, .doc = "Length of a candle.", .example = "1h"),
    FIELD(DemoPage, candles, .tag = 4, .doc = "Ascending by open time."),
    FIELD(DemoPage, next, .flags = F_NULLABLE, .tag = 5, .doc = "Where the next page starts; null at the end.", .example = "2024-01-02T00:00:00Z"),
    FIELD(DemoPage, revision, .tag = 6, .doc = "Grows with each change of the series.", .example = "17"),
    FIELD(DemoPage, mean, .flags = F_NULLABLE, .tag = 7, .doc = "Mean close; null without candles.", .example = "42000.5"),
    FIELD(DemoPage, complete, .tag = 8, .doc = "No gap inside.", .example = "true"),
    FIELD(DemoPage, note, .flags = F_OMIT_EMPTY, .tag = 9, .doc = "What to know about the data.", .example = "SIMULATED"),
};
SHAPE(demo_page, DemoPage, page_fields, .doc = "Candles and where they go on.");

static const Field save_fields[] = {
    FIELD(DemoSave, symbol, .flags = F_REQUIRED | F_BODY, .tag = 1, .pattern = "symbol", .doc = "The venue's spelling.", .example = "BTCUSDT"),
    FIELD(DemoSave, exchange, .flags = F_BODY, .tag = 2, .pattern = "venue", .def = "csv", .doc = "Where it trades.", .example = "binance"),
    FIELD(DemoSave, timeframe, .flags = F_REQUIRED | F_BODY, .tag = 3, .pattern = "timeframe", .doc = "Length of a candle.", .example = "1h"),
    FIELD(DemoSave, candles, .flags = F_REQUIRED | F_BODY, .tag = 4, .min = 1, .max = 1000, .doc = "Any order."),
    FIELD(DemoSave, dry_run, .flags = F_QUERY, .tag = 5, .doc = "Only check.", .example = "true"),
};
SHAPE(demo_save, DemoSave, save_fields, .doc = "Candles to store.");

static const Field saved_fields[] = {
    FIELD(DemoSaved, saved, .tag = 1, .doc = "Candles written.", .example = "2"),
    FIELD(DemoSaved, first, .tag = 2, .doc = "Open time of the first.", .example = "2024-01-01T00:00:00Z"),
};
SHAPE(demo_saved, DemoSaved, saved_fields, .doc = "What was stored.");

static const Field risk_fields[] = {
    FIELD(DemoRisk, max_loss, .flags = F_REQUIRED, .tag = 1, .min = -1, .max = 0.5, .doc = "Fraction of capital.", .example = "0.02"),
    FIELD(DemoRisk, leverage, .tag = 2, .def = "1", .min = 0.1, .max = 20, .doc = "Times the capital.", .example = "2"),
    FIELD(DemoRisk, mode, .tag = 3, .def = "soft", .choices = LISTED("soft", "hard"), .doc = "Warn or stop.", .example = "hard"),
};
SHAPE(demo_risk, DemoRisk, risk_fields, .doc = "Bounds of a plan.");

static const Field leg_fields[] = {
    FIELD(DemoLeg, symbol, .flags = F_REQUIRED, .tag = 1, .pattern = "symbol", .doc = "What to trade.", .example = "ETHUSDT"),
    FIELD(DemoLeg, weight, .flags = F_REQUIRED, .tag = 2, .has_min = true, .max = 1, .doc = "Share of the whole.", .example = "0.25"),
    FIELD(DemoLeg, delay_ms, .tag = 3, .has_min = true, .max = 60000, .doc = "Wait before it.", .example = "100"),
    FIELD(DemoLeg, tags, .tag = 4, .max = 3, .pattern = "id", .doc = "Free labels.", .example = "core"),
};
SHAPE(demo_leg, DemoLeg, leg_fields, .doc = "One part of a plan.");

static const Field plan_fields[] = {
    FIELD(DemoPlan, id, .flags = F_REQUIRED | F_PATH, .tag = 1, .pattern = "id", .doc = "Id of the job.", .example = "job-1"),
    FIELD(DemoPlan, name, .flags = F_REQUIRED | F_BODY, .tag = 2, .min = 2, .max = 20, .doc = "For people.", .example = "Winter plan"),
    FIELD(DemoPlan, risk, .flags = F_REQUIRED | F_BODY, .of = &demo_risk, .tag = 3, .doc = "Bounds."),
    FIELD(DemoPlan, hedge, .flags = F_NULLABLE | F_BODY, .of = &demo_risk, .tag = 4, .doc = "Bounds of the hedge; null without one."),
    FIELD(DemoPlan, legs, .flags = F_REQUIRED | F_BODY, .of = &demo_leg, .min = 1, .max = 4, .tag = 5, .doc = "In order."),
    FIELD(DemoPlan, notes, .flags = F_BODY, .max = 3, .tag = 6, .doc = "Free text.", .example = "first"),
    FIELD(DemoPlan, settings, .flags = F_BODY | F_OMIT_EMPTY, .tag = 7, .doc = "Any JSON.", .example = "{\"a\":[1,2]}"),
    FIELD(DemoPlan, at, .flags = F_BODY | F_NULLABLE, .tag = 8, .doc = "When to start.", .example = "2024-01-01T00:00:00Z"),
    FIELD(DemoPlan, priority, .flags = F_BODY, .def = "5", .min = 1, .max = 9, .tag = 9, .doc = "1 is first.", .example = "3"),
    FIELD(DemoPlan, enabled, .flags = F_BODY, .def = "true", .tag = 10, .doc = "Run it.", .example = "true"),
};
SHAPE(demo_plan, DemoPlan, plan_fields, .doc = "What a job will do.");

static const Field job_fields[] = {
    FIELD(DemoJob, id, .flags = F_REQUIRED, .tag = 1, .pattern = "id", .doc = "Id of the job.", .example = "job-1"),
    FIELD(DemoJob, force, .tag = 2, .doc = "Even while it runs.", .example = "true"),
};
SHAPE(demo_job, DemoJob, job_fields, .doc = "A job.");
/* clang-format on */

static int enter(Demo *d, Ctx *cx) {
    d->calls++;
    if (d->fail > 0)
        return d->fail;
    if (!d->fail)
        return 0;
    err_set_at(cx, d->fail, S("candles[3].high"), "the demo \"fails\" as told");
    cx->err.retry_after_ms = 1500;
    return d->fail;
}

static int run_candles(void *role, Ctx *cx, const void *in, void *out) {
    Demo *d = role;
    const DemoQuery *q = in;
    DemoPage *page = out;
    int e = enter(d, cx);
    if (e)
        return e;
    d->query = *q;
    *page = (DemoPage){ .symbol = q->symbol,
                        .exchange = q->exchange,
                        .timeframe = q->timeframe,
                        .next = q->end,
                        .revision = q->limit,
                        .mean = q->min_volume,
                        .complete = q->adjusted,
                        .note = q->order };
    candles_init(&page->candles, cx->arena, 3);
    for (int i = 0; i < 3; i++) {
        Candle c = { .open_time = time_add_ms(q->start, i * MS_PER_HOUR),
                     .open = 42283.58 + i,
                     .high = 42554.57 + i,
                     .low = 42261.02,
                     .close = 42475.23,
                     .volume = 1271.68108,
                     .flags = i == 2 ? CANDLE_SYNTHETIC : 0 };
        candles_push(&page->candles, &c);
    }
    return 0;
}

static int run_save(void *role, Ctx *cx, const void *in, void *out) {
    const DemoSave *save = in;
    DemoSaved *saved = out;
    int e = enter(role, cx);
    if (e)
        return e;
    *saved = (DemoSaved){ save->dry_run ? 0 : (int64_t)save->candles.n, time_ms(save->candles.open_ms[0]) };
    return 0;
}

static int run_plan(void *role, Ctx *cx, const void *in, void *out) {
    int e = enter(role, cx);
    if (!e)
        *(DemoPlan *)out = *(const DemoPlan *)in;
    return e;
}

static int run_job(void *role, Ctx *cx, const void *in, void *out) {
    int e = enter(role, cx);
    if (!e)
        *(DemoJob *)out = *(const DemoJob *)in;
    return e;
}

static int run_active(void *role, Ctx *cx, const void *in, void *out) {
    UNUSED(in);
    *(DemoJob *)out = (DemoJob){ .id = S("active"), .force = true };
    return enter(role, cx);
}

static int run_delete(void *role, Ctx *cx, const void *in, void *out) {
    UNUSED(in);
    UNUSED(out);
    return enter(role, cx);
}

static int run_chart(void *role, Ctx *cx, const void *in, void *out) {
    UNUSED(in);
    *(RawBody *)out = (RawBody){ .media = S("image/svg+xml"), .bytes = S("<svg>\xff\0</svg>") };
    return enter(role, cx);
}

const Op op_demo_candles = { .name = "demo.candles",
                             .method = "GET",
                             .path = "/api/v1/demo/candles",
                             .aliases = LISTED("/market-data/ohlcv", "/market-data/{exchange}/{symbol}/ohlcv"),
                             .summary = "Candles of a series",
                             .doc = "Half-open range: start <= open time < end.",
                             .tag = "Demo data",
                             .in = &demo_query,
                             .out = &demo_page,
                             .role = ROLE_READ,
                             .lane = LANE_CPU,
                             .cache = CACHE_OHLCV,
                             .deadline_ms = 2000,
                             .idempotent = true,
                             .csv = true,
                             .run = run_candles };
const Op op_demo_save = { .name = "demo.save",
                          .method = "POST",
                          .path = "/api/v1/demo/candles",
                          .summary = "Store candles",
                          .tag = "Demo data",
                          .in = &demo_save,
                          .out = &demo_saved,
                          .role = ROLE_WRITE,
                          .lane = LANE_IO,
                          .deadline_ms = 10000,
                          .max_body = 1 << 20,
                          .idempotent = true,
                          .csv = true,
                          .run = run_save };
const Op op_demo_plan = { .name = "demo.plan",
                          .method = "PUT",
                          .path = "/api/v1/demo/jobs/{id}/plan",
                          .summary = "Plan a job",
                          .tag = "Demo jobs",
                          .in = &demo_plan,
                          .out = &demo_plan,
                          .role = ROLE_WRITE,
                          .max_body = 1 << 16,
                          .idempotent = true,
                          .run = run_plan };
const Op op_demo_active = { .name = "demo.active",
                            .method = "GET",
                            .path = "/api/v1/demo/jobs/active",
                            .summary = "The job that runs",
                            .tag = "Demo jobs",
                            .out = &demo_job,
                            .role = ROLE_NONE,
                            .idempotent = true,
                            .run = run_active };
const Op op_demo_job = { .name = "demo.job",
                         .method = "GET",
                         .path = "/api/v1/demo/jobs/{id}",
                         .summary = "One job",
                         .tag = "Demo jobs",
                         .in = &demo_job,
                         .out = &demo_job,
                         .role = ROLE_READ,
                         .idempotent = true,
                         .run = run_job };
const Op op_demo_delete = { .name = "demo.delete",
                            .method = "DELETE",
                            .path = "/api/v1/demo/jobs/{id}",
                            .summary = "Delete a job",
                            .tag = "Demo jobs",
                            .in = &demo_job,
                            .role = ROLE_ADMIN,
                            .deprecated = "2026-11-01/2027-11-01",
                            .run = run_delete };

const Op op_demo_chart = { .name = "demo.chart",
                           .method = "GET",
                           .path = "/api/v1/demo/chart",
                           .summary = "A picture",
                           .tag = "Demo data",
                           .out = &raw_body_shape,
                           .role = ROLE_READ,
                           .idempotent = true,
                           .raw = "image/svg+xml, image/png",
                           .run = run_chart };

const OpTable demo_table = { .role = "demo",
                             .ops =
                                 (const Op *const[]){ &op_demo_candles, &op_demo_save, &op_demo_plan, &op_demo_active,
                                                      &op_demo_job, &op_demo_delete, &op_demo_chart },
                             .n_ops = 7 };
