#pragma once

/* services/alerts/payload.h - one notice in the forms of those who are told: Alertmanager's webhook (version 4) and its
 * API v2, Slack's incoming webhook, and a mail. Pure. */

#include "base/json.h"
#include "services/alerts/route.h"

void payload_webhook(JsonWriter *w, const Notice *n, Str external_url);
/* An array for POST /api/v2/alerts. What fires ends, unless it is told again, at `until`. */
void payload_alertmanager(JsonWriter *w, const Notice *n, Str external_url, Time until);
void payload_slack(JsonWriter *w, const Notice *n);
/* RFC 5322: header and text, ASCII, CRLF. */
void payload_mail(Buf *out, const Notice *n, Str from, Str to, Time now, uint64_t id);
