/* app/commands.c - config, doctor, version, docs, completion: about the platform itself. */

#include "app/commands.h"
#include "app/app.h"

#include "adapters/store/sqlite.h"
#include "api/market/market_api.h"
#include "base/file.h"
#include "cli/term.h"

#include <sys/utsname.h>
#include <unistd.h>

enum { TEXT_MAX = 8 << 20 };

static int print_buf(Cli *c, Buf *b) {
    fwrite(b->p, 1, b->n, c->out);
    buf_done(b);
    return 0;
}

/* --- config --- */

static int run_config(Cli *c, const void *in) {
    UNUSED(in);
    Buf b;
    buf_init(&b, TEXT_MAX);
    if (c->json)
        cfg_write_effective_json(&((App *)c)->cfg_table, &b);
    else
        cfg_write_effective(&((App *)c)->cfg_table, &b);
    return print_buf(c, &b);
}

const Command cmd_config = {
    .name = "config",
    .group = "Platform",
    .summary = "Effective configuration, and where each value comes from",
    .run = run_config,
    .help = "A flag beats the environment (FINSIGHT_SECTION_NAME), which beats the file, which beats the default. "
            "Secrets are masked.",
    .shows_options = true,
    .examples = "finsight config --config finsight.yaml\nFINSIGHT_SERVER_PORT=9000 finsight config --json",
};

/* --- version --- */

static int run_version(Cli *c, const void *in) {
    UNUSED(in);
    if (c->json)
        fprintf(c->out, "{\"name\":\"finsight\",\"version\":\"%s\",\"api\":\"v1\"}\n", FINSIGHT_VERSION);
    else
        fprintf(c->out, "finsight %s\n", FINSIGHT_VERSION);
    return 0;
}

const Command cmd_version = {
    .name = "version",
    .group = "Help",
    .summary = "Version of this program",
    .run = run_version,
    .examples = "finsight version",
};

/* --- doctor: what could be wrong with this installation --- */

typedef struct Check {
    const char *name;
    Str words;
    bool ok, warning;
} Check;

enum { CHECKS_MAX = 16 };

typedef struct Doctor {
    App *app;
    Check v[CHECKS_MAX];
    size_t n;
} Doctor;

static void add(Doctor *d, const char *name, bool ok, bool warning, Str words) {
    assert(d->n < CHECKS_MAX);
    d->v[d->n++] = (Check){ name, words, ok, warning };
}

static void check_machine(Doctor *d, Ctx *cx) {
    struct utsname u;
    uname(&u);
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    const char *kernels = __builtin_cpu_supports("avx2") ? "AVX2" : "plain";
    add(d, "machine", true, false,
        str_fmt(cx->arena, "%s %s, %ld cores, %s kernels", u.sysname, u.machine, cores, kernels));
    int64_t year = time_to_civil(clock_wall(cx->clock)).year;
    add(d, "clock", year >= 2024 && year < 2100, false,
        str_fmt(cx->arena, STR_FMT " UTC", STR_ARG(term_minute(cx->arena, clock_wall(cx->clock)))));
}

static void check_data_dir(Doctor *d, Ctx *cx) {
    enum { LOW_BYTES = 200 << 20 };
    const char *dir = d->app->cfg.data_dir;
    int64_t free_bytes = 0;
    if (!dir_exists(dir)) {
        add(d, "data folder", true, false,
            str_fmt(cx->arena, "%s does not exist yet; it is made at the first use", dir));
        return;
    }
    bool ok = dir_probe(cx, dir) == 0 && dir_free_bytes(cx, dir, &free_bytes) == 0;
    bool low = ok && free_bytes < LOW_BYTES;
    add(d, "data folder", ok, low,
        ok ? str_fmt(cx->arena, "%s, " STR_FMT " free", dir, STR_ARG(term_bytes(cx->arena, free_bytes)))
           : str_dup(cx->arena, str_c(cx->err.text)));
}

static void check_store(Doctor *d, Ctx *cx) {
    ApiCaller *api;
    StorageInfo s = { 0 };
    int r = cli_api(&d->app->cli, &api);
    if (r == 0)
        r = api_call(api, cx, &op_market_storage, NULL, &s);
    add(d, "store", r == 0, false,
        r == 0 ? str_fmt(cx->arena, STR_FMT ", " STR_FMT " candles in " STR_FMT " series%s", STR_ARG(s.adapter),
                         STR_ARG(term_count(cx->arena, s.candles)), STR_ARG(term_count(cx->arena, s.series)),
                         d->app->remote ? ", owned by a running server" : "")
               : str_dup(cx->arena, str_c(cx->err.text)));
}

static void check_exchange(Doctor *d, Ctx *cx) {
    if (!d->app->platform_is_open) {
        add(d, "binance", true, true, S("not asked: a server owns the store; see its /health"));
        return;
    }
    Ctx inner = *cx;
    inner.deadline = mono_add_ms(clock_mono(cx->clock), 5000);
    Time t;
    bool ok = market_feed_server_time(d->app->platform.feeds[VENUE_binance], &inner, &t) == 0;
    int64_t skew = ok ? t.ms - clock_wall(cx->clock).ms : 0;
    bool skewed = skew > 2000 || skew < -2000;
    add(d, "binance", true, !ok || skewed,
        !ok ? str_fmt(cx->arena, "cannot be reached (%s); stored data work without it", inner.err.text)
            : str_fmt(cx->arena, STR_FMT ", clock differs by %lld ms", STR_ARG(d->app->cfg.venues[VENUE_binance].url),
                      (long long)skew));
}

static void show_checks(Cli *c, const Doctor *d) {
    for (size_t i = 0; i < d->n; i++) {
        const Check *k = &d->v[i];
        Tone tone = !k->ok ? TONE_BAD : k->warning ? TONE_WARN : TONE_GOOD;
        fprintf(c->out, "%s%s%s %-12s " STR_FMT "\n", term_tone(c, tone),
                !k->ok       ? "✗"
                : k->warning ? "!"
                             : "✓",
                term_end(c), k->name, STR_ARG(k->words));
    }
}

static void print_checks_json(Cli *c, const Doctor *d) {
    Buf b;
    buf_init(&b, TEXT_MAX);
    JsonWriter w;
    json_writer_init(&w, &b, true);
    json_array(&w);
    for (size_t i = 0; i < d->n; i++) {
        json_object(&w);
        json_put_str(&w, "check", str_c(d->v[i].name));
        json_put_str(&w, "status", !d->v[i].ok ? S("failed") : d->v[i].warning ? S("warning") : S("ok"));
        json_put_str(&w, "words", d->v[i].words);
        json_object_end(&w);
    }
    json_array_end(&w);
    buf_put_c(&b, '\n');
    print_buf(c, &b);
}

static int run_doctor(Cli *c, const void *in) {
    UNUSED(in);
    Doctor d = { .app = (App *)c };
    check_machine(&d, c->cx);
    check_data_dir(&d, c->cx);
    check_store(&d, c->cx);
    check_exchange(&d, c->cx);
    if (c->json)
        print_checks_json(c, &d);
    else
        show_checks(c, &d);
    for (size_t i = 0; i < d.n; i++)
        if (!d.v[i].ok)
            return 1;
    return 0;
}

const Command cmd_doctor = {
    .name = "doctor",
    .group = "Platform",
    .summary = "Check machine, data folder, store and exchange",
    .run = run_doctor,
    .examples = "finsight doctor",
};

/* --- migrate --- */

typedef struct MigrateIn {
    int64_t to;
} MigrateIn;
static const Field migrate_f[] = {
    FIELD(MigrateIn, to, .flags = F_REQUIRED, .min = 1, .max = STORE_SQLITE_SCHEMA,
          .doc = "Schema version to bring the store to, up or down."),
};
static SHAPE(migrate_shape, MigrateIn, migrate_f);

/* Opening a store migrates it up by itself; this is for the way down, before an older program takes it over. */
static int run_migrate(Cli *c, const void *in_) {
    const MigrateIn *in = in_;
    App *app = (App *)c;
    int r = app_seal(app, c->cx);
    if (r == 0)
        r = app->cfg.data_store == STORE_SQLITE
                ? store_sqlite_migrate(
                      c->cx, &(StoreSqliteOptions){ .path = path_join(c->cx->arena, app->cfg.data_dir, "market.db") },
                      (int)in->to)
                : err_set(c->cx, ERR_UNSUPPORTED, "only the sqlite store has a schema");
    if (r != 0)
        return cli_fail(c, r);
    fprintf(c->out, "%s/market.db has schema %lld\n", app->cfg.data_dir, (long long)in->to);
    return 0;
}

const Command cmd_migrate = {
    .name = "migrate",
    .group = "Platform",
    .summary = "Bring the store to a schema version, up or down",
    .run = run_migrate,
    .help = "Not needed in daily life: a newer program migrates a store when it opens it, and keeps a copy beside it. "
            "Run this before an older program is to read the store again. No server may have it open.",
    .examples = "finsight migrate --to 1",
    .flags = &migrate_shape,
    .positional = (const char *const[]){ "to", NULL },
};

/* --- docs: the pages that are made from tables --- */

typedef struct DocsIn {
    Str page;
} DocsIn;
static const char *const doc_pages[] = { "configuration", "openapi", "api", "roles", NULL };
static const Field docs_f[] = {
    FIELD(DocsIn, page, .flags = F_REQUIRED, .choices = doc_pages,
          .doc = "configuration, roles (Markdown), openapi (JSON) or api (HTML)."),
};
static SHAPE(docs_shape, DocsIn, docs_f);

static int run_docs(Cli *c, const void *in_) {
    const DocsIn *in = in_;
    const OpTable *told[N_DOCUMENTED_TABLES];
    documented_tables(told);
    Buf b;
    buf_init(&b, TEXT_MAX);
    if (str_eq(in->page, S("configuration"))) {
        cfg_write_markdown(&((App *)c)->cfg_table, &b);
    } else if (str_eq(in->page, S("roles"))) {
        roles_write_markdown(&b);
    } else if (str_eq(in->page, S("openapi"))) {
        JsonWriter w;
        json_writer_init(&w, &b, true);
        openapi_write(&w, told, N_DOCUMENTED_TABLES, S("/"));
        buf_put_c(&b, '\n');
    } else {
        docs_write_html(&b, told, N_DOCUMENTED_TABLES);
    }
    return print_buf(c, &b);
}

const Command cmd_docs = {
    .name = "docs",
    .group = "Help",
    .summary = "Pages made from the program's own tables",
    .run = run_docs,
    .examples = "finsight docs openapi > openapi.json",
    .flags = &docs_shape,
    .positional = (const char *const[]){ "page", NULL },
};

/* --- completion --- */

typedef struct CompletionIn {
    Str shell;
} CompletionIn;
static const char *const shells[] = { "bash", "zsh", "fish", NULL };
static const Field completion_f[] = {
    FIELD(CompletionIn, shell, .flags = F_REQUIRED, .choices = shells, .doc = "bash, zsh or fish."),
};
static SHAPE(completion_shape, CompletionIn, completion_f);

static int run_completion(Cli *c, const void *in) {
    size_t n;
    const Command *const *all = app_commands(&n);
    return cli_completion(c, all, n, ((const CompletionIn *)in)->shell);
}

const Command cmd_completion = {
    .name = "completion",
    .group = "Help",
    .summary = "Shell completion",
    .run = run_completion,
    .examples = "finsight completion bash > /etc/bash_completion.d/finsight\nfinsight completion fish > "
                "~/.config/fish/completions/finsight.fish",
    .flags = &completion_shape,
    .positional = (const char *const[]){ "shell", NULL },
};
