#pragma once

/* services/cache/change_log.h - what has changed since: decides whether something that was kept may still be told.
 *
 * A reader takes a label before it reads; what it made of the rows of [from, to) of a series is good as long as no change
 * told after the label touches that range. Changes are told before the writer has its answer, so nothing acknowledged is
 * ever missed, and changes elsewhere spoil nothing (CAC-09, CAC-13).
 *
 * What another process kept (the second level outlives this one) carries the series' revision instead of a label. It is
 * good if every change since that revision is known here and none touches its range.
 *
 * A series remembers its last CHANGES_KEPT changes; older questions are answered "no". Revisions that come out of order or
 * with holes make everything kept of the series void. Series are bounded: past the bound all are forgotten at once.
 *
 * One thread, or under the caller's lock. */

#include "base/ctx.h"

enum { CHANGES_KEPT = 32, CHANGE_SERIES_MAX = 4096 };

typedef struct ChangeLog ChangeLog;
ChangeLog *change_log_new(uint64_t seed);
ChangeLog *change_log_free(ChangeLog *l);

typedef struct Change {
    Str series;
    int64_t revision; /* after it; 0 = not told */
    Time from, to;    /* open times touched, [from, to) */
    bool structure;   /* a series came or went: whoever asked without naming one exactly may mean another now */
} Change;
void change_log_note(ChangeLog *l, const Change *c);
/* Something may have changed, nobody knows what: an answer got lost. */
void change_log_doubt(ChangeLog *l, Str series);

uint64_t change_log_label(const ChangeLog *l); /* never 0 */
/* A reader has read the series at this revision. */
void change_log_seen(ChangeLog *l, Str series, int64_t revision);

/* Is what was read after `label` still so? *revision: of the series now (at least 0). An empty series: any at all. */
bool change_log_valid(const ChangeLog *l, Str series, uint64_t label, Time from, Time to, int64_t *revision);
/* The same for what was read at `at` by somebody else. */
bool change_log_valid_at(const ChangeLog *l, Str series, int64_t at, Time from, Time to, int64_t *revision);
bool change_log_knows(const ChangeLog *l, Str series); /* was it seen since it last was in doubt? */
/* The label of the last change of structure: an answer about which series there are is good if it is younger. */
uint64_t change_log_structure(const ChangeLog *l);
