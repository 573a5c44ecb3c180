/* api/market/record.c - operations by which a client changes what is stored, with their row in the audit (MDS-44): one row a
 * request, with the number of candles, never one a candle.
 *
 * Not recorded is what only says what it would do, and an ensure that found everything there: nothing was changed. What
 * saves and collects by the thousand is written but not synced by itself (AuditRow.often); the coverage tells its source
 * as well. Schedules and followers are no clients: jobs have their runs, the log has the rest. */

#include "api/market/handlers.h"

/* As it was asked for: the row must tell of a series that is not there too. */
static Str series_asked(Ctx *cx, Str exchange, Str symbol, Str timeframe, Str provider) {
    return str_fmt(cx->arena, STR_FMT "%s" STR_FMT ":" STR_FMT "%s" STR_FMT, STR_ARG(exchange), exchange.n ? ":" : "",
                   STR_ARG(symbol), STR_ARG(timeframe), provider.n ? "@" : "", STR_ARG(provider));
}
#define SERIES_ASKED(cx, in) series_asked((cx), (in)->exchange, (in)->symbol, (in)->timeframe, (in)->provider)

int market_api_save_recorded(void *role, Ctx *cx, const void *in_, void *out_) {
    const OHLCVSave *in = in_;
    const SaveResponse *out = out_;
    AuditRow row = { .action = S("market.save"), .subject = SERIES_ASKED(cx, in), .often = true };
    int r = market_api_save(role, cx, in_, out_);
    row.rows = r == 0 ? out->inserted + out->updated : 0;
    return market_record(role, cx, &row, r);
}

int market_api_ensure_recorded(void *role, Ctx *cx, const void *in_, void *out_) {
    const DataEnsureRequest *in = in_;
    const DataEnsureResponse *out = out_;
    AuditRow row = { .action = S("market.ensure"),
                     .subject = series_asked(cx, in->exchange, in->symbol, in->timeframe, (Str){ 0 }),
                     .often = true };
    int r = market_api_ensure(role, cx, in_, out_);
    if (r == 0 && !out->fetched)
        return 0;
    row.rows = r == 0 ? out->inserted + out->updated : 0;
    return market_record(role, cx, &row, r);
}

int market_api_remove_recorded(void *role, Ctx *cx, const void *in, void *out) {
    AuditRow row = { .action = S("market.remove"), .subject = SERIES_ASKED(cx, (const SeriesQuery *)in) };
    int r = market_api_remove(role, cx, in, out);
    row.rows = r == 0 ? ((const RemoveResponse *)out)->removed : 0;
    return market_record(role, cx, &row, r);
}

int market_api_fill_recorded(void *role, Ctx *cx, const void *in, void *out) {
    const FillRequest *req = in;
    AuditRow row = { .action = S("market.fill"), .subject = SERIES_ASKED(cx, req) };
    int r = market_api_fill(role, cx, in, out);
    row.rows = r == 0 ? ((const FillResponse *)out)->filled : 0;
    return req->dry_run ? r : market_record(role, cx, &row, r);
}

int market_api_unfill_recorded(void *role, Ctx *cx, const void *in, void *out) {
    AuditRow row = { .action = S("market.unfill"), .subject = SERIES_ASKED(cx, (const SeriesQuery *)in) };
    int r = market_api_unfill(role, cx, in, out);
    row.rows = r == 0 ? ((const RemoveResponse *)out)->removed : 0;
    return market_record(role, cx, &row, r);
}

int market_api_resample_save_recorded(void *role, Ctx *cx, const void *in, void *out) {
    AuditRow row = { .action = S("market.resample"), .subject = SERIES_ASKED(cx, (const ResampleRequest *)in) };
    int r = market_api_resample_save(role, cx, in, out);
    row.rows = r == 0 ? ((const SaveResponse *)out)->inserted + ((const SaveResponse *)out)->updated : 0;
    return market_record(role, cx, &row, r);
}

int market_api_retention_recorded(void *role, Ctx *cx, const void *in, void *out) {
    const RetentionRequest *req = in;
    AuditRow row = { .action = S("market.retention"), .subject = req->rules };
    int r = market_api_retention(role, cx, in, out);
    row.rows = r == 0 ? ((const RetentionReport *)out)->removed : 0;
    return req->apply ? market_record(role, cx, &row, r) : r;
}

int market_api_put_actions_recorded(void *role, Ctx *cx, const void *in, void *out) {
    const ActionsPut *req = in;
    const ActionRow *actions = req->actions.v;
    Str subject = req->actions.n ? actions[0].instrument : (Str){ 0 };
    if (req->actions.n > 1)
        subject = str_fmt(cx->arena, STR_FMT " and %zu more", STR_ARG(subject), req->actions.n - 1);
    AuditRow row = { .action = req->remove ? S("market.actions.remove") : S("market.actions"),
                     .subject = subject,
                     .rows = (int64_t)req->actions.n };
    return market_record(role, cx, &row, market_api_put_actions(role, cx, in, out));
}
