/* Intervals that follow the errors on rows as they come: as adaptive conformal over the same origins, and never with an
 * error that could not be seen yet (PRD-18). */

#include "base/rng.h"
#include "forecast/track.h"
#include "test.h"

enum { LOOK_BACK = 5, HORIZON = 3, ROWS = 700 };

typedef struct Made {
    float x[ROWS];
    int64_t time_ms[ROWS];
    size_t n_calls;
} Made;

static void make(Made *m, double late) { /* the second half moves `late` times as much */
    Rng rng;
    rng_seed(&rng, 7);
    *m = (Made){ 0 };
    for (size_t i = 0; i < ROWS; i++) {
        m->time_ms[i] = (int64_t)(i + 1) * MS_PER_HOUR;
        m->x[i] = (float)(rng_normal(&rng) * (i < ROWS / 2 ? 1 : late));
    }
}

static Artifact card(int64_t known_to_ms) {
    return (Artifact){ .shape = { LOOK_BACK, HORIZON, 1, 1, 1 }, .known_to_ms = known_to_ms };
}

/* Zero, always: its errors are the values themselves. */
static int zero(void *arg, Ctx *cx, const WindowBatch *b, float *out) {
    Made *m = arg;
    UNUSED(cx);
    m->n_calls += b->n;
    memset(out, 0, b->n * HORIZON * sizeof *out);
    return 0;
}

TEST(one_by_one_or_at_once_the_widths_are_the_same) {
    TestCtx t;
    test_ctx_init(&t);
    Made m;
    Artifact a = card(MS_PER_HOUR);
    make(&m, 3);
    CLEANUP(tracker_freep) Tracker *whole = NULL, *slow = NULL;
    float f[HORIZON], once[HORIZON], half[HORIZON];
    CHECK_OK(&t.cx, tracker_new(&t.cx, &a, 0.9, &whole));
    CHECK_OK(&t.cx, tracker_new(&t.cx, &a, 0.9, &slow));
    /* the same beginning: calibration ends with the row 400 of both */
    TrackRows rows = { m.x, m.time_ms, 403 };
    CHECK_OK(&t.cx, tracker_follow(whole, &t.cx, &rows, zero, &m, f, once));
    CHECK_OK(&t.cx, tracker_follow(slow, &t.cx, &rows, zero, &m, f, half));
    rows.n = 500;
    CHECK_OK(&t.cx, tracker_follow(whole, &t.cx, &rows, zero, &m, f, once));
    size_t before = m.n_calls;
    for (rows.n = 404; rows.n <= 500; rows.n++)
        CHECK_OK(&t.cx, tracker_follow(slow, &t.cx, &rows, zero, &m, f, half));
    CHECK_EQ(m.n_calls - before, 97); /* a forecast a row: nothing is computed twice */
    for (size_t h = 0; h < HORIZON; h++)
        CHECK_NEAR(half[h], once[h], 0);
    rows.n = 500;
    before = m.n_calls;
    CHECK_OK(&t.cx, tracker_follow(slow, &t.cx, &rows, zero, &m, f, half));
    CHECK_EQ(m.n_calls, before); /* no row came */
    /* six bytes an error of the window, and what is not settled yet: a server keeps one for each series */
    size_t fixed = (TRACK_CALIBRATION + TRACK_FOLLOW) * sizeof(float) + 512;
    CHECK(tracker_bytes(slow) <= fixed + HORIZON * (6 * TRACK_CALIBRATION + 16) + 4 * HORIZON * (HORIZON + 1));
    test_ctx_done(&t);
}

TEST(widths_follow_the_errors) {
    TestCtx t;
    test_ctx_init(&t);
    Made m;
    Artifact a = card(MS_PER_HOUR);
    make(&m, 4);
    CLEANUP(tracker_freep) Tracker *tr = NULL;
    float f[HORIZON], calm[HORIZON], wild[HORIZON];
    size_t inside = 0, n = 0;
    CHECK_OK(&t.cx, tracker_new(&t.cx, &a, 0.9, &tr));
    TrackRows rows = { m.x, m.time_ms, ROWS / 2 };
    CHECK_OK(&t.cx, tracker_follow(tr, &t.cx, &rows, zero, &m, f, calm));
    for (rows.n = ROWS / 2 + 1; rows.n + HORIZON < ROWS; rows.n++) {
        CHECK_OK(&t.cx, tracker_follow(tr, &t.cx, &rows, zero, &m, f, wild));
        if (rows.n > ROWS / 2 + 100) {
            inside += fabsf(m.x[rows.n]) <= wild[0];
            n++;
        }
    }
    CHECK(calm[0] > 1 && calm[0] < 2.5); /* 1.64 of a normal */
    CHECK(wild[0] > 4);
    CHECK((double)inside / (double)n > 0.84 && (double)inside / (double)n < 0.96);
    test_ctx_done(&t);
}

/* What comes behind the origin, and what was learned from, changes nothing. */
TEST(nothing_is_settled_early_and_nothing_of_training_counts) {
    TestCtx t;
    test_ctx_init(&t);
    Made m, other;
    Artifact a = card(101 * MS_PER_HOUR);
    make(&m, 1);
    make(&other, 1);
    for (size_t i = 0; i < 101; i++)
        other.x[i] = 1000; /* errors of training, and the inputs of its end */
    CLEANUP(tracker_freep) Tracker *x = NULL, *y = NULL;
    float f[HORIZON], one[HORIZON], two[HORIZON];
    CHECK_OK(&t.cx, tracker_new(&t.cx, &a, 0.9, &x));
    CHECK_OK(&t.cx, tracker_new(&t.cx, &a, 0.9, &y));
    TrackRows rows = { m.x, m.time_ms, 320 }, rows_other = { other.x, other.time_ms, 320 };
    CHECK_OK(&t.cx, tracker_follow(x, &t.cx, &rows, zero, &m, f, one));
    CHECK_OK(&t.cx, tracker_follow(y, &t.cx, &rows_other, zero, &other, f, two));
    for (size_t h = 0; h < HORIZON; h++)
        CHECK_NEAR(one[h], two[h], 0);
    CHECK(tracker_settled(x) > 100);
    test_ctx_done(&t);
}

TEST(too_few_rows_are_said) {
    static const struct {
        const char *name;
        int64_t known_to;
        size_t n;
        int want;
    } rows[] = {
        { "no word of training", 0, 600, TRACK_SPLIT },
        { "all of it was training", ROWS, 600, TRACK_SPLIT },
        { "one row too few", 100, 100 + TRACK_LEAST + HORIZON - 2, TRACK_SPLIT },
        { "enough", 100, 100 + TRACK_LEAST + HORIZON - 1, 0 },
        { "no window", 1, LOOK_BACK - 1, ERR_INVALID },
    };
    EACH_ROW (r, rows) {
        TestCtx t;
        test_ctx_init(&t);
        Made m;
        Artifact a = card(r->known_to * MS_PER_HOUR);
        make(&m, 1);
        CLEANUP(tracker_freep) Tracker *tr = NULL;
        float f[HORIZON] = { 9, 9, 9 }, half[HORIZON] = { -1, -1, -1 };
        CHECK_OK(&t.cx, tracker_new(&t.cx, &a, 0.9, &tr));
        CHECK_EQ(tracker_follow(tr, &t.cx, &(TrackRows){ m.x, m.time_ms, r->n }, zero, &m, f, half), r->want);
        CHECK((half[0] == -1) == (r->want != 0)); /* split: as the caller had it */
        CHECK((f[0] == 0) == (r->want >= 0));     /* a forecast there is */
        test_ctx_done(&t);
    }
}

TEST(after_a_gap_it_begins_anew) {
    TestCtx t;
    test_ctx_init(&t);
    Made m;
    Artifact a = card(MS_PER_HOUR);
    make(&m, 1);
    CLEANUP(tracker_freep) Tracker *tr = NULL, *anew = NULL;
    float f[HORIZON], one[HORIZON], two[HORIZON];
    CHECK_OK(&t.cx, tracker_new(&t.cx, &a, 0.9, &tr));
    CHECK_OK(&t.cx, tracker_new(&t.cx, &a, 0.9, &anew));
    CHECK_OK(&t.cx, tracker_follow(tr, &t.cx, &(TrackRows){ m.x, m.time_ms, 300 }, zero, &m, f, one));
    TrackRows later = { m.x + 310, m.time_ms + 310, ROWS - 310 }; /* the row it saw last is not among these */
    CHECK_OK(&t.cx, tracker_follow(tr, &t.cx, &later, zero, &m, f, one));
    CHECK_OK(&t.cx, tracker_follow(anew, &t.cx, &later, zero, &m, f, two));
    for (size_t h = 0; h < HORIZON; h++)
        CHECK_NEAR(one[h], two[h], 0);
    CHECK_EQ(tracker_new(&t.cx, &a, 1, &anew), ERR_INVALID);
    test_ctx_done(&t);
}

TESTS(T(one_by_one_or_at_once_the_widths_are_the_same), T(widths_follow_the_errors),
      T(nothing_is_settled_early_and_nothing_of_training_counts), T(too_few_rows_are_said),
      T(after_a_gap_it_begins_anew))
