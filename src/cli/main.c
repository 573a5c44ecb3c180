/* cli/main.c - finds the command, reads its flags, prints help and failures; see cli.h. */

#include "cli/internal.h"

#include "api/cli_flags.h"
#include "base/file.h"

#include <errno.h>

const Command *const cli_market_commands[] = {
    &cmd_alerts,   &cmd_import,   &cmd_export,      &cmd_query,      &cmd_list,      &cmd_stats,      &cmd_gaps,
    &cmd_quality,  &cmd_ensure,   &cmd_collect,     &cmd_symbols,    &cmd_exchanges, &cmd_remove,     &cmd_storage,
    &cmd_verify,   &cmd_backtest, &cmd_backtests,   &cmd_show,       &cmd_compare,   &cmd_strategies, &cmd_recommend,
    &cmd_report,   &cmd_sweep,    &cmd_walkforward, &cmd_montecarlo, &cmd_prove,     &cmd_upload,     &cmd_download,
    &cmd_datasets, &cmd_convert,  &cmd_backup,      &cmd_fill,       &cmd_unfill,    &cmd_resample,   &cmd_disagree,
    &cmd_actions,  &cmd_keys,     &cmd_audit,       &cmd_jobs,       &cmd_events,    &cmd_results,    &cmd_train,
    &cmd_evaluate, &cmd_predict,  &cmd_tune,        &cmd_news,       &cmd_sentiment, &cmd_models,     &cmd_cache,
};
const size_t cli_n_market_commands = ARRAY_LEN(cli_market_commands);

int cli_api(Cli *c, ApiCaller **out) {
    if (!c->api) {
        int r = c->connect(c->connect_arg, c->cx, &c->api);
        if (r != 0)
            return r;
    }
    *out = c->api;
    return 0;
}

/* --- failures --- */

int cli_fail(Cli *c, int code) {
    const Err *err = &c->cx->err;
    const ErrInfo *info = err_info(code);
    if (c->reader_gone)
        return CLI_READER_GONE;
    const char *text = err->code == code && err->text[0] ? err->text : info->words;
    if (c->json) {
        Buf b;
        buf_init(&b, 16 << 10);
        JsonWriter w;
        json_writer_init(&w, &b, false);
        op_write_error(&w, c->cx);
        fprintf(c->out, STR_FMT "\n", STR_ARG(buf_str(&b)));
        buf_done(&b);
    } else {
        fprintf(c->err, "%sfinsight: %s%s\n", c->err_tty && c->colour ? "\033[31m" : "", text,
                c->err_tty && c->colour ? "\033[0m" : "");
    }
    return info->exit_code;
}

int cli_out_fail(Cli *c, int os_errno) {
    if (os_errno == EPIPE || (c->out_gone && c->out_gone(c))) {
        c->reader_gone = true;
        return ERR_CANCELLED;
    }
    return os_errno ? file_fail(c->cx, os_errno, "write", "standard output")
                    : err_set(c->cx, ERR_IO, "cannot write standard output: not all of it was taken");
}

/* A result that nobody got is no success. */
static int finish_output(Cli *c, int status) {
    bool before = ferror(c->out);
    int os_errno = fflush(c->out) != 0 ? errno : 0;
    if (c->reader_gone || status != 0 || (!before && !os_errno))
        return c->reader_gone ? CLI_READER_GONE : status;
    int r = cli_out_fail(c, os_errno);
    c->json = false; /* there is no place for a document */
    return c->reader_gone ? CLI_READER_GONE : cli_fail(c, r);
}

/* --- help --- */

static void list_commands(Cli *c, const Command *const *v, size_t n) {
    static const char *const groups[] = { "Data", "Backtesting", "Forecasting", "Platform", "Help" };
    fprintf(c->out,
            "%sFinSight%s %s - market data you can trust, on your own machine\n\n"
            "usage: finsight COMMAND [options]\n",
            term_tone(c, TONE_BOLD), term_end(c), FINSIGHT_VERSION);
    for (size_t g = 0; g < ARRAY_LEN(groups); g++) {
        fprintf(c->out, "\n%s%s%s\n", term_tone(c, TONE_BOLD), groups[g], term_end(c));
        for (size_t i = 0; i < n; i++)
            if (strcmp(v[i]->group, groups[g]) == 0)
                fprintf(c->out, "  %-13s %s\n", v[i]->name, v[i]->summary);
    }
    fprintf(c->out, "\nfinsight help COMMAND shows options and examples; help config the program's.\n"
                    "Everywhere: --json --quiet --no-color --data-dir DIR --config FILE --log-level L\n");
}

enum { EXAMPLES_MAX = 8 };

/* "finsight query X  # what it does" lines -> records. */
static size_t split_examples(Arena *a, const char *examples, CliExample *out) {
    Str rest = str_c(examples), line;
    size_t n = 0;
    while (n < EXAMPLES_MAX && str_next(&rest, '\n', &line)) {
        ptrdiff_t note = str_find(line, S("  # "));
        out[n++] = (CliExample){ .line = str_cz(a, note >= 0 ? str_first(line, (size_t)note) : line),
                                 .doc = note >= 0 ? str_cz(a, str_from(line, (size_t)note + 4)) : NULL };
    }
    return n;
}

typedef struct Usage { /* a CliUsage and what it points to */
    CliUsage u;
    CliGroup groups[2];
    CliExample examples[EXAMPLES_MAX];
} Usage;

static void usage_of(Cli *c, const Command *cmd, void *in, Usage *out) {
    Arena *a = c->cx->arena;
    size_t n = 0;
    *out = (Usage){ 0 };
    if (cmd->flags)
        out->groups[n++] = (CliGroup){ "Options", cmd->flags, in };
    out->u = (CliUsage){ .command = str_fmt(a, "finsight %s", cmd->name).p,
                         .summary = cmd->summary,
                         .doc = cmd->help,
                         .positionals = cmd->positional,
                         .groups = out->groups,
                         .n_groups = n,
                         .examples = out->examples };
    out->u.n_examples = split_examples(a, cmd->examples, out->examples);
}

static int print_help(Cli *c, const Command *cmd) {
    Usage usage;
    Buf b;
    usage_of(c, cmd, NULL, &usage);
    if (cmd->shows_options && c->options)
        usage.groups[usage.u.n_groups++] = (CliGroup){ "Options of the program", c->options, NULL };
    buf_init(&b, 256 << 10);
    cli_flags_help(&usage.u, &b, CLAMP(c->columns, 40, 100), c->colour);
    fprintf(c->out, STR_FMT, STR_ARG(buf_str(&b)));
    buf_done(&b);
    return 0;
}

/* --- dispatch --- */

static const Command *find(const Command *const *v, size_t n, Str name) {
    for (size_t i = 0; i < n; i++)
        if (str_eq(str_c(v[i]->name), name))
            return v[i];
    return NULL;
}

/* The nearest of the names offered one by one, if one is near enough to be what was meant. */
typedef struct Nearest {
    Str word;
    const char *name; /* NULL: none */
    size_t distance;
} Nearest;

static void nearest_offer(Nearest *n, const char *name) {
    enum { NEAR = 2 };
    size_t most = n->name ? n->distance : NEAR + 1;
    size_t d = str_distance(n->word, str_c(name), most);
    if (d < most) {
        n->distance = d;
        n->name = name;
    }
}

static int unknown(Cli *c, const Command *const *v, size_t n, Str word) {
    Nearest near = { .word = word };
    for (size_t i = 0; i < n; i++)
        nearest_offer(&near, v[i]->name);
    return cli_fail(c, err_set(c->cx, ERR_USAGE,
                               near.name ? "there is no command '" STR_FMT "'; did you mean %s?"
                                         : "there is no command '" STR_FMT "'; finsight help lists them%s",
                               STR_ARG(word), near.name ? near.name : ""));
}

/* --json and its like may stand anywhere; they are taken out. */
static void take_common(Cli *c, int *argc, char **argv, bool *help) {
    int kept = 1;
    bool end = false;
    for (int i = 1; i < *argc; i++) {
        const char *a = argv[i];
        end |= strcmp(a, "--") == 0;
        if (!end && strcmp(a, "--json") == 0)
            c->json = true;
        else if (!end && (strcmp(a, "--quiet") == 0 || strcmp(a, "-q") == 0))
            c->quiet = true;
        else if (!end && strcmp(a, "--no-color") == 0)
            c->colour = false;
        else if (!end && (strcmp(a, "--help") == 0 || strcmp(a, "-h") == 0))
            *help = true;
        else
            argv[kept++] = argv[i];
    }
    *argc = kept;
    if (c->json)
        c->colour = false;
}

/* A mistyped option of the program itself (--prot for --port) is not the command's to know. */
static int wrong_flag(Cli *c, int code, int argc, char **argv) {
    Nearest near = { 0 };
    for (int i = 1; i < argc && code == ERR_USAGE; i++) {
        Str word = str_c(argv[i]);
        if (!str_starts(word, S("--")) || str_find(str_c(c->cx->err.text), word) < 0)
            continue;
        word = str_from(word, 2);
        str_next(&word, '=', &near.word);
        for (size_t k = 0; c->options && k < c->options->n_fields; k++)
            nearest_offer(&near, c->options->fields[k].name);
    }
    if (near.name && str_find(str_c(c->cx->err.text), S("did you mean")) < 0)
        err_set(c->cx, code, "%s; did you mean --%s?", str_dup(c->cx->arena, str_c(c->cx->err.text)).p, near.name);
    return cli_fail(c, code);
}

static int run(Cli *c, const Command *cmd, int argc, char **argv) {
    void *in = cmd->flags ? arena_zalloc(c->cx->arena, cmd->flags->size) : NULL;
    Usage usage;
    usage_of(c, cmd, in, &usage);
    int r = cli_flags_parse(&usage.u, c->cx, argc - 1, argv + 1);
    if (r == CLI_HELP)
        return print_help(c, cmd);
    if (r != 0)
        return wrong_flag(c, r, argc, argv);
    return cmd->run(c, in);
}

static int dispatch(Cli *c, const Command *const *commands, size_t n, int argc, char **argv) {
    bool help = false;
    take_common(c, &argc, argv, &help);
    if (argc < 2 || (strcmp(argv[1], "help") == 0 && argc < 3)) {
        list_commands(c, commands, n);
        return argc < 2 && !help ? err_info(ERR_USAGE)->exit_code : 0;
    }
    if (strcmp(argv[1], "help") == 0) {
        help = true;
        argv++;
        argc--;
    }
    const char *word = strcmp(argv[1], "--version") == 0 ? "version" : argv[1];
    const Command *cmd = find(commands, n, str_c(word));
    if (!cmd)
        return unknown(c, commands, n, str_c(word));
    if (help)
        return print_help(c, cmd);
    return run(c, cmd, argc - 1, argv + 1);
}

int cli_main(Cli *c, const Command *const *commands, size_t n, int argc, char **argv) {
    return finish_output(c, dispatch(c, commands, n, argc, argv));
}

/* --- small things the commands share --- */

Str cli_series_name(Arena *a, Str exchange, Str symbol, Str timeframe, Str provider) {
    return str_fmt(a, STR_FMT ":" STR_FMT ":" STR_FMT "%s" STR_FMT, STR_ARG(exchange), STR_ARG(symbol),
                   STR_ARG(timeframe), provider.n ? "@" : "", STR_ARG(provider));
}

int cli_print_json(Cli *c, const Shape *shape, const void *v) {
    Buf b;
    buf_init(&b, (size_t)1 << 30);
    JsonWriter w;
    json_writer_init(&w, &b, c->out_tty);
    shape_write(shape, &w, v);
    buf_put_c(&b, '\n');
    fwrite(b.p, 1, b.n, c->out);
    buf_done(&b);
    return 0;
}

const char *cli_simulated(const Cli *c, bool simulated) {
    return !simulated ? "" : c->colour ? "  \033[33mSIMULATED\033[0m" : "  SIMULATED";
}

void cli_line(Cli *c, const char *label, const char *fmt, ...) {
    fprintf(c->out, "  %s%-9s%s ", term_tone(c, TONE_DIM), label, term_end(c));
    va_list args;
    va_start(args, fmt);
    vfprintf(c->out, fmt, args);
    va_end(args);
    fputc('\n', c->out);
}

int cli_words(Cli *c, Str text, Str *out, size_t most, size_t *n) {
    Str part;
    *n = 0;
    while (str_next(&text, ',', &part)) {
        part = str_trim(part);
        if (!part.n)
            continue;
        if (*n == most)
            return err_set(c->cx, ERR_LIMIT, "more than %zu names in one list", most);
        out[(*n)++] = part;
    }
    return *n ? 0 : err_set(c->cx, ERR_USAGE, "an empty list");
}
