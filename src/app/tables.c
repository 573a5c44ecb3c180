/* app/tables.c - see tables.h. */

#include "app/tables.h"

#include "api/admin/admin_api.h"
#include "api/backtest/backtest_api.h"
#include "api/batch/batch_api.h"
#include "api/discovery/discovery_api.h"
#include "api/events/events_api.h"
#include "api/inference/inference_api.h"
#include "api/jobs/jobs_api.h"
#include "api/market/market_api.h"
#include "api/models/models_api.h"
#include "api/monitor/monitor_api.h"
#include "api/news/news_api.h"
#include "api/prediction/prediction_api.h"
#include "api/security/security_api.h"
#include "api/sentiment/sentiment_api.h"
#include "api/storage/storage_api.h"
#include "api/webhooks/webhooks_api.h"

const OpTable *const platform_tables[N_PLATFORM_TABLES] = {
    &market_api,  &storage_api,    &backtest_api,  &jobs_api,    &admin_api,     &security_api,
    &monitor_api, &events_api,     &batch_api,     &news_api,    &sentiment_api, &webhooks_api,
    &models_api,  &prediction_api, &inference_api, &training_api
};

void documented_tables(const OpTable *to[static N_DOCUMENTED_TABLES]) {
    memcpy(to, platform_tables, sizeof platform_tables);
    to[N_PLATFORM_TABLES] = &discovery_api;
}
