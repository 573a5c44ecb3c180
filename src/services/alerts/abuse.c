/* services/alerts/abuse.c - see abuse.h. */

#include "services/alerts/abuse.h"

#include "base/hash.h"

typedef struct Source {
    char name[ALERT_LABEL_MAX];
    int64_t at_ns[ABUSE_TIMES]; /* a ring; 0: none yet */
    uint64_t n;
} Source;

struct AbuseWatch {
    uint64_t seed;
    Source rows[ABUSE_ROWS][ABUSE_WAYS];
};

AbuseWatch *abuse_watch_new(uint64_t seed) {
    AbuseWatch *w = mem_new(AbuseWatch);
    w->seed = seed;
    return w;
}

AbuseWatch *abuse_watch_free(AbuseWatch *w) {
    return w ? mem_free(w) : NULL;
}

static int64_t last_of(const Source *s) {
    return s->n ? s->at_ns[(s->n - 1) % ABUSE_TIMES] : INT64_MIN;
}

static Source *place_of(AbuseWatch *w, Str name) {
    Source *row = w->rows[hash64_str(name, w->seed) % ABUSE_ROWS], *oldest = row;
    for (size_t i = 0; i < ABUSE_WAYS; i++) {
        if (str_eq(str_c(row[i].name), name))
            return &row[i];
        if (last_of(&row[i]) < last_of(oldest))
            oldest = &row[i];
    }
    *oldest = (Source){ .n = 0 };
    memcpy(oldest->name, name.p, name.n);
    return oldest;
}

void abuse_failed(AbuseWatch *w, Str source, MonoNs now) {
    if (!source.n)
        return;
    Source *s = place_of(w, str_first(source, ALERT_LABEL_MAX - 1));
    s->at_ns[s->n++ % ABUSE_TIMES] = now.ns;
}

/* Failures within the window, as far as they are remembered. */
static int within(const Source *s, MonoNs now) {
    int n = 0;
    for (uint64_t i = 0; i < MIN(s->n, (uint64_t)ABUSE_TIMES); i++)
        n += now.ns - s->at_ns[i] < ABUSE_WINDOW_MS * NS_PER_MS;
    return n;
}

size_t abuse_samples(const AbuseWatch *w, Arena *a, MonoNs now, AlertSample *out, size_t cap) {
    size_t n = 0;
    for (size_t r = 0; r < ABUSE_ROWS; r++)
        for (size_t i = 0; i < ABUSE_WAYS && n < cap; i++)
            if (within(&w->rows[r][i], now) == ABUSE_TIMES)
                out[n++] = (AlertSample){ SIGNAL_FAILED_LOGINS, str_dup(a, str_c(w->rows[r][i].name)), ABUSE_TIMES };
    return n;
}
