#pragma once

/* tests/fuzz/fuzz.h - a property that must hold for every input; stays on whatever the build. */

#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>

#define MUST(cond)                                                                                                     \
    do {                                                                                                               \
        if (!(cond)) {                                                                                                 \
            fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #cond);                                   \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
