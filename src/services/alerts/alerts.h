#pragma once

/* services/alerts/alerts.h - the evaluator as a service: what is measured comes in, alerts are raised and told.
 *
 * Threads: alerts_round by one at a time; the others from any. */

#include "services/alerts/deliver.h"

typedef struct AlertService AlertService;

typedef struct AlertServiceOptions { /* borrowed */
    const AlertRoute *routes;        /* copied; without one every alert goes to every receiver */
    size_t n_routes;
    DeliveriesOptions deliver;
} AlertServiceOptions;

/* 0, or ERR_USAGE: a route to a receiver that is none. */
int alerts_new(Ctx *cx, const AlertServiceOptions *o, AlertService **out);
AlertService *alerts_free(AlertService *s);

/* One evaluation, then the deliveries that are due. */
void alerts_round(AlertService *s, Ctx *cx, const AlertSample *v, size_t n);

/* Copies: firing first, then pending, then resolved. */
size_t alerts_list(AlertService *s, Arena *a, Alert **out);
size_t alerts_silences(AlertService *s, Arena *a, Silence **out);
int alerts_silence(AlertService *s, Ctx *cx, Silence *silence); /* sets its id */
int alerts_unsilence(AlertService *s, Ctx *cx, uint64_t id);
