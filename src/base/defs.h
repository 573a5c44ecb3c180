#pragma once

/* base/defs.h - the few macros every file may use.
 *
 * CLEANUP/TAKE/DEFINE_CLEANUP give owners a scope:
 *     CLEANUP(feed_closep) Feed *feed = NULL;   closed on every early return
 *     *out = TAKE(feed);                        moved out on the way to success */

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARRAY_LEN(a)     (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b)        ((a) < (b) ? (a) : (b))
#define MAX(a, b)        ((a) > (b) ? (a) : (b))
#define CLAMP(x, lo, hi) ((x) < (lo) ? (lo) : (x) > (hi) ? (hi) : (x))

#define MUST_CHECK             __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args), nonnull(fmt)))
#define NEVER_NULL             __attribute__((returns_nonnull))
#define NORETURN               __attribute__((noreturn))
#define LIKELY(x)              __builtin_expect(!!(x), 1)
#define UNLIKELY(x)            __builtin_expect(!!(x), 0)
#define UNUSED(x)              ((void)(x))

#define CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#define CLEANUP(fn) __attribute__((cleanup(fn)))
#define TAKE(p)                                                                                                        \
    __extension__({                                                                                                    \
        __typeof__(p) take_ = (p);                                                                                     \
        (p) = NULL;                                                                                                    \
        take_;                                                                                                         \
    })
/* Makes `fn##p`, the form CLEANUP() wants, from a NULL-safe destructor. */
#define DEFINE_CLEANUP(type, fn)                                                                                       \
    static inline void fn##p(type *p) {                                                                                \
        if (*p)                                                                                                        \
            fn(*p);                                                                                                    \
    }
