/* services/market/record.c - who changed what; see market.h. */

#include "services/market/internal.h"

int market_record(MarketService *m, Ctx *cx, const char *action, Str subject, int r) {
    if (!m->o.record)
        return r;
    AuditRow row = { .at = clock_wall(cx->clock),
                     .who = cx->principal.id.n ? cx->principal.id : S("local"),
                     .action = str_c(action),
                     .subject = subject,
                     .outcome = r == 0 ? S("ok") : str_c(err_info(r)->name),
                     .request_id = cx->trace.request_id };
    Ctx quiet = *cx;
    int written = job_store_audit_add(m->o.record, &quiet, &row);
    if (r == 0 && written < 0)
        cx->err = quiet.err;
    return r ? r : written;
}
