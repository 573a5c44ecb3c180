/* cli/models.c - registered models: listed, shown, compared, promoted, taken out and brought in. */

#include "cli/models.h"

#include "base/base64.h"
#include "base/file.h"
#include "base/vec.h"

#include <math.h>

typedef struct ModelsIn {
    Str action, model, version, filter, versions, metric, stage, alias, file, out, parent;
    bool larger, archived, force, keep, promote;
    int64_t days;
} ModelsIn;

/* clang-format off */
static const char *const actions[] = { "list", "show", "versions", "compare", "promote", "stage", "alias", "delete", "export", "import", "clear", NULL };
static const char *const stages[] = { "None", "Staging", "Production", "Archived", NULL };
static const Field models_f[] = {
    FIELD(ModelsIn, action, .def = "list", .choices = actions, .doc = "list, show, versions, compare, promote, stage, alias, delete, export, import or clear."),
    FIELD(ModelsIn, model, .max = 250, .doc = "The model's name.", .example = "btc-1h"),
    FIELD(ModelsIn, version, .max = 260, .doc = "A number, a stage, latest, or @ and an alias.", .example = "3"),
    FIELD(ModelsIn, filter, .max = 4096, .doc = "list: in MLflow's language.", .example = "name LIKE 'btc%'"),
    FIELD(ModelsIn, versions, .max = 1000, .doc = "compare: numbers with commas. Left out: all."),
    FIELD(ModelsIn, metric, .def = "val_mse", .max = 250, .doc = "compare: what says which is best."),
    FIELD(ModelsIn, larger, .doc = "compare: the larger is the better one."),
    FIELD(ModelsIn, archived, .doc = "compare: archived versions may be the best, too."),
    FIELD(ModelsIn, stage, .choices = stages, .doc = "stage: where to."),
    FIELD(ModelsIn, alias, .max = 250, .doc = "alias: the name; without a version it goes."),
    FIELD(ModelsIn, force, .doc = "promote, import: even if it is not better than the last value; delete: the promoted one."),
    FIELD(ModelsIn, keep, .doc = "promote, stage: leave the others where they are."),
    FIELD(ModelsIn, promote, .doc = "import: promote it if it is better than the last value."),
    FIELD(ModelsIn, parent, .max = 40, .doc = "import: the version it goes back to."),
    FIELD(ModelsIn, file, .doc = "import: what train kept.", .example = "etth1.model"),
    FIELD(ModelsIn, out, .doc = "export: where to.", .example = "btc-1h.model"),
    FIELD(ModelsIn, days, .def = "30", .has_min = true, .min = 0, .max = 36500, .doc = "clear: what was deleted so long ago goes for good."),
};
static SHAPE(models_shape, ModelsIn, models_f);
/* clang-format on */

static Str or_dash(Str s) {
    return s.n ? s : S("-");
}

/* --- looking --- */

static int list(Cli *c, ApiCaller *api, const ModelsIn *in) {
    static const char *const heads[] = { "model", ">promoted", ">newest", "changed", "", NULL };
    enum { MOST = 1000 };
    ModelsQuery q = { in->filter, MOST };
    ModelList out = { 0 };
    Table t;
    int r = api_call(api, c->cx, &op_models_list, &q, &out);
    if (r)
        return cli_fail(c, r);
    if (c->json)
        return cli_print_json(c, &model_list_shape, &out);
    if (out.count == 0 && !c->quiet)
        fprintf(c->err, "no models; train one: finsight train FILE --register NAME\n");
    table_init(&t, c->cx->arena, heads);
    for (size_t i = 0; i < out.models.n; i++) {
        const ModelRow *m = &((const ModelRow *)out.models.v)[i];
        table_cell(&t, m->model, TONE_BOLD);
        table_cell(&t, or_dash(m->champion.n ? m->champion : m->production), TONE_GOOD);
        table_cell(&t, or_dash(m->latest), TONE_PLAIN);
        table_cell(&t, term_minute(c->cx->arena, m->updated), TONE_PLAIN);
        table_cell(&t, m->description, TONE_DIM);
    }
    table_print(&t, c);
    return 0;
}

static Str aliases_of(Cli *c, const ModelVersionRow *v) {
    Str text = { 0 };
    for (size_t i = 0; i < v->aliases.n; i++)
        text = str_fmt(c->cx->arena, STR_FMT "%s@" STR_FMT, STR_ARG(text), i ? " " : "",
                       STR_ARG(((const Str *)v->aliases.v)[i]));
    return text;
}

static Str figure(Cli *c, double v) {
    return isnan(v) ? S("-") : str_fmt(c->cx->arena, "%.4f", v);
}

static void print_versions(Cli *c, const List *versions, Str best) {
    static const char *const heads[] = {
        ">version",   "stage", "model", "validation mse", ">last value's", ">test", ">last value's",
        "registered", "",      NULL
    };
    Table t;
    table_init(&t, c->cx->arena, heads);
    for (size_t i = 0; i < versions->n; i++) {
        const ModelVersionRow *v = &((const ModelVersionRow *)versions->v)[i];
        bool is_best = best.n && str_eq(v->version, best);
        table_cell(&t, v->version, is_best ? TONE_GOOD : TONE_BOLD);
        table_cell(&t, v->stage, TONE_PLAIN);
        table_cell(&t, or_dash(v->kind), TONE_PLAIN);
        table_cell(&t, figure(c, v->validation.mse), v->beats_naive ? TONE_GOOD : TONE_BAD);
        table_cell(&t, figure(c, v->validation.naive_mse), TONE_DIM);
        table_cell(&t, figure(c, v->test.mse), TONE_PLAIN);
        table_cell(&t, figure(c, v->test.naive_mse), TONE_DIM);
        table_cell(&t, term_minute(c->cx->arena, v->created), TONE_PLAIN);
        table_cell(&t,
                   str_fmt(c->cx->arena, STR_FMT "%s%s%s", STR_ARG(aliases_of(c, v)), v->forced ? " forced" : "",
                           v->beats_naive ? "" : " not better than the last value", is_best ? " best" : ""),
                   TONE_DIM);
    }
    table_print(&t, c);
}

static int versions(Cli *c, ApiCaller *api, const ModelsIn *in) {
    bool compares = str_eq(in->action, S("compare"));
    Str rest = in->versions, part;
    VEC(Str) wanted = { 0 };
    ModelComparison out = { 0 };
    while (str_next(&rest, ',', &part))
        vec_push_in(c->cx->arena, &wanted, str_trim(part));
    ModelCompareQuery q = { .model = in->model,
                            .versions = { wanted.v, wanted.n },
                            .metric = in->metric,
                            .larger = in->larger,
                            .archived = in->archived };
    RegisteredModelRef ref = { in->model };
    int r = compares ? api_call(api, c->cx, &op_models_compare, &q, &out)
                     : api_call(api, c->cx, &op_models_versions, &ref, &out);
    if (r)
        return cli_fail(c, r);
    if (c->json)
        return cli_print_json(c, &model_comparison_shape, &out);
    print_versions(c, &out.versions, out.best);
    if (compares && out.best.n)
        fprintf(c->out, "best by " STR_FMT ": version " STR_FMT "\n", STR_ARG(out.metric), STR_ARG(out.best));
    else if (compares)
        fprintf(c->out, "no version has " STR_FMT "\n", STR_ARG(out.metric));
    return 0;
}

static int show(Cli *c, ApiCaller *api, const ModelsIn *in) {
    ModelCardQuery q = { in->model, in->version, c->json ? S("json") : S("markdown") };
    RegisteredModelRef ref = { in->model };
    ModelDetail detail = { 0 };
    RawBody card = { { 0 }, { 0 } };
    int r = 0;
    if (q.version.n == 0) { /* the promoted one, else the newest */
        r = api_call(api, c->cx, &op_models_get, &ref, &detail);
        q.version = detail.model.champion.n ? detail.model.champion : S("latest");
    }
    if (r == 0)
        r = api_call(api, c->cx, &op_models_card, &q, &card);
    if (r)
        return cli_fail(c, r);
    fprintf(c->out, STR_FMT "%s", STR_ARG(card.bytes), c->json ? "\n" : "");
    return 0;
}

/* --- changing --- */

static int stage(Cli *c, ApiCaller *api, const ModelsIn *in) {
    bool promotes = str_eq(in->action, S("promote"));
    ModelStageRequest q = { .model = in->model,
                            .version = in->version.n ? in->version : S("latest"),
                            .stage = promotes ? S("Production") : in->stage,
                            .force = in->force,
                            .keep = in->keep };
    ModelVersionRow out = { 0 };
    if (q.stage.n == 0)
        return cli_fail(c, err_set_at(c->cx, ERR_USAGE, S("stage"), "models stage needs --stage"));
    int r = api_call(api, c->cx, &op_models_stage, &q, &out);
    if (r)
        return cli_fail(c, r);
    if (c->json)
        return cli_print_json(c, &model_version_row_shape, &out);
    fprintf(c->out, STR_FMT "/" STR_FMT " is in " STR_FMT "%s%s\n", STR_ARG(out.model), STR_ARG(out.version),
            STR_ARG(out.stage), out.forced ? ", by force" : "",
            out.forced ? ": on validation it is not clearly better than repeating the last value" : "");
    return 0;
}

static int print_changed(Cli *c, int r, const ModelChanged *out) {
    if (r)
        return cli_fail(c, r);
    if (c->json)
        return cli_print_json(c, &model_changed_shape, out);
    fprintf(c->out, STR_FMT "\n", STR_ARG(out->message));
    return 0;
}

static int alias(Cli *c, ApiCaller *api, const ModelsIn *in) {
    ModelAliasRequest q = { in->model, in->alias, in->version };
    ModelChanged out = { 0 };
    if (q.alias.n == 0)
        return cli_fail(c, err_set_at(c->cx, ERR_USAGE, S("alias"), "models alias needs --alias"));
    return print_changed(c, api_call(api, c->cx, &op_models_alias, &q, &out), &out);
}

static int delete_it(Cli *c, ApiCaller *api, const ModelsIn *in) {
    ModelVersionRef version = { in->model, in->version, in->force };
    RegisteredModelRef model = { in->model };
    ModelChanged out = { 0 };
    int r = in->version.n ? api_call(api, c->cx, &op_models_version_delete, &version, &out)
                          : api_call(api, c->cx, &op_models_delete, &model, &out);
    return print_changed(c, r, &out);
}

static int export_it(Cli *c, ApiCaller *api, const ModelsIn *in) {
    ModelVersionRef q = { .model = in->model, .version = in->version.n ? in->version : S("latest") };
    RawBody out = { { 0 }, { 0 } };
    if (in->out.n == 0)
        return cli_fail(c, err_set_at(c->cx, ERR_USAGE, S("out"), "models export needs --out"));
    int r = api_call(api, c->cx, &op_models_weights, &q, &out);
    if (r == 0)
        r = file_write(c->cx, str_cz(c->cx->arena, in->out), out.bytes, 0644);
    if (r)
        return cli_fail(c, r);
    if (!c->quiet && !c->json)
        fprintf(c->out, STR_FMT ": %s\n", STR_ARG(in->out), term_bytes(c->cx->arena, (int64_t)out.bytes.n).p);
    return 0;
}

int cli_register(Cli *c, ApiCaller *api, ModelRegisterRequest *q, Str bytes, ModelRegisterResponse *out) {
    Buf b;
    if (bytes.n > MODELS_API_WEIGHTS)
        return err_set(c->cx, ERR_TOO_LARGE, "the model has %zu bytes, at most %d can be registered", bytes.n,
                       MODELS_API_WEIGHTS);
    buf_init(&b, MODELS_API_WEIGHTS / 3 * 4 + 16);
    int r = base64_put(&b, bytes);
    q->weights = buf_str(&b);
    if (r == 0)
        r = api_call(api, c->cx, &op_models_register, q, out);
    buf_done(&b);
    return r;
}

static int import_it(Cli *c, ApiCaller *api, const ModelsIn *in) {
    ModelRegisterRequest q;
    ModelRegisterResponse out = { 0 };
    Str bytes;
    shape_init(&model_register_request_shape, c->cx, &q);
    q.model = in->model;
    q.parent = in->parent;
    q.promote = in->promote;
    q.force = in->force;
    q.command = S("finsight models import");
    if (in->file.n == 0)
        return cli_fail(c, err_set_at(c->cx, ERR_USAGE, S("file"), "models import needs --file"));
    int r = file_read(c->cx, str_cz(c->cx->arena, in->file), MODELS_API_WEIGHTS, &bytes);
    if (r == 0)
        r = cli_register(c, api, &q, bytes, &out);
    if (r)
        return cli_fail(c, r);
    if (c->json)
        return cli_print_json(c, &model_register_response_shape, &out);
    fprintf(c->out, STR_FMT "\n", STR_ARG(out.message));
    return 0;
}

static int clear(Cli *c, ApiCaller *api, const ModelsIn *in) {
    ModelsClearRequest q = { in->days };
    ModelsClearResponse out = { 0 };
    int r = api_call(api, c->cx, &op_models_clear, &q, &out);
    if (r)
        return cli_fail(c, r);
    if (c->json)
        return cli_print_json(c, &models_clear_response_shape, &out);
    fprintf(c->out, "cleared away: %lld runs, %lld experiments, %lld files\n", (long long)out.runs,
            (long long)out.experiments, (long long)out.files);
    return 0;
}

static int run_models(Cli *c, const void *in_) {
    static const struct {
        const char *action;
        int (*run)(Cli *c, ApiCaller *api, const ModelsIn *in);
        bool needs_model;
    } rows[] = { { "list", list, false },       { "show", show, true },        { "versions", versions, true },
                 { "compare", versions, true }, { "promote", stage, true },    { "stage", stage, true },
                 { "alias", alias, true },      { "delete", delete_it, true }, { "export", export_it, true },
                 { "import", import_it, true }, { "clear", clear, false } };
    const ModelsIn *in = in_;
    size_t i = 0;
    ApiCaller *api;
    while (!str_eq(in->action, str_c(rows[i].action))) /* the choices of the field are these */
        i++;
    if (rows[i].needs_model && in->model.n == 0)
        return cli_fail(c, err_set_at(c->cx, ERR_USAGE, S("model"), "models " STR_FMT " needs the name of a model",
                                      STR_ARG(in->action)));
    int r = cli_api(c, &api);
    return r ? cli_fail(c, r) : rows[i].run(c, api, in);
}

const Command cmd_models = {
    .name = "models",
    .group = "Forecasting",
    .summary = "Registered models: cards, versions, promotion, files",
    .run = run_models,
    .help =
        "A model is registered by train --register or by import. Promoting a version puts it in Production and makes "
        "it "
        "what the model's plain name means; one that is not clearly better than repeating the last value is refused "
        "unless forced. MLflow's own client sees the same models on a server.",
    .examples = "finsight models  # what there is\n"
                "finsight models show btc-1h  # the card of the promoted version\n"
                "finsight models compare btc-1h --versions 2,3\n"
                "finsight models promote btc-1h 3\n"
                "finsight models export btc-1h --out btc-1h.model",
    .flags = &models_shape,
    .positional = (const char *const[]){ "action", "model", "version", NULL },
};
