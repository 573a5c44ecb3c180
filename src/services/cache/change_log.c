/* services/cache/change_log.c - see change_log.h. */

#include "services/cache/change_log.h"

#include "base/map.h"

typedef struct Kept {
    uint64_t at; /* label: the count of changes when it was told */
    int64_t revision;
    Time from, to;
} Kept;

typedef struct SeriesLog {
    Kept ring[CHANGES_KEPT];
    size_t first, n;
    uint64_t floor_at;      /* what was labelled before is void */
    int64_t floor_revision; /* and what was read at less */
    int64_t revision;       /* the last known; -1 = none */
    size_t text_n;
    char text[];
} SeriesLog;

struct ChangeLog {
    Map series;
    uint64_t at;           /* changes told */
    uint64_t structure_at; /* the last that was one of structure */
    uint64_t forgotten_at; /* when all series were forgotten */
};

ChangeLog *change_log_new(uint64_t seed) {
    ChangeLog *l = mem_new(ChangeLog);
    map_init(&l->series, seed);
    l->at = 1;
    return l;
}

static void forget_all(ChangeLog *l) {
    MapEntry e;
    for (size_t i = 0; map_next(&l->series, &i, &e);)
        mem_free(e.value);
    map_clear(&l->series);
    l->forgotten_at = l->at;
}

ChangeLog *change_log_free(ChangeLog *l) {
    if (!l)
        return NULL;
    forget_all(l);
    map_done(&l->series);
    return mem_free(l);
}

static SeriesLog *series_of(ChangeLog *l, Str text) {
    SeriesLog *s = map_get(&l->series, text);
    if (s)
        return s;
    if (l->series.n >= CHANGE_SERIES_MAX)
        forget_all(l);
    s = mem_zalloc(sizeof *s + text.n);
    s->revision = -1;
    s->floor_at = l->forgotten_at;
    s->text_n = text.n;
    if (text.n)
        memcpy(s->text, text.p, text.n);
    map_put(&l->series, str_n(s->text, s->text_n), s);
    return s;
}

/* Everything kept of the series so far is void. */
static void void_all(ChangeLog *l, SeriesLog *s) {
    s->n = 0;
    s->floor_at = l->at;
    s->floor_revision = MAX(s->revision, 0);
}

static void keep(SeriesLog *s, Kept k) {
    if (s->n == CHANGES_KEPT) {
        const Kept *oldest = &s->ring[s->first];
        s->floor_at = MAX(s->floor_at, oldest->at);
        s->floor_revision = MAX(s->floor_revision, oldest->revision);
        s->first = (s->first + 1) % CHANGES_KEPT;
        s->n--;
    }
    s->ring[(s->first + s->n++) % CHANGES_KEPT] = k;
}

void change_log_note(ChangeLog *l, const Change *c) {
    SeriesLog *s = series_of(l, c->series);
    l->at++;
    if (c->structure)
        l->structure_at = l->at;
    bool next = c->revision > 0 && s->revision >= 0 && c->revision == s->revision + 1;
    if (!next) {
        s->revision = c->revision > 0 ? MAX(s->revision, c->revision) : -1;
        void_all(l, s);
        return;
    }
    s->revision = c->revision;
    keep(s, (Kept){ l->at, c->revision, c->from, c->to });
}

void change_log_doubt(ChangeLog *l, Str series) {
    change_log_note(l, &(Change){ .series = series, .structure = true });
}

uint64_t change_log_label(const ChangeLog *l) {
    return l->at;
}

/* A revision beyond the last one told is one whose telling is under way: it will come. */
void change_log_seen(ChangeLog *l, Str series, int64_t revision) {
    SeriesLog *s = series_of(l, series);
    if (s->revision >= 0)
        return;
    s->revision = revision;
    s->floor_revision = revision;
}

static bool meets(const Kept *k, Time from, Time to) {
    return k->from.ms < to.ms && from.ms < k->to.ms;
}

bool change_log_valid(const ChangeLog *l, Str series, uint64_t label, Time from, Time to, int64_t *revision) {
    *revision = 0;
    if (label < l->structure_at)
        return false;
    if (series.n == 0)
        return label == l->at;
    const SeriesLog *s = map_get(&l->series, series);
    if (!s)
        return label >= l->forgotten_at;
    if (label < s->floor_at)
        return false;
    for (size_t i = 0; i < s->n; i++) {
        const Kept *k = &s->ring[(s->first + i) % CHANGES_KEPT];
        if (k->at > label && meets(k, from, to))
            return false;
    }
    *revision = MAX(s->revision, 0);
    return true;
}

bool change_log_valid_at(const ChangeLog *l, Str series, int64_t at, Time from, Time to, int64_t *revision) {
    const SeriesLog *s = series.n ? map_get(&l->series, series) : NULL;
    if (!s || s->revision < 0 || at < s->floor_revision || at > s->revision)
        return false;
    for (size_t i = 0; i < s->n; i++) {
        const Kept *k = &s->ring[(s->first + i) % CHANGES_KEPT];
        if (k->revision > at && meets(k, from, to))
            return false;
    }
    *revision = s->revision;
    return true;
}

bool change_log_knows(const ChangeLog *l, Str series) {
    const SeriesLog *s = map_get(&l->series, series);
    return s && s->revision >= 0;
}

uint64_t change_log_structure(const ChangeLog *l) {
    return l->structure_at;
}
