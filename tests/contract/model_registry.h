#pragma once

/* tests/contract/model_registry.h - what an adapter gives the suite. */

#include "lib/test.h"
#include "ports/model_registry.h"

typedef struct ModelRegistryMaker {
    const char *name;
    /* dir: a folder of the test's own. One that is shared (a server) may hold what earlier tests made: names of the suite
     * are its own by `stamp`. */
    ModelRegistry *(*open)(TestCtx *t, const char *dir);
    void (*close)(ModelRegistry *r); /* and what open made beside it */
    const char *stamp;               /* part of every name; "" where each registry is fresh */
    bool persistent;                 /* opening the same dir again shows the same */
    bool clears;                     /* it has gc */
    bool never_again;                /* the number of a version that was deleted is not given again (MLflow does) */
} ModelRegistryMaker;
extern const ModelRegistryMaker model_registry_maker;
