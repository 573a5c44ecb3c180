/* base/ctx: deadline, cancel, and words that travel with a failure. */

#include "lib/test.h"

TEST(check_tells_cancel_and_deadline) {
    TestCtx t;
    test_ctx_init(&t);
    CHECK_EQ(ctx_check(&t.cx), 0);
    t.cx.deadline = mono_add_ms(clock_mono(t.cx.clock), 50);
    CHECK_EQ(ctx_left_ms(&t.cx, 1000), 50);
    clock_manual_advance_ms(&t.clock, 49);
    CHECK_EQ(ctx_check(&t.cx), 0);
    clock_manual_advance_ms(&t.clock, 1);
    CHECK_EQ(ctx_check(&t.cx), ERR_TIMEOUT);
    CHECK_EQ(ctx_left_ms(&t.cx, 1000), 0);
    atomic_bool cancel = true;
    t.cx.cancel = &cancel;
    CHECK_EQ(ctx_check(&t.cx), ERR_CANCELLED);
    test_ctx_done(&t);
}

TEST(a_wall_clock_that_jumps_back_moves_no_deadline) {
    TestCtx t;
    test_ctx_init(&t);
    t.cx.deadline = mono_add_ms(clock_mono(t.cx.clock), 50);
    clock_manual_set_wall(&t.clock, time_ms(0));
    CHECK_EQ(ctx_left_ms(&t.cx, 1000), 50);
    test_ctx_done(&t);
}

TEST(words_are_set_noted_and_prefixed) {
    TestCtx t;
    test_ctx_init(&t);
    CHECK_EQ(err_set_at(&t.cx, ERR_INVALID, S("limit"), "%d is below 1", -4), ERR_INVALID);
    CHECK_STR(str_c(t.cx.err.field), S("limit"));
    CHECK_EQ(err_note(&t.cx, ERR_INVALID, "other words"), ERR_INVALID);
    CHECK_STR(str_c(t.cx.err.text), S("-4 is below 1"));
    CHECK_EQ(err_prefix(&t.cx, "%s", "prices.csv"), ERR_INVALID);
    CHECK_STR(str_c(t.cx.err.text), S("prices.csv: -4 is below 1"));
    err_set(&t.cx, ERR_IO, "again: %s", t.cx.err.text); /* an argument may be the old text */
    CHECK_STR(str_c(t.cx.err.text), S("again: prices.csv: -4 is below 1"));
    CHECK_STR(str_c(t.cx.err.field), S(""));
    test_ctx_done(&t);
}

/* RES-17: the documents' exception tree, one status each. */
TEST(every_code_has_one_row_and_the_documents_statuses) {
    static const struct {
        const char *name;
        int code, status;
    } rows[] = {
        { "ValidationError", ERR_INVALID, 422 },    { "RepositoryError", ERR_REPOSITORY, 503 },
        { "CollectionError", ERR_COLLECTION, 502 }, { "BacktestingServiceError", ERR_BACKTEST, 500 },
        { "StorageError", ERR_STORAGE, 507 },       { "not HTTP or not JSON", ERR_BAD_REQUEST, 400 },
    };
    EACH_ROW (r, rows)
        CHECK_EQ(err_info(r->code)->http_status, r->status);
    test_row_name = NULL;
    for (int code = -1; code >= ERR_USAGE; code--) {
        const ErrInfo *info = err_info(code);
        CHECK_EQ(info->code, code);
        CHECK_EQ(err_from_name(info->name, strlen(info->name)), code);
        CHECK(info->exit_code > 0 && info->exit_code < 256);
    }
    CHECK_EQ(err_info(-9999)->code, ERR_INTERNAL);
}

TESTS(T(check_tells_cancel_and_deadline), T(a_wall_clock_that_jumps_back_moves_no_deadline),
      T(words_are_set_noted_and_prefixed), T(every_code_has_one_row_and_the_documents_statuses))
