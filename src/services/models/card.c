/* services/models/card.c - model cards: what a model was made of and what it is worth, never without the last value
 * beside it. */

#include "services/models/internal.h"

#include <math.h>

static void put_figures(JsonWriter *w, Str key, const ArtifactFigures *f) {
    json_key(w, key);
    json_object(w);
    json_put_f64(w, "mse", f->mse);
    json_put_f64(w, "mae", f->mae);
    json_put_f64(w, "naive_mse", f->naive_mse);
    json_put_f64(w, "naive_mae", f->naive_mae);
    json_put_f64(w, "vs_naive", f->mse / f->naive_mse);
    json_put_f64(w, "diebold_mariano", f->dm);
    json_put_i64(w, "windows", f->n_windows);
    json_object_end(w);
}

static void put_pairs(JsonWriter *w, Str key, const MlTag *v, size_t n) {
    json_key(w, key);
    json_object(w);
    for (size_t i = 0; i < n; i++) {
        json_key(w, v[i].key);
        json_str(w, v[i].value);
    }
    json_object_end(w);
}

static void md_figures(Buf *b, const char *part, const ArtifactFigures *f) {
    if (!isnan(f->mse))
        buf_printf(b, "| %s | %.4f | %.4f | %.4f | %.4f | %.3f | %lld |\n", part, f->mse, f->naive_mse, f->mae,
                   f->naive_mae, f->mse / f->naive_mse, (long long)f->n_windows);
}

static void md_table(Buf *b, const ArtifactFigures *val, const ArtifactFigures *test) {
    buf_printf(b, "\n## What it is worth\n\nBeside repeating the last value on the same windows, in standardised "
                  "units.\n\n"
                  "| part | mse | last value | mae | last value | mse / last value's | windows |\n"
                  "|---|---|---|---|---|---|---|\n");
    md_figures(b, "validation", val);
    md_figures(b, "test", test);
}

static void md_verdict(Buf *b, bool beats, double dm) {
    if (beats)
        buf_printf(b, "\nOn validation it is better than the last value, and not by luck (Diebold-Mariano %.2f).\n",
                   dm);
    else
        buf_printf(b,
                   "\n**On validation it is not clearly better than repeating the last value** (Diebold-Mariano "
                   "%.2f, 1.64 wanted): it is not promoted unless forced.\n",
                   dm);
}

/* A cell of a table: no '|' and no line ends. */
static void md_cell(Buf *b, Str s) {
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == '|')
            BUF_LIT(b, "\\|");
        else
            buf_put_c(b, (unsigned char)s.p[i] < 0x20 ? ' ' : s.p[i]);
}

static void md_row(Buf *b, Str key, Str value) {
    BUF_LIT(b, "| ");
    md_cell(b, key);
    BUF_LIT(b, " | ");
    md_cell(b, value);
    BUF_LIT(b, " |\n");
}

void models_first_card(const Artifact *a, const ModelRegister *q, Str sha256, Buf *json, Buf *markdown) {
    JsonWriter w;
    json_writer_init(&w, json, true);
    json_object(&w);
    json_put_str(&w, "name", q->name);
    json_put_str(&w, "weights_sha256", sha256);
    json_put_i64(&w, "weights_bytes", (int64_t)q->weights.n);
    json_put_str(&w, "parent", q->parent);
    json_put_str(&w, "command", q->command);
    json_key(&w, S("model"));
    artifact_card(a, &w);
    json_object_end(&w);
    buf_printf(markdown, "# " STR_FMT "\n\n" STR_FMT ", %zu rows ahead from %zu, trained on " STR_FMT ".\n",
               STR_ARG(q->name), STR_ARG(a->model), a->shape.horizon, a->shape.look_back, STR_ARG(a->data));
    md_table(markdown, &a->val, &a->test);
    md_verdict(markdown, artifact_beats_naive(a), a->val.dm);
    buf_printf(markdown, "\nWeights: SHA-256 `" STR_FMT "`. Data: SHA-256 `" STR_FMT "`.\n", STR_ARG(sha256),
               STR_ARG(a->data_sha256));
}

/* The version's run; all-zero where it has none any more. */
static int run_of(Models *m, Ctx *cx, const ModelVersion *v, MlRun *run) {
    *run = (MlRun){ 0 };
    int r = v->v.run_id.n ? ml_run(m->o.registry, cx, v->v.run_id, run) : 0;
    if (r == ERR_NOT_FOUND) {
        err_clear(cx);
        *run = (MlRun){ 0 };
        r = 0;
    }
    return r;
}

int models_card_json(Models *m, Ctx *cx, const ModelVersion *v, JsonWriter *w) {
    MlRun run;
    int r = run_of(m, cx, v, &run);
    if (r)
        return r;
    json_object(w);
    json_put_str(w, "name", v->v.name);
    json_put_str(w, "version", v->v.version);
    json_put_str(w, "stage", str_c(ml_stage_name(v->v.stage)));
    json_key(w, S("aliases"));
    json_array(w);
    for (size_t i = 0; i < v->v.n_aliases; i++)
        json_str(w, v->v.aliases[i]);
    json_array_end(w);
    json_put_str(w, "description", v->v.description);
    json_put_time(w, "created", v->v.created);
    json_put_str(w, "model", v->kind);
    put_figures(w, S("validation"), &v->val);
    put_figures(w, S("test"), &v->test);
    json_put_bool(w, "beats_naive", v->beats_naive);
    json_put_bool(w, "forced", v->forced);
    put_pairs(w, S("settings"), run.params, run.n_params);
    json_put_str(w, "weights_sha256", v->sha256);
    json_put_str(w, "data_sha256", v->data_sha256);
    json_key(w, S("lineage"));
    json_object(w);
    json_put_str(w, "run_id", v->v.run_id);
    json_put_str(w, "experiment_id", run.experiment);
    json_put_str(w, "source", v->v.source);
    json_put_str(w, "parent", v->parent);
    json_put_str(w, "command", ml_tag(run.tags, run.n_tags, S("mlflow.source.name")));
    json_put_str(w, "user", v->v.user);
    json_object_end(w);
    put_pairs(w, S("tags"), v->v.tags, v->v.n_tags);
    json_object_end(w);
    return 0;
}

int models_card_markdown(Models *m, Ctx *cx, const ModelVersion *v, Buf *out) {
    MlRun run;
    int r = run_of(m, cx, v, &run);
    if (r)
        return r;
    buf_printf(out, "# " STR_FMT ", version " STR_FMT "\n\n", STR_ARG(v->v.name), STR_ARG(v->v.version));
    if (v->v.description.n)
        buf_printf(out, STR_FMT "\n\n", STR_ARG(v->v.description));
    buf_printf(out, "Stage %s%s; a " STR_FMT ".\n", ml_stage_name(v->v.stage), v->forced ? " (forced)" : "",
               STR_ARG(v->kind.n ? v->kind : S("model that was not trained here")));
    md_table(out, &v->val, &v->test);
    md_verdict(out, v->beats_naive, v->val.dm);
    buf_printf(out, "\n## Settings and data\n\n| | |\n|---|---|\n");
    for (size_t i = 0; i < run.n_params; i++)
        md_row(out, run.params[i].key, run.params[i].value);
    buf_printf(out, "\n## Where it comes from\n\n| | |\n|---|---|\n");
    md_row(out, S("weights, SHA-256"), v->sha256);
    md_row(out, S("data, SHA-256"), v->data_sha256);
    md_row(out, S("run"), v->v.run_id);
    if (v->parent.n)
        md_row(out, S("goes back to version"), v->parent);
    md_row(out, S("command"), ml_tag(run.tags, run.n_tags, S("mlflow.source.name")));
    md_row(out, S("by"), v->v.user);
    return 0;
}
