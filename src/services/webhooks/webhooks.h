#pragma once

/* services/webhooks/webhooks.h - calls back who asked for something that takes long, when it is over (MSG-38).
 *
 * A callback is armed for one run of a job. When the run is over, a POST goes to its URL, signed, and is tried again with
 * the profile's back-off until it is answered 2xx, or dead: after the last try, or at once by 410 Gone. All of it lies in the
 * job store: a restart forgets no callback and no try. A delivery may come twice (a kill between the answer and its
 * record); receivers tell by X-FinSight-Delivery.
 *
 *   X-FinSight-Event: job.finished
 *   X-FinSight-Delivery: the callback's id, the same in every try
 *   X-FinSight-Attempt: 1, 2 …
 *   X-FinSight-Signature: t=UNIX_SECONDS,v1=HEX   HMAC-SHA-256 of "UNIX_SECONDS.BODY" under the secret
 *
 * A receiver computes the same over the bytes it got, compares in constant time, and refuses a t that is minutes away: so
 * nobody can make one up, and nobody can send an old one again.
 * URLs pass the SSRF guard of ports/http_client.h, names at the moment of connecting too; redirects are not followed.
 *
 * Threads: webhooks_run by one at a time, everything else by any. */

#include "base/log.h"
#include "base/rng.h"
#include "policy/retry.h"
#include "ports/http_client.h"
#include "ports/job_store.h"

typedef struct Webhooks Webhooks;

enum { WEBHOOK_SIGNATURE_MAX = 96, WEBHOOK_URL_MAX = 2048, WEBHOOKS_KEPT = 10000, WEBHOOKS_ARMED_MAX = 10000 };

typedef struct WebhooksOptions {
    JobStore *store; /* borrowed, as all of these */
    HttpClient *http;
    Clock *clock;
    Ids *ids;
    Logger *log;
    Str secret; /* copied; not empty */
    const RetryProfile *retry;
    int64_t timeout_ms;      /* of one try; 0 = 10,000 */
    bool allow_private;      /* may call loopback and private addresses */
    void (*wake)(void *arg); /* run soon; any thread. May be NULL */
    void *wake_arg;
} WebhooksOptions;

Webhooks *webhooks_new(const WebhooksOptions *o);
Webhooks *webhooks_free(Webhooks *w); /* NULL is fine */

/* Could it be called at all? ERR_INVALID (field "callback"): no URL, too long, an address that is not public. */
int webhooks_check(Webhooks *w, Ctx *cx, Str url);
/* In the store when it returns. ERR_LIMIT past WEBHOOKS_ARMED_MAX. */
int webhooks_arm(Webhooks *w, Ctx *cx, Str url, Str run, Callback *out);
/* Looks what is over, and calls who is due; *next: when to run again. */
int webhooks_run(Webhooks *w, Ctx *cx, MonoNs *next);
void webhooks_wake(void *webhooks); /* a run may be over */

/* Newest first; state < 0: all. */
int webhooks_list(Webhooks *w, Ctx *cx, int state, size_t limit, Callback **out, size_t *n);
int webhooks_get(Webhooks *w, Ctx *cx, Str id, Callback *out); /* ERR_NOT_FOUND */
/* A dead or delivered one is due again, with all its tries. ERR_NOT_FOUND, ERR_CONFLICT. */
int webhooks_again(Webhooks *w, Ctx *cx, Str id, Callback *out);

/* "t=…,v1=…". */
Str webhook_sign(Str secret, Time now, Str body, char out[static WEBHOOK_SIGNATURE_MAX]);
