/* core/gap.c - see gap.h. */

#include "core/gap.h"

#include "base/vec.h"

#include <stdarg.h>
#include <stdio.h>

const char *gap_class_name(GapClass cls) {
    static const char *const names[] = { "unknown", "no-trade", "venue-down", "market-closed", "not-fetched" };
    assert((size_t)cls < ARRAY_LEN(names));
    return names[cls];
}

static PRINTF_LIKE(3, 4) void gap_set(Gap *gap, GapClass cls, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    vsnprintf(gap->evidence, sizeof gap->evidence, fmt, args);
    va_end(args);
    gap->cls = cls;
}

/* --- finding --- */

/* Distance of two open times up to which their grid cells are the same or neighbours. */
static int64_t no_gap_within_ms(Timeframe tf) {
    return tf.unit == UNIT_MONTH ? tf.n * INT64_C(28) * MS_PER_DAY : timeframe_ms(tf);
}

int64_t gaps_find_next(const Candles *cs, Timeframe tf, bool skip_synthetic, Arena *arena, Time *last, GapList *out) {
    int64_t missing = 0, close_ms = no_gap_within_ms(tf);
    for (size_t i = 0; i < cs->n; i++) {
        if (skip_synthetic && (cs->flags[i] & CANDLE_SYNTHETIC))
            continue;
        Time before = *last, here = time_ms(cs->open_ms[i]);
        *last = here;
        int64_t distance;
        if (before.ms == TIME_MIN.ms ||
            (!__builtin_sub_overflow(here.ms, before.ms, &distance) && distance <= close_ms))
            continue;
        Gap gap = { .from = timeframe_next(tf, before), .to = timeframe_floor(tf, here) };
        gap.missing = timeframe_count(tf, gap.from, gap.to);
        if (gap.missing == 0)
            continue;
        gap_set(&gap, GAP_UNKNOWN, "not examined yet");
        missing += gap.missing;
        vec_push_in(arena, out, gap);
    }
    return missing;
}

int64_t gaps_find(const Candles *cs, Timeframe tf, bool skip_synthetic, Arena *arena, GapList *out) {
    Time last = TIME_MIN;
    return gaps_find_next(cs, tf, skip_synthetic, arena, &last, out);
}

/* --- sessions --- */

static void push_piece(GapList *out, Arena *arena, Timeframe tf, Time from, Time to, int64_t *missing) {
    Gap piece = { .from = from, .to = to, .missing = timeframe_count(tf, from, to) };
    gap_set(&piece, GAP_UNKNOWN, "not examined yet");
    *missing += piece.missing;
    vec_push_in(arena, out, piece);
}

/* Walks from session to session; sessions whose candles touch make one piece. */
static int64_t split_one(const Gap *gap, Timeframe tf, const Calendar *cal, bool keep_closed, Arena *arena,
                         GapList *out) {
    int64_t closed = 0, open = 0;
    CalendarSpan span;
    Time at = gap->from; /* [gap->from, at) is in the list */
    Time piece = at, piece_end = at;
    while (time_before(at, gap->to)) {
        bool more = calendar_span(cal, at, &span) && time_before(span.open, gap->to);
        Time from = more ? timeframe_floor(tf, span.open) : gap->to;
        if (time_before(from, at))
            from = at;
        if (time_before(piece_end, from)) { /* the market was closed in between */
            if (time_before(piece, piece_end))
                push_piece(out, arena, tf, piece, piece_end, &open);
            if (keep_closed)
                push_piece(out, arena, tf, piece_end, from, &closed);
            else
                closed += timeframe_count(tf, piece_end, from);
            piece = from;
        }
        if (!more) {
            piece_end = piece = gap->to;
            break;
        }
        at = timeframe_next(tf, time_ms(span.close.ms - 1));
        if (time_before(gap->to, at))
            at = gap->to;
        piece_end = at;
    }
    if (time_before(piece, piece_end))
        push_piece(out, arena, tf, piece, piece_end, &open);
    return closed;
}

int64_t gaps_split(GapList *gaps, size_t first, Timeframe tf, const Calendar *cal, bool keep_closed, Arena *arena) {
    GapList pieces = { 0 };
    int64_t closed = 0;
    for (size_t i = first; i < gaps->n; i++)
        closed += split_one(&gaps->v[i], tf, cal, keep_closed, arena, &pieces);
    gaps->n = first;
    for (size_t i = 0; i < pieces.n; i++)
        vec_push_in(arena, gaps, pieces.v[i]);
    return closed;
}

/* --- classifying --- */

typedef struct GapCover {
    int64_t covered;      /* of the missing grid times, those inside a window */
    const Coverage *last; /* the newest answer that speaks of the gap; NULL if none touches it */
} GapCover;

static GapCover gap_cover(const Gap *gap, Timeframe tf, const GapEvidence *ev) {
    GapCover cover = { 0 };
    Time seen = gap->from; /* windows ascend by start: everything before it is counted */
    for (size_t i = 0; i < ev->n_cover; i++) {
        const Coverage *window = &ev->cover[i];
        if (!time_before(window->from, gap->to) || !time_before(gap->from, window->to))
            continue;
        if (!cover.last || window->fetched_at.ms >= cover.last->fetched_at.ms)
            cover.last = window;
        Time from = time_before(seen, window->from) ? window->from : seen;
        Time to = time_before(window->to, gap->to) ? window->to : gap->to;
        cover.covered += timeframe_count(tf, from, to);
        if (time_before(seen, to))
            seen = to;
    }
    return cover;
}

/* Real candles of a peer inside the gap; -1 when the peer does not reach over both ends of it. */
static int64_t peer_candles(const Candles *peer, const Gap *gap) {
    size_t first = candles_lower_bound(peer, gap->from), end = candles_lower_bound(peer, gap->to);
    if (first == 0 || end == peer->n)
        return -1;
    int64_t n = 0;
    for (size_t i = first; i < end; i++)
        n += !(peer->flags[i] & CANDLE_SYNTHETIC);
    return n;
}

static void classify_by_peers(Gap *gap, const GapEvidence *ev, const Coverage *asked) {
    size_t n_telling = 0;
    const Symbol *silent = NULL;
    for (size_t i = 0; i < ev->n_peers; i++) {
        int64_t n = peer_candles(&ev->peers[i], gap);
        if (n > 0) {
            gap_set(gap, GAP_NO_TRADE, "%s answered without it; %s has %lld of the %lld candles", asked->source,
                    ev->peer_symbols[i].s, (long long)n, (long long)gap->missing);
            return;
        }
        if (n == 0) {
            n_telling++;
            silent = &ev->peer_symbols[i];
        }
    }
    if (n_telling == 1)
        gap_set(gap, GAP_VENUE_DOWN, "%s answered without it; %s, the only peer known, misses it too", asked->source,
                silent->s);
    else if (n_telling > 1)
        gap_set(gap, GAP_VENUE_DOWN, "%s answered without it; all %zu peers known miss it too, %s among them",
                asked->source, n_telling, silent->s);
    else if (ev->n_peers > 0)
        gap_set(gap, GAP_UNKNOWN, "%s answered without it; no peer has candles on both sides of it", asked->source);
    else
        gap_set(gap, GAP_UNKNOWN, "%s answered without it; no other symbol of the venue to compare with",
                asked->source);
}

static void gap_classify(Gap *gap, Timeframe tf, const GapEvidence *ev) {
    if (ev->calendar && !calendar_open_between(ev->calendar, gap->from, gap->to)) {
        gap_set(gap, GAP_MARKET_CLOSED, "outside the sessions of calendar %s", ev->calendar->name);
        return;
    }
    if (!ev->cover_known) {
        gap_set(gap, GAP_UNKNOWN, "no record of what was fetched for this series");
        return;
    }
    GapCover cover = gap_cover(gap, tf, ev);
    if (!cover.last) {
        gap_set(gap, GAP_NOT_FETCHED, "no fetch ever asked for this time");
        return;
    }
    if (cover.covered < gap->missing) {
        gap_set(gap, GAP_UNKNOWN, "fetched in part: %lld of %lld missing candles were asked for",
                (long long)cover.covered, (long long)gap->missing);
        return;
    }
    classify_by_peers(gap, ev, cover.last);
}

void gaps_classify(GapList *gaps, Timeframe tf, const GapEvidence *ev) {
    for (size_t i = 0; i < gaps->n; i++)
        gap_classify(&gaps->v[i], tf, ev);
}
