#pragma once

/* services/alerts/deliver.h - takes notices to their receivers: bounded, repeated where that can help, counted.
 *
 * A receiver is NAME=KIND:URL. KIND webhook (Alertmanager's form, version 4), alertmanager (its API v2; the URL of the
 * server), slack (an incoming webhook), mail (smtp://[user:password@]HOST[:PORT]/FROM/TO[,TO]).
 * Threads: one at a time. */

#include "base/log.h"
#include "base/metrics.h"
#include "ports/http_client.h"
#include "ports/mailer.h"
#include "services/alerts/route.h"

enum { RECEIVERS_MAX = 16, DELIVERIES_MAX = 64 };

typedef enum ReceiverKind { RECEIVER_WEBHOOK, RECEIVER_ALERTMANAGER, RECEIVER_SLACK, RECEIVER_MAIL } ReceiverKind;

typedef struct Receiver {
    char name[RECEIVER_NAME_MAX];
    ReceiverKind kind;
    Str url, from, to; /* borrowed from the text */
} Receiver;

/* 0 or ERR_USAGE with words that do not tell the URL: it may be a secret. */
int receiver_parse(Ctx *cx, Str text, Receiver *out);

typedef struct Deliveries Deliveries;

typedef struct DeliveriesOptions { /* borrowed */
    const Receiver *receivers;     /* copied */
    size_t n_receivers;
    HttpClient *http;
    Mailer *mailer;
    Metrics *metrics;
    Logger *log;
    Ids *ids;
    Str external_url; /* where the alerts can be looked at; told in notices */
} DeliveriesOptions;

Deliveries *deliveries_new(const DeliveriesOptions *o);
Deliveries *deliveries_free(Deliveries *d);
bool deliveries_know(const Deliveries *d, const char *receiver);
/* Renders the notice and queues it; the oldest goes when there is no room, and is counted. */
void deliveries_add(Deliveries *d, Ctx *cx, const Notice *n);
/* Delivers what is due, within cx's deadline. */
void deliveries_run(Deliveries *d, Ctx *cx);
size_t deliveries_waiting(const Deliveries *d);
