/* api/market/record.c - operations by which a person changes what is stored, with their row in the audit (MDS-44).
 *
 * Saves and collections are not among them: they come by the thousand, and the coverage they leave tells their source.
 * Nor is what only says what it would do. */

#include "api/market/handlers.h"

/* As it was asked for: the row must tell of a series that is not there too. */
static Str series_asked(Ctx *cx, Str exchange, Str symbol, Str timeframe, Str provider) {
    return str_fmt(cx->arena, STR_FMT "%s" STR_FMT ":" STR_FMT "%s" STR_FMT, STR_ARG(exchange), exchange.n ? ":" : "",
                   STR_ARG(symbol), STR_ARG(timeframe), provider.n ? "@" : "", STR_ARG(provider));
}
#define SERIES_ASKED(cx, in) series_asked((cx), (in)->exchange, (in)->symbol, (in)->timeframe, (in)->provider)

int market_api_remove_recorded(void *role, Ctx *cx, const void *in, void *out) {
    Str series = SERIES_ASKED(cx, (const SeriesQuery *)in);
    return market_record(role, cx, "market.remove", series, market_api_remove(role, cx, in, out));
}

int market_api_fill_recorded(void *role, Ctx *cx, const void *in, void *out) {
    const FillRequest *req = in;
    int r = market_api_fill(role, cx, in, out);
    return req->dry_run ? r : market_record(role, cx, "market.fill", SERIES_ASKED(cx, req), r);
}

int market_api_unfill_recorded(void *role, Ctx *cx, const void *in, void *out) {
    Str series = SERIES_ASKED(cx, (const SeriesQuery *)in);
    return market_record(role, cx, "market.unfill", series, market_api_unfill(role, cx, in, out));
}

int market_api_resample_save_recorded(void *role, Ctx *cx, const void *in, void *out) {
    Str series = SERIES_ASKED(cx, (const ResampleRequest *)in);
    return market_record(role, cx, "market.resample", series, market_api_resample_save(role, cx, in, out));
}

int market_api_retention_recorded(void *role, Ctx *cx, const void *in, void *out) {
    const RetentionRequest *req = in;
    int r = market_api_retention(role, cx, in, out);
    return req->apply ? market_record(role, cx, "market.retention", req->rules, r) : r;
}

int market_api_put_actions_recorded(void *role, Ctx *cx, const void *in, void *out) {
    const ActionsPut *req = in;
    const ActionRow *rows = req->actions.v;
    Str subject = req->actions.n ? rows[0].instrument : (Str){ 0 };
    if (req->actions.n > 1)
        subject = str_fmt(cx->arena, STR_FMT " and %zu more", STR_ARG(subject), req->actions.n - 1);
    return market_record(role, cx, req->remove ? "market.actions.remove" : "market.actions", subject,
                         market_api_put_actions(role, cx, in, out));
}
