#pragma once

/* ports/model_source.h - trained forecasters for a service that serves them and does not keep them.
 *
 * Services do not know each other. Who serves forecasts asks this port; app/ puts the registry of models behind it
 * (services/models/registry.h).
 *
 * Memory: results lie in cx->arena.  Threads: calls may come from any thread. */

#include "base/ctx.h"

typedef struct ModelSource ModelSource;

enum { MODEL_NONE = 1 };

typedef struct ServableModel {
    Str name, version; /* "btc-1h", "3" */
    Str sha256;        /* of its bytes; empty: not known. Two versions with the same bytes are two versions */
    Str kind;          /* "dlinear", "ensemble" */
    double val_mse, val_naive_mse; /* NaN: not known */
    bool beats_naive;
} ServableModel;

typedef struct ModelSourceOps {
    const char *name;
    /* All required. "NAME", "NAME/VERSION", "NAME@ALIAS": 0, MODEL_NONE, ErrCode. */
    int (*resolve)(ModelSource *s, Ctx *cx, Str ref, ServableModel *out);
    /* Versions of a name that may stand in for one another, the newest first. *n 0: there are none. */
    int (*versions)(ModelSource *s, Ctx *cx, Str name, ServableModel **out, size_t *n);
    /* One of each name that was taught on the series ("BTCUSDT 1h"): what is served of it; the best on validation first. */
    int (*models)(ModelSource *s, Ctx *cx, Str series, ServableModel **out, size_t *n);
    /* Its bytes, for artifact_read. ERR_CORRUPT: not those that were registered. */
    int (*load)(ModelSource *s, Ctx *cx, const ServableModel *m, Str *bytes);
} ModelSourceOps;

struct ModelSource {
    const ModelSourceOps *ops;
};

static inline int model_source_resolve(ModelSource *s, Ctx *cx, Str ref, ServableModel *out) {
    *out = (ServableModel){ 0 };
    int r = ctx_check(cx);
    return r ? r : s->ops->resolve(s, cx, ref, out);
}
static inline int model_source_versions(ModelSource *s, Ctx *cx, Str name, ServableModel **out, size_t *n) {
    *n = 0;
    int r = ctx_check(cx);
    return r ? r : s->ops->versions(s, cx, name, out, n);
}
static inline int model_source_models(ModelSource *s, Ctx *cx, Str series, ServableModel **out, size_t *n) {
    *n = 0;
    int r = ctx_check(cx);
    return r ? r : s->ops->models(s, cx, series, out, n);
}
static inline int model_source_load(ModelSource *s, Ctx *cx, const ServableModel *m, Str *bytes) {
    int r = ctx_check(cx);
    return r ? r : s->ops->load(s, cx, m, bytes);
}
