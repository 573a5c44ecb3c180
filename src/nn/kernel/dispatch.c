/* nn/kernel/dispatch.c - which kernels this machine runs. The compiler's cpuid check also asks whether the system saves
 * the wide registers. */

#include "nn/kernel/kernels.h"

#include <string.h>

static bool runs_avx2(void) {
#if defined(__x86_64__)
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
    return false;
#endif
}

static bool runs_avx512(void) {
#if defined(__x86_64__)
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#else
    return false;
#endif
}

const NnKernels *nn_kernels_at(size_t i) {
    const NnKernels *v[4] = { &nn_kernels_plain, &nn_kernels_sse2 };
    size_t n = 2;
#if defined(__x86_64__)
    if (runs_avx2())
        v[n++] = &nn_kernels_avx2;
    if (runs_avx512())
        v[n++] = &nn_kernels_avx512;
#else
    UNUSED(runs_avx2);
    UNUSED(runs_avx512);
#endif
    return i < n ? v[i] : NULL;
}

const NnKernels *nn_kernels_best(void) {
    size_t n = 0;
    while (nn_kernels_at(n + 1))
        n++;
    return nn_kernels_at(n);
}

const NnKernels *nn_kernels_by_name(const char *name) {
    for (size_t i = 0; nn_kernels_at(i); i++)
        if (strcmp(nn_kernels_at(i)->name, name) == 0)
            return nn_kernels_at(i);
#if defined(__x86_64__)
    if (runs_avx512() && __builtin_cpu_supports("avx512bf16") && strcmp(name, nn_kernels_avx512bf16.name) == 0)
        return &nn_kernels_avx512bf16;
#endif
    return NULL;
}
