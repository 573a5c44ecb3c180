/* adapters/registry/search.c - searches: a filter (ports/registry_filter.h) as SQL.
 *
 * Texts of the filter never become SQL: they are bound. What a page token says is checked to be of the same search. */

#include "adapters/registry/internal.h"

#include "base/buf.h"
#include "base/hash.h"
#include "ports/registry_filter.h"

#include <math.h>
#include <sqlite3.h>

enum { SQL_MAX = 64 << 10, BINDS_MAX = 4096, EXPERIMENTS_AT_ONCE = 1000 };

typedef struct Bind {
    bool numeric;
    double number;
    Str text;
} Bind;

typedef struct Search {
    Ctx *cx;
    FilterSubject subject;
    MlOwnerKind owner;
    const char *columns, *from, *tail; /* tail: the default order, and what makes any order total */
    const MlSearch *q;
    Buf sql;
    VEC(Bind) binds;
    int64_t offset;
    uint64_t sum; /* of the question, for tokens */
    VEC(MlExperiment) experiments;
    VEC(MlRun) runs;
    VEC(MlModel) models;
    VEC(MlVersion) versions;
    Str next;
} Search;

static void bind_text(Search *s, Str text) {
    vec_push_in(s->cx->arena, &s->binds, ((Bind){ .text = text }));
    buf_printf(&s->sql, "?%zu", s->binds.n);
}

static void bind_number(Search *s, double v) {
    vec_push_in(s->cx->arena, &s->binds, ((Bind){ .numeric = true, .number = v }));
    buf_printf(&s->sql, "?%zu", s->binds.n);
}

/* The attribute as SQL. */
static const char *attribute_sql(FilterSubject subject, FilterAttribute a) {
    switch (a) {
    case ATTRIBUTE_ID:
        return subject == FILTER_RUNS ? "t.id" : "t.nr";
    case ATTRIBUTE_NAME:
        return subject == FILTER_VERSIONS ? "m.name" : "t.name";
    case ATTRIBUTE_STATUS:
        return "t.status";
    case ATTRIBUTE_USER:
        return "t.user";
    case ATTRIBUTE_ARTIFACT_URI:
        return "t.uri";
    case ATTRIBUTE_START:
        return "t.started";
    case ATTRIBUTE_END:
        return "nullif(t.ended, 0)";
    case ATTRIBUTE_CREATED:
        return "t.created";
    case ATTRIBUTE_UPDATED:
        return "t.updated";
    case ATTRIBUTE_RUN_ID:
        return "t.run_id";
    case ATTRIBUTE_SOURCE:
        return "t.source";
    case ATTRIBUTE_VERSION:
        return "t.version";
    case ATTRIBUTE_STAGE:
        return "t.stage";
    default:
        return "CAST(t.experiment AS TEXT)";
    }
}

static void put_test(Search *s, const char *value, const FilterCondition *c) {
    static const char *const ops[] = { "=", "<>", "<", "<=", ">", ">=" };
    if (c->op == FILTER_LIKE || c->op == FILTER_ILIKE) {
        buf_printf(&s->sql, "ml_like(");
        bind_text(s, c->text);
        buf_printf(&s->sql, ", %s, %d)", value, c->op == FILTER_ILIKE);
    } else if (c->op == FILTER_IN || c->op == FILTER_NOT_IN) {
        buf_printf(&s->sql, "%s%s IN (", value, c->op == FILTER_IN ? "" : " NOT");
        for (size_t i = 0; i < c->n_list; i++) {
            buf_printf(&s->sql, "%s", i ? ", " : "");
            bind_text(s, c->list[i]);
        }
        buf_put_c(&s->sql, ')');
    } else {
        buf_printf(&s->sql, "%s%s", value, ops[c->op]);
        if (c->numeric)
            bind_number(s, c->number);
        else
            bind_text(s, c->text);
    }
}

static void put_condition(Search *s, const FilterCondition *c) {
    if (c->field == FILTER_ATTRIBUTE) {
        put_test(s, attribute_sql(s->subject, c->attribute), c);
        return;
    }
    /* Clients of MLflow 3 ask so for models that are no prompts: those without the tag are meant too, unlike elsewhere. */
    bool no_prompt = c->field == FILTER_TAG && c->op == FILTER_NE && str_eq(c->key, S("mlflow.prompt.is_prompt"));
    FilterCondition same = *c;
    if (no_prompt) {
        same.op = FILTER_EQ;
        buf_printf(&s->sql, "NOT ");
    }
    if (c->field == FILTER_TAG)
        buf_printf(&s->sql, "EXISTS(SELECT 1 FROM tag x WHERE x.kind=%d AND x.owner=t.nr AND x.key=", (int)s->owner);
    else
        buf_printf(&s->sql, "EXISTS(SELECT 1 FROM %s x WHERE x.run=t.nr AND x.key=",
                   c->field == FILTER_METRIC ? "latest" : "param");
    bind_text(s, c->key);
    buf_printf(&s->sql, " AND ");
    put_test(s, "x.value", &same);
    buf_put_c(&s->sql, ')');
}

static void put_order_value(Search *s, const FilterOrder *o) {
    if (o->field == FILTER_ATTRIBUTE) {
        buf_printf(&s->sql, "%s", attribute_sql(s->subject, o->attribute));
        return;
    }
    if (o->field == FILTER_TAG)
        buf_printf(&s->sql, "(SELECT x.value FROM tag x WHERE x.kind=%d AND x.owner=t.nr AND x.key=", (int)s->owner);
    else
        buf_printf(&s->sql, "(SELECT x.value FROM %s x WHERE x.run=t.nr AND x.key=",
                   o->field == FILTER_METRIC ? "latest" : "param");
    bind_text(s, o->key);
    buf_put_c(&s->sql, ')');
}

/* What has no value comes last, whichever way it goes. */
static int put_order(Search *s) {
    buf_printf(&s->sql, " ORDER BY ");
    if (s->q->n_order_by > FILTER_ORDERS)
        return err_set_at(s->cx, ERR_INVALID, S("order_by"), "order_by has at most %d entries", FILTER_ORDERS);
    for (size_t i = 0; i < s->q->n_order_by; i++) {
        FilterOrder o;
        int r = filter_order_parse(s->cx, s->subject, s->q->order_by[i], &o);
        if (r)
            return r;
        put_order_value(s, &o);
        buf_printf(&s->sql, " IS NULL, ");
        put_order_value(s, &o);
        buf_printf(&s->sql, "%s, ", o.descending ? " DESC" : "");
    }
    buf_printf(&s->sql, "%s LIMIT %zu OFFSET %lld", s->tail, s->q->limit + 1, (long long)s->offset);
    return 0;
}

static int put_experiments(Search *s) {
    if (s->q->n_experiments == 0 || s->q->n_experiments > EXPERIMENTS_AT_ONCE)
        return err_set_at(s->cx, ERR_INVALID, S("experiment_ids"), "1 to %d experiments can be searched, not %zu",
                          EXPERIMENTS_AT_ONCE, s->q->n_experiments);
    buf_printf(&s->sql, " AND t.experiment IN (");
    for (size_t i = 0; i < s->q->n_experiments; i++) {
        int64_t nr = -1; /* what is no number is no experiment */
        str_to_i64(s->q->experiments[i], &nr);
        buf_printf(&s->sql, "%s%lld", i ? ", " : "", (long long)nr);
    }
    buf_put_c(&s->sql, ')');
    return 0;
}

static int build(Search *s) {
    FilterCondition *conditions = NULL;
    size_t n = 0;
    int r = filter_parse(s->cx, s->subject, s->q->filter, &conditions, &n);
    if (r)
        return r;
    bool lives = s->subject == FILTER_RUNS || s->subject == FILTER_EXPERIMENTS;
    buf_printf(&s->sql, "SELECT %s FROM %s WHERE ", s->columns, s->from);
    buf_printf(&s->sql, !lives || s->q->view == ML_VIEW_ALL ? "1" : "t.life=%d", s->q->view == ML_VIEW_DELETED);
    if (s->subject == FILTER_RUNS)
        r = put_experiments(s);
    for (size_t i = 0; i < n && r == 0; i++) {
        buf_printf(&s->sql, " AND ");
        put_condition(s, &conditions[i]);
    }
    if (r == 0)
        r = put_order(s);
    if (r == 0 && (!buf_ok(&s->sql) || s->binds.n > BINDS_MAX))
        r = err_set_at(s->cx, ERR_INVALID, S("filter"), "the filter is too long");
    return r ? r : buf_put_c(&s->sql, '\0');
}

/* --- tokens --- */

static void sum_str(uint64_t *sum, Str s) {
    *sum = hash64_str(s, *sum + 1);
}

static int read_token(Search *s) {
    const MlSearch *q = s->q;
    Str token = q->page_token, part;
    uint64_t sum;
    s->sum = (uint64_t)s->subject << 8 | (uint64_t)q->view;
    sum_str(&s->sum, q->filter);
    for (size_t i = 0; i < q->n_order_by; i++)
        sum_str(&s->sum, q->order_by[i]);
    for (size_t i = 0; i < q->n_experiments; i++)
        sum_str(&s->sum, q->experiments[i]);
    s->sum >>= 1;
    if (token.n == 0)
        return 0;
    if (str_next(&token, '-', &part) && str_to_i64(part, &s->offset) && s->offset > 0 && str_to_u64(token, &sum) &&
        sum == s->sum)
        return 0;
    return err_set_at(s->cx, ERR_INVALID, S("page_token"), "Invalid page token: it is of another search");
}

/* --- running it --- */

static int bind_values(Db *db, Search *s, sqlite3_stmt *st) {
    int rc = SQLITE_OK;
    for (size_t i = 0; i < s->binds.n && rc == SQLITE_OK; i++) {
        const Bind *b = &s->binds.v[i];
        rc = b->numeric ? sqlite3_bind_double(st, (int)i + 1, b->number)
                        : sqlite3_bind_text64(st, (int)i + 1, b->text.p ? b->text.p : "", b->text.n, SQLITE_STATIC,
                                              SQLITE_UTF8);
    }
    return rc == SQLITE_OK ? 0 : db_fail(db, s->cx, "bind a value");
}

typedef struct RowNumbers {
    int64_t nr, model;
} RowNumbers;

static int take_row(Db *db, Search *s, sqlite3_stmt *st, RowNumbers *at) {
    Ctx *cx = s->cx;
    MlExperiment e;
    MlModel m;
    MlRun run;
    MlVersion v;
    int r = 0;
    switch (s->subject) {
    case FILTER_EXPERIMENTS:
        experiment_row(cx, st, &at->nr, &e);
        vec_push_in(cx->arena, &s->experiments, e);
        break;
    case FILTER_RUNS:
        r = run_row(db, cx, st, &at->nr, &run);
        vec_push_in(cx->arena, &s->runs, run);
        break;
    case FILTER_MODELS:
        model_row(cx, st, &at->nr, &m);
        vec_push_in(cx->arena, &s->models, m);
        break;
    default:
        r = version_row(db, cx, st, &at->nr, &at->model, &v);
        vec_push_in(cx->arena, &s->versions, v);
    }
    return r;
}

static int fill_row(Db *db, Search *s, size_t i, const RowNumbers *at) {
    switch (s->subject) {
    case FILTER_EXPERIMENTS:
        return experiment_fill(db, s->cx, at->nr, &s->experiments.v[i]);
    case FILTER_RUNS:
        return run_fill(db, s->cx, at->nr, &s->runs.v[i]);
    case FILTER_MODELS:
        return model_fill(db, s->cx, at->nr, &s->models.v[i]);
    default:
        return version_fill(db, s->cx, at->nr, at->model, &s->versions.v[i]);
    }
}

static int work_search(Db *db, Ctx *cx, void *arg) {
    Search *s = arg;
    VEC(RowNumbers) numbers = { 0 };
    sqlite3_stmt *st = NULL;
    int r = 0;
    if (sqlite3_prepare_v2(db->handle, s->sql.p, -1, &st, NULL) != SQLITE_OK)
        return db_fail(db, cx, "search");
    r = bind_values(db, s, st);
    while (r == 0 && (r = db_step(db, cx, st)) > 0) {
        RowNumbers at = { 0 };
        if (numbers.n == s->q->limit) {
            long long at_next = s->offset + (int64_t)s->q->limit;
            s->next = str_fmt(cx->arena, "%lld-%llu", at_next, (unsigned long long)s->sum);
            r = 0;
            break;
        }
        r = take_row(db, s, st, &at);
        vec_push_in(cx->arena, &numbers, at);
    }
    sqlite3_finalize(st);
    for (size_t i = 0; i < numbers.n && r == 0; i++)
        r = fill_row(db, s, i, &numbers.v[i]);
    return r;
}

static int search(ModelRegistry *r, Ctx *cx, const MlSearch *q, Search *s) {
    s->cx = cx;
    s->q = q;
    buf_init(&s->sql, SQL_MAX);
    int e = read_token(s);
    if (e == 0)
        e = build(s);
    if (e == 0)
        e = db_owner_read(owner_of(r), cx, work_search, s);
    buf_done(&s->sql);
    return e;
}

int do_experiments(ModelRegistry *r, Ctx *cx, const MlSearch *q, MlExperiment **out, size_t *n, Str *next) {
    Search s = { .subject = FILTER_EXPERIMENTS,
                 .owner = ML_OF_EXPERIMENT,
                 .columns = EXPERIMENT_COLUMNS,
                 .from = "experiment t",
                 .tail = "t.updated DESC, t.nr DESC" };
    int e = search(r, cx, q, &s);
    *out = s.experiments.v;
    *n = s.experiments.n;
    *next = s.next;
    return e;
}

int do_runs(ModelRegistry *r, Ctx *cx, const MlSearch *q, MlRun **out, size_t *n, Str *next) {
    Search s = { .subject = FILTER_RUNS,
                 .owner = ML_OF_RUN,
                 .columns = RUN_COLUMNS,
                 .from = "run t",
                 .tail = "t.started DESC, t.id" };
    int e = search(r, cx, q, &s);
    *out = s.runs.v;
    *n = s.runs.n;
    *next = s.next;
    return e;
}

int do_models(ModelRegistry *r, Ctx *cx, const MlSearch *q, MlModel **out, size_t *n, Str *next) {
    Search s = {
        .subject = FILTER_MODELS, .owner = ML_OF_MODEL, .columns = MODEL_COLUMNS, .from = "model t", .tail = "t.name"
    };
    int e = search(r, cx, q, &s);
    *out = s.models.v;
    *n = s.models.n;
    *next = s.next;
    return e;
}

int do_versions(ModelRegistry *r, Ctx *cx, const MlSearch *q, MlVersion **out, size_t *n, Str *next) {
    Search s = { .subject = FILTER_VERSIONS,
                 .owner = ML_OF_VERSION,
                 .columns = VERSION_COLUMNS,
                 .from = VERSION_FROM,
                 .tail = "t.updated DESC, m.name, t.version DESC" };
    int e = search(r, cx, q, &s);
    *out = s.versions.v;
    *n = s.versions.n;
    *next = s.next;
    return e;
}
