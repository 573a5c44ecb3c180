/* tests/contract/model_registry.c - what every model registry has to do (PRD-07, FUT-05). */

#include "contract/model_registry.h"

#include <float.h>

typedef struct Fixture {
    TestCtx t;
    const char *dir;
    ModelRegistry *r;
    Str experiment;
} Fixture;

static Str named(Fixture *f, const char *name) {
    return str_fmt(&f->t.arena, "%s%s", name, model_registry_maker.stamp);
}

static void begin(Fixture *f, const char *test) {
    *f = (Fixture){ 0 };
    test_ctx_init(&f->t);
    f->dir = test_dir();
    f->r = model_registry_maker.open(&f->t, f->dir);
    CHECK_OK_PLAIN(&f->t.cx, ml_experiment_create(f->r, &f->t.cx, named(f, test), (Str){ 0 }, NULL, 0, &f->experiment));
}

static void end(Fixture *f) {
    model_registry_maker.close(f->r);
    test_dir_done(f->dir);
    test_ctx_done(&f->t);
}

static MlRun new_run(Fixture *f, const char *name) {
    MlRun run;
    clock_manual_advance_ms(&f->t.clock, 10);
    CHECK_OK_PLAIN(&f->t.cx, ml_run_create(f->r, &f->t.cx,
                                           &(MlRunNew){ .experiment = f->experiment,
                                                        .name = str_c(name),
                                                        .started = clock_wall(&f->t.clock.clock) },
                                           &run));
    return run;
}

static void log_metric(Fixture *f, Str run, const char *key, double value, int64_t at, int64_t step) {
    MlMetric m = { str_c(key), value, time_ms(at), step };
    CHECK_OK_PLAIN(&f->t.cx, ml_log(f->r, &f->t.cx, run, &(MlLog){ .metrics = &m, .n_metrics = 1 }));
}

static MlVersion new_version(Fixture *f, Str model, const char *source) {
    MlVersion v;
    CHECK_OK_PLAIN(&f->t.cx,
                   ml_version_create(f->r, &f->t.cx, &(MlVersionNew){ .name = model, .source = str_c(source) }, &v));
    return v;
}

/* --- experiments --- */

TEST(an_experiment_is_made_once_and_found_by_id_and_name) {
    Fixture f;
    MlExperiment a, b;
    Str id;
    begin(&f, "once");
    CHECK_OK(&f.t.cx, ml_experiment(f.r, &f.t.cx, f.experiment, &a));
    CHECK_OK(&f.t.cx, ml_experiment_named(f.r, &f.t.cx, named(&f, "once"), &b));
    CHECK_STR(a.id, b.id);
    CHECK_STR(a.name, named(&f, "once"));
    CHECK_EQ(a.life, ML_ACTIVE);
    CHECK(a.artifact_location.n > 0);
    CHECK_EQ(ml_experiment_create(f.r, &f.t.cx, named(&f, "once"), (Str){ 0 }, NULL, 0, &id), ERR_CONFLICT);
    CHECK_EQ(ml_experiment_create(f.r, &f.t.cx, (Str){ 0 }, (Str){ 0 }, NULL, 0, &id), ERR_INVALID);
    CHECK_EQ(ml_experiment(f.r, &f.t.cx, S("987654321"), &a), ERR_NOT_FOUND);
    CHECK_EQ(ml_experiment_named(f.r, &f.t.cx, S("there is none"), &a), ERR_NOT_FOUND);
    CHECK_OK(&f.t.cx, ml_experiment(f.r, &f.t.cx, S("0"), &a)); /* from the beginning */
    CHECK_STR(a.name, S("Default"));
    end(&f);
}

TEST(a_deleted_experiment_takes_its_runs_along_and_brings_them_back) {
    Fixture f;
    MlExperiment e;
    MlRun run;
    Str id;
    begin(&f, "life");
    MlRun first = new_run(&f, "first");
    CHECK_OK(&f.t.cx, ml_experiment_rename(f.r, &f.t.cx, f.experiment, named(&f, "life-2")));
    CHECK_OK(&f.t.cx, ml_experiment_life(f.r, &f.t.cx, f.experiment, ML_DELETED));
    CHECK_OK(&f.t.cx, ml_experiment_named(f.r, &f.t.cx, named(&f, "life-2"), &e)); /* deleted ones are found */
    CHECK_EQ(e.life, ML_DELETED);
    CHECK_EQ(ml_experiment_create(f.r, &f.t.cx, named(&f, "life-2"), (Str){ 0 }, NULL, 0, &id), ERR_CONFLICT);
    CHECK_OK(&f.t.cx, ml_run(f.r, &f.t.cx, first.id, &run));
    CHECK_EQ(run.life, ML_DELETED);
    CHECK_EQ(ml_run_create(f.r, &f.t.cx, &(MlRunNew){ .experiment = f.experiment }, &run), ERR_INVALID);
    CHECK_OK(&f.t.cx, ml_experiment_life(f.r, &f.t.cx, f.experiment, ML_ACTIVE));
    CHECK_OK(&f.t.cx, ml_run(f.r, &f.t.cx, first.id, &run));
    CHECK_EQ(run.life, ML_ACTIVE);
    end(&f);
}

/* --- runs --- */

TEST(a_run_keeps_what_is_logged) {
    Fixture f;
    MlRun run, got;
    begin(&f, "logged");
    run = new_run(&f, "one");
    CHECK_EQ(run.status, ML_RUNNING);
    CHECK_EQ(run.id.n, 32);
    CHECK(str_ends(run.artifact_uri, str_fmt(&f.t.arena, STR_FMT "/artifacts", STR_ARG(run.id))));
    MlMetric metrics[] = { { S("rmse"), .5, time_ms(1000), 1 }, { S("rmse"), .25, time_ms(2000), 2 } };
    MlTag params[] = { { S("lr"), S("0.1") }, { S("empty"), S("") } };
    MlTag tags[] = { { S("who"), S("me") } };
    CHECK_OK(&f.t.cx, ml_log(f.r, &f.t.cx, run.id, &(MlLog){ metrics, params, tags, 2, 2, 1 }));
    CHECK_OK(&f.t.cx, ml_run_update(f.r, &f.t.cx, run.id,
                                    &(MlRunUpdate){ .status = ML_FINISHED, .ended = time_ms(9000) }, &got));
    CHECK_OK(&f.t.cx, ml_run(f.r, &f.t.cx, run.id, &got));
    double v;
    CHECK(ml_metric(&got, S("rmse"), &v));
    CHECK_NEAR(v, .25, 0);
    CHECK(!ml_metric(&got, S("mae"), &v));
    CHECK_STR(ml_tag(got.params, got.n_params, S("lr")), S("0.1"));
    CHECK_EQ(got.n_params, 2);
    CHECK_STR(ml_tag(got.tags, got.n_tags, S("who")), S("me"));
    CHECK_EQ(got.status, ML_FINISHED);
    CHECK_EQ(got.ended.ms, 9000);
    CHECK_STR(got.name, S("one"));
    CHECK_EQ(ml_run(f.r, &f.t.cx, S("0123456789abcdef0123456789abcdef"), &got), ERR_NOT_FOUND);
    end(&f);
}

TEST(a_parameter_is_written_once_and_a_failed_batch_changes_none) {
    Fixture f;
    MlRun run;
    begin(&f, "params");
    run = new_run(&f, "one");
    MlTag first = { S("lr"), S("0.1") }, other[] = { { S("lr"), S("0.1") }, { S("lr"), S("0.2") } };
    CHECK_OK(&f.t.cx, ml_log(f.r, &f.t.cx, run.id, &(MlLog){ .params = &first, .n_params = 1 }));
    CHECK_OK(&f.t.cx, ml_log(f.r, &f.t.cx, run.id, &(MlLog){ .params = &first, .n_params = 1 }));
    CHECK_EQ(ml_log(f.r, &f.t.cx, run.id, &(MlLog){ .params = other, .n_params = 2 }), ERR_INVALID);
    CHECK_OK(&f.t.cx, ml_run(f.r, &f.t.cx, run.id, &run));
    CHECK_STR(ml_tag(run.params, run.n_params, S("lr")), S("0.1"));
    end(&f);
}

TEST(the_newest_metric_is_that_of_the_highest_step) {
    Fixture f;
    MlRun run;
    MlMetric *v;
    Str next;
    size_t n;
    double got;
    begin(&f, "steps");
    run = new_run(&f, "one");
    log_metric(&f, run.id, "loss", 3, 1000, 3);
    log_metric(&f, run.id, "loss", 1, 9000, 1); /* logged later, of an earlier step */
    log_metric(&f, run.id, "loss", 4, 2000, 3); /* the same step, later */
    log_metric(&f, run.id, "top", INFINITY, 1, 0);
    CHECK_OK(&f.t.cx, ml_run(f.r, &f.t.cx, run.id, &run));
    CHECK(ml_metric(&run, S("loss"), &got));
    CHECK_NEAR(got, 4, 0);
    CHECK(ml_metric(&run, S("top"), &got));
    CHECK_NEAR(got, DBL_MAX, 0);
    CHECK_OK(&f.t.cx, ml_history(f.r, &f.t.cx, run.id, S("loss"), 100, (Str){ 0 }, &v, &n, &next));
    CHECK_EQ(n, 3);
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += v[i].value * (double)v[i].step;
    CHECK_NEAR(sum, 3 * 3 + 1 * 1 + 4 * 3, 0);
    CHECK_EQ(next.n, 0);
    end(&f);
}

TEST(a_history_comes_in_pages) {
    Fixture f;
    MlRun run;
    MlMetric *v;
    Str token = { 0 }, next;
    size_t n, seen = 0, pages = 0;
    begin(&f, "pages");
    run = new_run(&f, "one");
    for (int i = 0; i < 7; i++)
        log_metric(&f, run.id, "loss", i, 1000 + i, i);
    do {
        CHECK_OK(&f.t.cx, ml_history(f.r, &f.t.cx, run.id, S("loss"), 3, token, &v, &n, &next));
        for (size_t i = 0; i < n; i++)
            CHECK_NEAR(v[i].value, (double)seen++, 0);
        token = next;
        pages++;
    } while (token.n && pages < 10);
    CHECK_EQ(seen, 7);
    CHECK_EQ(pages, 3);
    end(&f);
}

TEST(a_deleted_run_takes_nothing_and_comes_back) {
    Fixture f;
    MlRun run, got;
    MlTag p = { S("a"), S("b") };
    begin(&f, "gone");
    run = new_run(&f, "one");
    CHECK_OK(&f.t.cx, ml_run_life(f.r, &f.t.cx, run.id, ML_DELETED));
    CHECK_EQ(ml_log(f.r, &f.t.cx, run.id, &(MlLog){ .params = &p, .n_params = 1 }), ERR_INVALID);
    CHECK_OK(&f.t.cx, ml_run(f.r, &f.t.cx, run.id, &got));
    CHECK_EQ(got.life, ML_DELETED);
    CHECK_OK(&f.t.cx, ml_run_life(f.r, &f.t.cx, run.id, ML_ACTIVE));
    CHECK_OK(&f.t.cx, ml_log(f.r, &f.t.cx, run.id, &(MlLog){ .params = &p, .n_params = 1 }));
    end(&f);
}

TEST(tags_are_set_again_and_dropped) {
    Fixture f;
    MlRun run;
    begin(&f, "tags");
    run = new_run(&f, "one");
    MlOwner of = { .kind = ML_OF_RUN, .id = run.id };
    CHECK_OK(&f.t.cx, ml_tag_set(f.r, &f.t.cx, &of, S("k"), S("1")));
    CHECK_OK(&f.t.cx, ml_tag_set(f.r, &f.t.cx, &of, S("k"), S("2")));
    CHECK_OK(&f.t.cx, ml_run(f.r, &f.t.cx, run.id, &run));
    CHECK_STR(ml_tag(run.tags, run.n_tags, S("k")), S("2"));
    CHECK_OK(&f.t.cx, ml_tag_drop(f.r, &f.t.cx, &of, S("k")));
    CHECK_EQ(ml_tag_drop(f.r, &f.t.cx, &of, S("k")), ERR_NOT_FOUND);
    CHECK_OK(&f.t.cx, ml_tag_set(f.r, &f.t.cx, &of, S("mlflow.runName"), S("renamed")));
    CHECK_OK(&f.t.cx, ml_run(f.r, &f.t.cx, run.id, &run));
    CHECK_STR(run.name, S("renamed"));
    end(&f);
}

/* --- searches --- */

static void some_runs(Fixture *f) { /* a: rmse 1, m=x; b: rmse 2, m=y, tag "a b"=qux; c: no rmse, m=X */
    const char *const names[] = { "a", "b", "c" }, *const models[] = { "x", "y", "X" };
    for (int i = 0; i < 3; i++) {
        MlRun run = new_run(f, names[i]);
        MlTag p = { S("m"), str_c(models[i]) }, t = { S("a b"), S("qux") };
        CHECK_OK_PLAIN(&f->t.cx, ml_log(f->r, &f->t.cx, run.id,
                                        &(MlLog){ .params = &p, .n_params = 1, .tags = &t, .n_tags = i == 1 }));
        if (i < 2)
            log_metric(f, run.id, "rmse", i + 1, 1000, 0);
    }
}

static Str found(Fixture *f, const char *filter, const char *order) {
    Str by = str_c(order), next, names = { 0 };
    MlSearch q = { .experiments = &f->experiment,
                   .n_experiments = 1,
                   .filter = str_c(filter),
                   .order_by = &by,
                   .n_order_by = order ? 1 : 0,
                   .limit = 100 };
    MlRun *v;
    size_t n;
    CHECK_OK_PLAIN(&f->t.cx, ml_runs(f->r, &f->t.cx, &q, &v, &n, &next));
    for (size_t i = 0; i < n; i++)
        names = str_fmt(&f->t.arena, STR_FMT STR_FMT, STR_ARG(names), STR_ARG(v[i].name));
    return names;
}

TEST(runs_are_found_by_filters_and_in_their_order) {
    static const struct {
        const char *name, *filter, *order, *want;
    } rows[] = {
        { "all, newest first", "", NULL, "cba" },
        { "metric", "metrics.rmse < 2", NULL, "a" },
        { "metric with a bound that is met", "metric.rmse >= 1 and metrics.`rmse` <= 2", NULL, "ba" },
        { "missing metric passes nothing", "metrics.rmse != 7", NULL, "ba" },
        { "parameter", "params.m = 'x'", NULL, "a" },
        { "parameter, any case", "params.m ILIKE 'x'", NULL, "ca" },
        { "parameter, its case", "params.m LIKE 'X'", NULL, "c" },
        { "not equal", "params.m != \"x\"", NULL, "cb" },
        { "tag in backticks", "tags.`a b` LIKE 'q%'", NULL, "b" },
        { "tag in quotes", "tag.\"a b\" ILIKE '%UX'", NULL, "b" },
        { "attribute", "attributes.status = 'RUNNING'", NULL, "cba" },
        { "run name, bare", "run_name != 'b'", NULL, "ca" },
        { "and, any case", "metrics.rmse > 0 AND params.m = 'y'", NULL, "b" },
        { "ascending, missing last", "", "metrics.rmse ASC", "abc" },
        { "descending, missing last", "", "metrics.rmse DESC", "bac" },
        { "by parameter", "", "params.m", "cab" },
        { "by start", "", "attributes.start_time ASC", "abc" },
    };
    Fixture f;
    begin(&f, "find");
    some_runs(&f);
    EACH_ROW (r, rows)
        CHECK_STR(found(&f, r->filter, r->order), str_c(r->want));
    end(&f);
}

TEST(what_is_no_filter_is_refused) {
    static const struct {
        const char *name, *filter;
    } rows[] = {
        { "no operator", "metrics.rmse" },
        { "or", "metrics.a < 1 or metrics.b < 2" },
        { "a string for a number", "metrics.a < 'x'" },
        { "a number for a string", "params.a = 1" },
        { "no such attribute", "attributes.colour = 'red'" },
        { "an open string", "params.a = 'x" },
        { "another statement", "params.a = 'x'; DROP TABLE run" },
    };
    Fixture f;
    MlRun *v;
    size_t n;
    Str next;
    begin(&f, "refused");
    EACH_ROW (r, rows) {
        MlSearch q = { .experiments = &f.experiment, .n_experiments = 1, .filter = str_c(r->filter), .limit = 10 };
        CHECK_EQ(ml_runs(f.r, &f.t.cx, &q, &v, &n, &next), ERR_INVALID);
    }
    end(&f);
}

TEST(searches_come_in_pages_and_deleted_runs_only_when_asked_for) {
    Fixture f;
    MlRun *v, first;
    size_t n, seen = 0, pages = 0;
    Str next;
    begin(&f, "runs");
    first = new_run(&f, "0");
    for (int i = 1; i < 5; i++)
        new_run(&f, "n");
    CHECK_OK(&f.t.cx, ml_run_life(f.r, &f.t.cx, first.id, ML_DELETED));
    MlSearch q = { .experiments = &f.experiment, .n_experiments = 1, .limit = 3 };
    do {
        CHECK_OK(&f.t.cx, ml_runs(f.r, &f.t.cx, &q, &v, &n, &next));
        seen += n;
        pages++;
        q.page_token = next;
    } while (next.n && pages < 10);
    CHECK_EQ(seen, 4);
    CHECK_EQ(pages, 2);
    q = (MlSearch){ .experiments = &f.experiment, .n_experiments = 1, .limit = 10, .view = ML_VIEW_DELETED };
    CHECK_OK(&f.t.cx, ml_runs(f.r, &f.t.cx, &q, &v, &n, &next));
    CHECK_EQ(n, 1);
    q.view = ML_VIEW_ALL;
    CHECK_OK(&f.t.cx, ml_runs(f.r, &f.t.cx, &q, &v, &n, &next));
    CHECK_EQ(n, 5);
    q.page_token = S("no token");
    CHECK_EQ(ml_runs(f.r, &f.t.cx, &q, &v, &n, &next), ERR_INVALID);
    end(&f);
}

/* --- models --- */

TEST(versions_count_up) {
    Fixture f;
    MlModel m;
    MlVersion v, *list;
    size_t n;
    begin(&f, "versions");
    Str name = named(&f, "btc-1h");
    CHECK_EQ(ml_version_create(f.r, &f.t.cx, &(MlVersionNew){ .name = name, .source = S("mlflow-artifacts:/1/a") }, &v),
             ERR_NOT_FOUND);
    CHECK_OK(&f.t.cx, ml_model_create(f.r, &f.t.cx, name, S("words"), NULL, 0, &m));
    CHECK_EQ(ml_model_create(f.r, &f.t.cx, name, (Str){ 0 }, NULL, 0, &m), ERR_CONFLICT);
    for (int i = 1; i <= 3; i++) {
        v = new_version(&f, name, "mlflow-artifacts:/1/a");
        CHECK_STR(v.version, str_fmt(&f.t.arena, "%d", i));
        CHECK_EQ(v.stage, ML_STAGE_NONE);
        CHECK_EQ(v.ready, ML_READY);
    }
    CHECK_OK(&f.t.cx, ml_version_delete(f.r, &f.t.cx, name, S("2")));
    CHECK_OK(&f.t.cx, ml_version_delete(f.r, &f.t.cx, name, S("3")));
    CHECK_EQ(ml_version(f.r, &f.t.cx, name, S("3"), &v), ERR_NOT_FOUND);
    v = new_version(&f, name, "mlflow-artifacts:/1/b");
    if (model_registry_maker.never_again)
        CHECK_STR(v.version, S("4"));
    CHECK_OK(&f.t.cx, ml_versions_of(f.r, &f.t.cx, name, &list, &n));
    CHECK_EQ(n, 2);
    CHECK_STR(list[0].source, S("mlflow-artifacts:/1/b"));
    CHECK_STR(list[1].version, S("1"));
    CHECK_OK(&f.t.cx, ml_model(f.r, &f.t.cx, name, &m));
    CHECK_STR(m.description, S("words"));
    CHECK_EQ(m.n_latest, 1);
    CHECK_EQ(ml_version(f.r, &f.t.cx, name, S("x"), &v), ERR_INVALID);
    end(&f);
}

TEST(one_version_goes_to_production_and_the_old_one_to_the_archive) {
    Fixture f;
    MlModel m;
    MlVersion v;
    begin(&f, "stages");
    Str name = named(&f, "staged");
    CHECK_OK(&f.t.cx, ml_model_create(f.r, &f.t.cx, name, (Str){ 0 }, NULL, 0, &m));
    new_version(&f, name, "mlflow-artifacts:/1/a");
    new_version(&f, name, "mlflow-artifacts:/1/b");
    CHECK_OK(&f.t.cx, ml_version_stage(f.r, &f.t.cx, name, S("1"), ML_STAGE_PRODUCTION, false, &v));
    CHECK_EQ(v.stage, ML_STAGE_PRODUCTION);
    CHECK_OK(&f.t.cx, ml_version_stage(f.r, &f.t.cx, name, S("2"), ML_STAGE_PRODUCTION, true, &v));
    CHECK_OK(&f.t.cx, ml_version(f.r, &f.t.cx, name, S("1"), &v));
    CHECK_EQ(v.stage, ML_STAGE_ARCHIVED);
    CHECK_OK(&f.t.cx, ml_model(f.r, &f.t.cx, name, &m));
    CHECK_EQ(m.n_latest, 2); /* one in the archive, one in production */
    CHECK_EQ(ml_version_stage(f.r, &f.t.cx, name, S("9"), ML_STAGE_STAGING, false, &v), ERR_NOT_FOUND);
    CHECK_EQ(ml_version_stage(f.r, &f.t.cx, name, S("2"), ML_STAGE_NONE, true, &v), ERR_INVALID);
    end(&f);
}

TEST(aliases_move_and_go_with_their_version) {
    static const struct { const char *name; } bad[] = { { "latest" }, { "Latest" }, { "v3" }, { "a b" }, { "" } };
    Fixture f;
    MlModel m;
    MlVersion v;
    begin(&f, "aliases");
    Str name = named(&f, "aliased");
    CHECK_OK(&f.t.cx, ml_model_create(f.r, &f.t.cx, name, (Str){ 0 }, NULL, 0, &m));
    new_version(&f, name, "mlflow-artifacts:/1/a");
    new_version(&f, name, "mlflow-artifacts:/1/b");
    CHECK_OK(&f.t.cx, ml_alias_set(f.r, &f.t.cx, name, S("champion"), S("1")));
    CHECK_OK(&f.t.cx, ml_alias_set(f.r, &f.t.cx, name, S("champion"), S("2")));
    CHECK_OK(&f.t.cx, ml_alias(f.r, &f.t.cx, name, S("champion"), &v));
    CHECK_STR(v.version, S("2"));
    CHECK_EQ(v.n_aliases, 1);
    CHECK_EQ(ml_alias_set(f.r, &f.t.cx, name, S("champion"), S("7")), ERR_NOT_FOUND);
    EACH_ROW (r, bad)
        CHECK_EQ(ml_alias_set(f.r, &f.t.cx, name, str_c(r->name), S("1")), ERR_INVALID);
    CHECK_OK(&f.t.cx, ml_version_delete(f.r, &f.t.cx, name, S("2")));
    CHECK_EQ(ml_alias(f.r, &f.t.cx, name, S("champion"), &v), ERR_NOT_FOUND);
    CHECK_OK(&f.t.cx, ml_alias_set(f.r, &f.t.cx, name, S("old"), S("1")));
    CHECK_OK(&f.t.cx, ml_alias_drop(f.r, &f.t.cx, name, S("old")));
    CHECK_EQ(ml_alias(f.r, &f.t.cx, name, S("old"), &v), ERR_NOT_FOUND);
    end(&f);
}

TEST(a_model_is_renamed_tagged_described_and_deleted) {
    Fixture f;
    MlModel m, *list;
    MlVersion v;
    size_t n;
    Str next;
    begin(&f, "models");
    Str name = named(&f, "old-name"), to = named(&f, "new-name");
    MlTag tags[] = { { S("team"), S("quant") } };
    CHECK_OK(&f.t.cx, ml_model_create(f.r, &f.t.cx, name, (Str){ 0 }, tags, 1, &m));
    new_version(&f, name, "mlflow-artifacts:/1/a");
    CHECK_OK(&f.t.cx, ml_model_rename(f.r, &f.t.cx, name, to, &m));
    CHECK_EQ(ml_model(f.r, &f.t.cx, name, &m), ERR_NOT_FOUND);
    CHECK_OK(&f.t.cx, ml_version(f.r, &f.t.cx, to, S("1"), &v));
    CHECK_OK(&f.t.cx, ml_version_describe(f.r, &f.t.cx, to, S("1"), S("first"), &v));
    CHECK_STR(v.description, S("first"));
    CHECK_OK(&f.t.cx, ml_model_describe(f.r, &f.t.cx, to, S("said"), &m));
    MlOwner of = { ML_OF_MODEL, to, { 0 } }, of_version = { ML_OF_VERSION, to, S("1") };
    CHECK_OK(&f.t.cx, ml_tag_set(f.r, &f.t.cx, &of, S("team"), S("risk")));
    CHECK_OK(&f.t.cx, ml_tag_set(f.r, &f.t.cx, &of_version, S("sha"), S("1234")));
    MlSearch q = { .filter = str_fmt(&f.t.arena, "name LIKE 'new-name%%' and tags.team = 'risk'"), .limit = 10 };
    CHECK_OK(&f.t.cx, ml_models(f.r, &f.t.cx, &q, &list, &n, &next));
    CHECK_EQ(n, 1);
    CHECK_STR(list[0].description, S("said"));
    CHECK_OK(&f.t.cx, ml_version(f.r, &f.t.cx, to, S("1"), &v));
    CHECK_STR(ml_tag(v.tags, v.n_tags, S("sha")), S("1234"));
    CHECK_OK(&f.t.cx, ml_model_delete(f.r, &f.t.cx, to));
    CHECK_EQ(ml_model(f.r, &f.t.cx, to, &m), ERR_NOT_FOUND);
    CHECK_EQ(ml_version(f.r, &f.t.cx, to, S("1"), &v), ERR_NOT_FOUND);
    CHECK_EQ(ml_model_delete(f.r, &f.t.cx, to), ERR_NOT_FOUND);
    end(&f);
}

/* --- files --- */

static Str file_path(Fixture *f, const MlRun *run, const char *rel) {
    Str path = { 0 };
    CHECK_OK_PLAIN(&f->t.cx, ml_file_path(&f->t.cx, run->artifact_uri, str_c(rel), &path));
    return path;
}

TEST(files_are_put_read_listed_and_removed) {
    Fixture f;
    MlFile *v;
    size_t n, got;
    char part[4];
    int64_t size;
    Str all;
    begin(&f, "files");
    MlRun run = new_run(&f, "one");
    CHECK_OK(&f.t.cx, ml_file_put(f.r, &f.t.cx, file_path(&f, &run, "model/weights"), S("0123456789")));
    CHECK_OK(&f.t.cx, ml_file_put(f.r, &f.t.cx, file_path(&f, &run, "model/card.json"), S("{}")));
    CHECK_OK(&f.t.cx, ml_file_put(f.r, &f.t.cx, file_path(&f, &run, "empty"), S("")));
    CHECK_OK(&f.t.cx, ml_file_size(f.r, &f.t.cx, file_path(&f, &run, "model/weights"), &size));
    CHECK_EQ(size, 10);
    CHECK_OK(&f.t.cx, ml_file_get(f.r, &f.t.cx, file_path(&f, &run, "model/weights"), 7, sizeof part, part, &got));
    CHECK_STR(str_n(part, got), S("789"));
    CHECK_OK(&f.t.cx, ml_file_get_all(f.r, &f.t.cx, file_path(&f, &run, "model/weights"), 100, &all));
    CHECK_STR(all, S("0123456789"));
    CHECK_EQ(ml_file_get_all(f.r, &f.t.cx, file_path(&f, &run, "model/weights"), 9, &all), ERR_TOO_LARGE);
    CHECK_OK(&f.t.cx, ml_file_list(f.r, &f.t.cx, file_path(&f, &run, ""), &v, &n));
    CHECK_EQ(n, 2);
    CHECK_STR(v[0].path, S("empty"));
    CHECK(!v[0].is_dir && v[1].is_dir);
    CHECK_STR(v[1].path, S("model"));
    CHECK_OK(&f.t.cx, ml_file_list(f.r, &f.t.cx, file_path(&f, &run, "model"), &v, &n));
    CHECK_EQ(n, 2);
    CHECK_STR(v[1].path, S("weights"));
    CHECK_EQ(v[1].size, 10);
    CHECK_OK(&f.t.cx, ml_file_remove(f.r, &f.t.cx, file_path(&f, &run, "model")));
    CHECK_EQ(ml_file_size(f.r, &f.t.cx, file_path(&f, &run, "model/weights"), &size), ERR_NOT_FOUND);
    CHECK_OK(&f.t.cx, ml_file_list(f.r, &f.t.cx, file_path(&f, &run, "model"), &v, &n));
    CHECK_EQ(n, 0);
    end(&f);
}

TEST(a_path_cannot_lead_out) {
    static const struct {
        const char *name;
    } rows[] = { { "../a" }, { "a/../b" },   { "/etc/passwd" },   { "a//b" },         { "a/./b" },
                 { "a\\b" }, { "C:/x" },     { "%2e%2e/a" },      { "%252e%252e/a" }, { "" },
                 { "a/" },   { "a/%2e./b" }, { "a%2f..%2f../b" }, { "a\nb" } };
    Fixture f;
    Str path;
    begin(&f, "paths");
    EACH_ROW (r, rows) {
        CHECK(!ml_path_ok(str_c(r->name)));
        CHECK_EQ(ml_file_put(f.r, &f.t.cx, str_c(r->name), S("x")), ERR_INVALID);
    }
    CHECK_EQ(ml_file_path(&f.t.cx, S("s3://elsewhere/a"), S("x"), &path), ERR_INVALID);
    CHECK_OK(&f.t.cx, ml_file_path(&f.t.cx, S("mlflow-artifacts://host:80/1/a/artifacts"), S("x"), &path));
    CHECK_STR(path, S("1/a/artifacts/x"));
    end(&f);
}

/* --- the rest --- */

typedef struct Heard {
    int n;
    MlChangeKind kinds[16];
    char versions[16][8];
} Heard;

static void hear(void *arg, Ctx *cx, const MlChange *change) {
    Heard *h = arg;
    UNUSED(cx);
    if (h->n < 16) {
        h->kinds[h->n] = change->kind;
        snprintf(h->versions[h->n++], 8, STR_FMT, STR_ARG(change->version));
    }
}

TEST(who_listens_is_told_of_what_lasts_and_of_nothing_else) {
    Fixture f;
    MlModel m;
    MlVersion v;
    Heard h = { 0 };
    begin(&f, "heard");
    Str name = named(&f, "heard-of");
    ml_listen(f.r, hear, &h);
    CHECK_OK(&f.t.cx, ml_model_create(f.r, &f.t.cx, name, (Str){ 0 }, NULL, 0, &m));
    new_version(&f, name, "mlflow-artifacts:/1/a");
    CHECK_OK(&f.t.cx, ml_version_stage(f.r, &f.t.cx, name, S("1"), ML_STAGE_PRODUCTION, true, &v));
    CHECK_OK(&f.t.cx, ml_alias_set(f.r, &f.t.cx, name, S("champion"), S("1")));
    CHECK_EQ(ml_alias_set(f.r, &f.t.cx, name, S("champion"), S("5")), ERR_NOT_FOUND);
    CHECK_OK(&f.t.cx, ml_version_delete(f.r, &f.t.cx, name, S("1")));
    CHECK_OK(&f.t.cx, ml_model_delete(f.r, &f.t.cx, name));
    static const MlChangeKind want[] = { ML_CHANGED_MODEL, ML_CHANGED_VERSION, ML_CHANGED_STAGE,
                                         ML_CHANGED_ALIAS, ML_DELETED_VERSION, ML_DELETED_MODEL };
    CHECK_EQ(h.n, ARRAY_LEN(want));
    for (size_t i = 0; i < ARRAY_LEN(want); i++)
        CHECK_EQ(h.kinds[i], want[i]);
    CHECK_STR(str_c(h.versions[3]), S("1"));
    end(&f);
}

TEST(all_of_it_is_there_after_opening_again) {
    Fixture f;
    MlModel m;
    MlVersion v;
    Str all;
    begin(&f, "again");
    if (!model_registry_maker.persistent) {
        end(&f);
        SKIP("it is gone with its process");
    }
    Str name = named(&f, "kept");
    MlRun run = new_run(&f, "one");
    log_metric(&f, run.id, "rmse", .1 + .2, 1, 0);
    log_metric(&f, run.id, "none", NAN, 1, 0);
    CHECK_OK(&f.t.cx, ml_file_put(f.r, &f.t.cx, file_path(&f, &run, "weights"), S("bytes")));
    CHECK_OK(&f.t.cx, ml_model_create(f.r, &f.t.cx, name, (Str){ 0 }, NULL, 0, &m));
    new_version(&f, name, "mlflow-artifacts:/1/a");
    CHECK_OK(&f.t.cx, ml_alias_set(f.r, &f.t.cx, name, S("champion"), S("1")));
    model_registry_maker.close(f.r);
    f.r = model_registry_maker.open(&f.t, f.dir);
    double x;
    MlRun got;
    CHECK_OK(&f.t.cx, ml_run(f.r, &f.t.cx, run.id, &got));
    CHECK(ml_metric(&got, S("rmse"), &x));
    CHECK(x == .1 + .2);
    CHECK_EQ(got.n_metrics, 2);
    CHECK(!ml_metric(&got, S("none"), &x)); /* it is there, and no number */
    CHECK_OK(&f.t.cx, ml_alias(f.r, &f.t.cx, name, S("champion"), &v));
    CHECK_OK(&f.t.cx, ml_file_get_all(f.r, &f.t.cx, file_path(&f, &run, "weights"), 100, &all));
    CHECK_STR(all, S("bytes"));
    end(&f);
}

TEST(clearing_takes_what_was_deleted_and_nothing_else) {
    Fixture f;
    MlGc gc;
    MlRun got;
    MlModel m;
    MlVersion v;
    int64_t size;
    begin(&f, "clear");
    if (!model_registry_maker.clears) {
        end(&f);
        SKIP("it does its own clearing");
    }
    MlRun kept = new_run(&f, "kept"), gone = new_run(&f, "gone"), used = new_run(&f, "used");
    CHECK_OK(&f.t.cx, ml_file_put(f.r, &f.t.cx, file_path(&f, &gone, "model/weights"), S("x")));
    CHECK_OK(&f.t.cx, ml_file_put(f.r, &f.t.cx, file_path(&f, &kept, "model/weights"), S("x")));
    CHECK_OK(&f.t.cx, ml_model_create(f.r, &f.t.cx, named(&f, "user"), (Str){ 0 }, NULL, 0, &m));
    CHECK_OK(&f.t.cx,
             ml_version_create(
                 f.r, &f.t.cx,
                 &(MlVersionNew){ .name = named(&f, "user"), .source = used.artifact_uri, .run_id = used.id }, &v));
    CHECK_OK(&f.t.cx, ml_run_life(f.r, &f.t.cx, gone.id, ML_DELETED));
    CHECK_OK(&f.t.cx, ml_run_life(f.r, &f.t.cx, used.id, ML_DELETED));
    Time now = clock_wall(&f.t.clock.clock);
    CHECK_OK(&f.t.cx, ml_gc(f.r, &f.t.cx, time_ms(now.ms - 1), &gc)); /* nothing is so old */
    CHECK_EQ(gc.runs, 0);
    CHECK_OK(&f.t.cx, ml_gc(f.r, &f.t.cx, now, &gc));
    CHECK_EQ(gc.runs, 1);
    CHECK_EQ(gc.files, 1);
    CHECK_EQ(ml_run(f.r, &f.t.cx, gone.id, &got), ERR_NOT_FOUND);
    CHECK_EQ(ml_file_size(f.r, &f.t.cx, file_path(&f, &gone, "model/weights"), &size), ERR_NOT_FOUND);
    CHECK_OK(&f.t.cx, ml_run(f.r, &f.t.cx, used.id, &got)); /* a version stands on it */
    CHECK_OK(&f.t.cx, ml_file_size(f.r, &f.t.cx, file_path(&f, &kept, "model/weights"), &size));
    CHECK_OK(&f.t.cx, ml_version_delete(f.r, &f.t.cx, named(&f, "user"), S("1")));
    CHECK_OK(&f.t.cx, ml_experiment_life(f.r, &f.t.cx, f.experiment, ML_DELETED));
    CHECK_OK(&f.t.cx, ml_gc(f.r, &f.t.cx, now, &gc));
    CHECK_EQ(gc.runs, 2);
    CHECK_EQ(gc.experiments, 1);
    end(&f);
}

TEST(limits_are_kept) {
    Fixture f;
    begin(&f, "limits");
    MlRun run = new_run(&f, "one");
    MlMetric *metrics = arena_new_n(&f.t.arena, MlMetric, ML_BATCH_METRICS + 1);
    for (size_t i = 0; i <= ML_BATCH_METRICS; i++)
        metrics[i] = (MlMetric){ S("m"), 1, time_ms(1), (int64_t)i };
    CHECK_EQ(ml_log(f.r, &f.t.cx, run.id, &(MlLog){ .metrics = metrics, .n_metrics = ML_BATCH_METRICS + 1 }),
             ERR_INVALID);
    char *big = arena_alloc(&f.t.arena, ML_TAG_MAX + 1);
    memset(big, 'x', ML_TAG_MAX + 1);
    MlTag long_key = { str_n(big, ML_NAME_MAX + 1), S("v") }, long_value = { S("k"), str_n(big, ML_TAG_MAX + 1) };
    CHECK_EQ(ml_log(f.r, &f.t.cx, run.id, &(MlLog){ .params = &long_key, .n_params = 1 }), ERR_INVALID);
    CHECK_EQ(ml_log(f.r, &f.t.cx, run.id, &(MlLog){ .tags = &long_value, .n_tags = 1 }), ERR_INVALID);
    MlTag odd = { S("a/../b"), S("v") };
    CHECK_EQ(ml_log(f.r, &f.t.cx, run.id, &(MlLog){ .tags = &odd, .n_tags = 1 }), ERR_INVALID);
    end(&f);
}

TESTS(T(an_experiment_is_made_once_and_found_by_id_and_name),
      T(a_deleted_experiment_takes_its_runs_along_and_brings_them_back), T(a_run_keeps_what_is_logged),
      T(a_parameter_is_written_once_and_a_failed_batch_changes_none), T(the_newest_metric_is_that_of_the_highest_step),
      T(a_history_comes_in_pages), T(a_deleted_run_takes_nothing_and_comes_back), T(tags_are_set_again_and_dropped),
      T(runs_are_found_by_filters_and_in_their_order), T(what_is_no_filter_is_refused),
      T(searches_come_in_pages_and_deleted_runs_only_when_asked_for), T(versions_count_up),
      T(one_version_goes_to_production_and_the_old_one_to_the_archive), T(aliases_move_and_go_with_their_version),
      T(a_model_is_renamed_tagged_described_and_deleted), T(files_are_put_read_listed_and_removed),
      T(a_path_cannot_lead_out), T(who_listens_is_told_of_what_lasts_and_of_nothing_else),
      T(all_of_it_is_there_after_opening_again), T(clearing_takes_what_was_deleted_and_nothing_else),
      T(limits_are_kept))
