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

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Each argument is evaluated once; the names are numbered so that one may stand inside another. */
#define MIN(a, b)          PICK_(<, a, b, __COUNTER__)
#define MAX(a, b)          PICK_(>, a, b, __COUNTER__)
#define CLAMP(x, lo, hi)   CLAMP_(x, lo, hi, __COUNTER__)
#define PICK_(op, a, b, n) PICK_AS_(op, a, b, n)
#define PICK_AS_(op, a, b, n)                                                                                          \
    __extension__({                                                                                                    \
        __typeof__((a) + 0) pick_a##n = (a);                                                                           \
        __typeof__((b) + 0) pick_b##n = (b);                                                                           \
        pick_a##n op pick_b##n ? pick_a##n : pick_b##n;                                                                \
    })
#define CLAMP_(x, lo, hi, n) CLAMP_AS_(x, lo, hi, n)
#define CLAMP_AS_(x, lo, hi, n)                                                                                        \
    __extension__({                                                                                                    \
        __typeof__((x) + 0) clamp_x##n = (x);                                                                          \
        __typeof__((lo) + 0) clamp_lo##n = (lo);                                                                       \
        __typeof__((hi) + 0) clamp_hi##n = (hi);                                                                       \
        clamp_x##n<clamp_lo##n ? clamp_lo##n : clamp_x##n> clamp_hi##n ? clamp_hi##n : clamp_x##n;                     \
    })

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
