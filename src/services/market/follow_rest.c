/* services/market/follow_rest.c - what the stream did not say, from REST: see follow.h.
 *
 * A question waits for the venue on the lane, and fetches only; its answer is taken, saved and told by the step that
 * comes after it. So a call that hangs keeps no other series from closing its candles, and what a series is waiting for
 * is decided on one thread. Without a lane the step itself waits. */

#include "services/market/follow_internal.h"

#include "base/vec.h"
#include "core/validate.h"

enum {
    PUBLISHED_MS = 60 * 1000, /* as in ensure.c: what closed so long ago and is not there will not come */
    AGAIN_MAX_MS = 60 * 1000,
    AT_ONCE = 8, /* questions on their way; without a lane those of a step, so that the stream is not kept waiting */
    ASK_ROWS = 5000, /* candles of one question: what is farther back is asked for next */
};

typedef struct AnswerPage {
    Candles rows; /* closed and valid; in the answer's arena */
    Time from, to, closed, at;
} AnswerPage;

typedef struct Answer { /* first the question */
    ListNode node;
    MarketFollow *l;
    size_t series;
    SeriesKey key;
    Time from, to;
    bool more; /* there is more to be asked for behind `to` */
    Arena arena;
    Ctx cx;
    VEC(AnswerPage) pages; /* in the arena */
    int err;
} Answer;

/* --- asking, on the lane --- */

static int keep_page(void *arg, Ctx *cx, const FeedPage *page) {
    Answer *a = arg;
    AnswerPage kept = { .from = page->from, .to = page->to, .closed = page->closed, .at = clock_wall(cx->clock) };
    int r = market_check_simulated(cx, a->l->o.rest, a->key.provider.s[0] != '\0');
    if (r)
        return r;
    candles_init(&kept.rows, &a->arena, page->rows->n);
    for (size_t i = 0; i < page->rows->n; i++) {
        Candle row = candles_get(page->rows, i);
        if (!(row.flags & CANDLE_OPEN) && !(candle_issues(&row, a->key.timeframe) & ISSUE_ERRORS))
            candles_push(&kept.rows, &row);
    }
    vec_push_in(&a->arena, &a->pages, kept);
    return 0;
}

static void ask(void *arg, int lane_err) {
    Answer *a = arg;
    MarketFollow *l = a->l;
    a->err = lane_err;
    if (lane_err)
        err_set(&a->cx, lane_err, "REST was not asked in time");
    else
        a->err = market_feed_collect(l->o.rest, &a->cx, a->key.symbol, a->key.timeframe, a->from, a->to, keep_page, a);
    pthread_mutex_lock(&l->lock);
    list_push_back(&l->answers, &a->node);
    pthread_cond_signal(&l->came);
    pthread_mutex_unlock(&l->lock);
}

static void answer_free(Answer *a) {
    arena_done(&a->arena);
    mem_free(a);
}

/* False: the lane has no room, later then. */
static bool post_question(MarketFollow *l, Ctx *cx, size_t i) {
    FollowSeries *s = &l->v[i];
    Answer *a = mem_new(Answer);
    Time now = timeframe_floor(s->key.timeframe, clock_wall(cx->clock));
    Time most = timeframe_step(s->key.timeframe, s->next, ASK_ROWS);
    *a = (Answer){ .l = l, .series = i, .key = s->key, .from = s->next, .more = time_before(most, now) };
    a->to = a->more ? most : now;
    a->cx = *cx;
    a->cx.arena = &a->arena;
    if (l->o.lane)
        a->cx.cancel = &l->give_up;
    s->asked = true;
    l->n_asked++;
    l->stats.rest_calls++;
    LaneJob job = { .run = ask, .arg = a };
    if (!l->o.lane) {
        ask(a, 0);
    } else if (lane_post(l->o.lane, &job) != 0) {
        s->asked = false;
        l->n_asked--;
        l->stats.rest_calls--;
        answer_free(a);
        return false;
    }
    return true;
}

/* --- answers, in a step --- */

/* Up to where the page says all there will ever be. */
static Time done_by(Timeframe tf, const AnswerPage *page, const Candles *closed) {
    Time settled = timeframe_floor(tf, time_add_ms(page->at, -PUBLISHED_MS));
    Time sure = closed->n ? timeframe_next(tf, time_ms(closed->open_ms[closed->n - 1])) : page->from;
    Time end = page->closed.ms && time_before(page->closed, page->to) ? page->closed : page->to;
    sure = time_before(sure, settled) ? settled : sure;
    return time_before(sure, end) ? sure : end;
}

/* What the stream closed meanwhile is not taken again. */
static int save_page(MarketFollow *l, Ctx *cx, size_t series, const AnswerPage *page) {
    FollowSeries *s = &l->v[series];
    Candles rows;
    SaveResult saved;
    candles_init(&rows, cx->arena, page->rows.n);
    size_t first = candles_lower_bound(&page->rows, s->next);
    candles_append(&rows, &page->rows, first, page->rows.n - first);
    Time done = done_by(s->key.timeframe, page, &rows);
    if (!time_before(s->next, done))
        return 0;
    SaveRequest req = { .key = &s->key,
                        .rows = &rows,
                        .flags = SAVE_DURABLE | SAVE_COVERAGE,
                        .coverage = follow_coverage(l, cx, s->next, done, "rest") };
    int r = candle_store_save(l->o.store, cx, &req, &saved);
    if (r)
        return r;
    MarketFollowEvent *events = arena_new_n(cx->arena, MarketFollowEvent, rows.n);
    for (size_t i = 0; i < rows.n; i++)
        events[i] = (MarketFollowEvent){ series, &s->key, candles_get(&rows, i), true, true, saved.revision };
    l->stats.closed += (int64_t)rows.n;
    l->stats.caught_up += (int64_t)rows.n;
    l->stats.holes += timeframe_count(s->key.timeframe, s->next, done) - (int64_t)rows.n;
    s->next = done;
    follow_publish(l, cx, events, rows.n);
    return 0;
}

/* Pages that came before a failure are good. */
static void take_answer(MarketFollow *l, Ctx *step_cx, Answer *a) {
    FollowSeries *s = &l->v[a->series];
    Ctx cx = *step_cx;
    int r = 0;
    cx.arena = &a->arena;
    for (size_t i = 0; r == 0 && i < a->pages.n; i++)
        r = save_page(l, &cx, a->series, &a->pages.v[i]);
    if (r == 0) {
        r = a->err;
        cx.err = a->cx.err;
    }
    int64_t again = MIN((int64_t)FOLLOW_AGAIN_MS << MIN(s->fails, 10), (int64_t)AGAIN_MAX_MS);
    s->asked = false;
    s->doubt = r != 0 || a->more || time_before(s->next, a->to);
    s->fails = r ? s->fails + 1 : 0;
    s->ask_at = r == 0 && a->more ? 0 : follow_now_ms(&cx) + MAX(again, r < 0 ? cx.err.retry_after_ms : 0);
    if (r == FEED_NO_SYMBOL) {
        s->unknown = true;
        err_set(&cx, ERR_NOT_FOUND, "%s: the venue does not know it", s->key.symbol.s);
    }
    if (r) {
        l->stats.rest_failures++;
        log_failure(l->o.log, &cx, S("live candles could not be caught up"));
    }
    answer_free(a);
}

static void take_answers(MarketFollow *l, Ctx *cx) {
    ListNode came;
    list_init(&came);
    pthread_mutex_lock(&l->lock);
    list_splice(&came, &l->answers);
    pthread_mutex_unlock(&l->lock);
    for (ListNode *n; (n = list_pop_front(&came)); l->n_asked--)
        take_answer(l, cx, LIST_ENTRY(n, Answer, node));
}

int follow_catch_up(MarketFollow *l, Ctx *cx) {
    int r = 0, asked = 0;
    l->stats.behind = 0;
    for (size_t i = 0; i < l->o.n; i++) {
        FollowSeries *s = &l->v[i];
        Time now = clock_wall(cx->clock);
        if (s->unknown || time_before(now, follow_end_of(s)))
            continue;
        if (!time_before(now, time_add_ms(follow_end_of(s), l->grace_ms)))
            s->doubt = true;
        l->stats.behind++;
        bool due = s->doubt && !s->asked && follow_now_ms(cx) >= s->ask_at;
        if (r != 0 || !due || (l->o.lane ? l->n_asked : asked) >= AT_ONCE || !post_question(l, cx, i))
            continue;
        asked++;
        if (!l->o.lane) { /* the candles of one are told before the next is waited for */
            take_answers(l, cx);
            r = ctx_check(cx);
        }
    }
    take_answers(l, cx);
    return r;
}

/* --- life --- */

void follow_rest_init(MarketFollow *l) {
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->came, NULL);
    list_init(&l->answers);
}

void follow_rest_done(MarketFollow *l) {
    atomic_store(&l->give_up, true);
    pthread_mutex_lock(&l->lock);
    for (; l->n_asked > 0; l->n_asked--) {
        while (list_empty(&l->answers))
            pthread_cond_wait(&l->came, &l->lock);
        answer_free(LIST_ENTRY(list_pop_front(&l->answers), Answer, node));
    }
    pthread_mutex_unlock(&l->lock);
    pthread_cond_destroy(&l->came);
    pthread_mutex_destroy(&l->lock);
}
