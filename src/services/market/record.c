/* services/market/record.c - who changed what; see market.h. */

#include "services/market/internal.h"

int market_record(MarketService *m, Ctx *cx, const AuditRow *what, int r) {
    return job_store_record(m->o.record, cx, what, r);
}
