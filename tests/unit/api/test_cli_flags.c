/* api/cli_flags: command lines and help from the tables. */

#include "api/cli_flags.h"
#include "base/utf8.h"
#include "demo.h"
#include "lib/test.h"

typedef struct OutputFlags {
    bool json;
    Str out;
} OutputFlags;

static const Field output_fields[] = {
    FIELD(OutputFlags, json, .doc = "Print JSON."),
    FIELD(OutputFlags, out, .doc = "Write to this file.", .example = "btc.csv"),
};
static SHAPE(output_flags, OutputFlags, output_fields);

typedef struct Command {
    DemoQuery query;
    OutputFlags output;
    CliGroup groups[2];
    CliUsage usage;
} Command;

static const CliExample examples[] = {
    { "demo query BTCUSDT 1h --limit 5", "The last five hours." },
    { "demo query VNM 1d --columns open,close --json", NULL },
};

static const char *const places[] = { "symbol", "timeframe", NULL };

static void command_init(Command *c) {
    *c = (Command){ 0 };
    c->groups[0] = (CliGroup){ "Options", &demo_query, &c->query };
    c->groups[1] = (CliGroup){ "Output", &output_flags, &c->output };
    c->usage = (CliUsage){ .command = "demo query",
                           .summary = "Print stored candles.",
                           .doc = "Candles are printed oldest first, as a table on a terminal and as CSV in a pipe.",
                           .positionals = places,
                           .groups = c->groups,
                           .n_groups = 2,
                           .examples = examples,
                           .n_examples = ARRAY_LEN(examples) };
}

/* Splits at blanks, as a shell would do without quotes. */
static int parse(TestCtx *t, const CliUsage *u, const char *line) {
    char *argv[32];
    int argc = 0;
    Str rest = str_c(line), word;
    while (rest.n && str_next(&rest, ' ', &word))
        argv[argc++] = str_cz(&t->arena, word);
    err_clear(&t->cx);
    return cli_flags_parse(u, &t->cx, argc, argv);
}

TEST(a_command_line_fills_its_records) {
    TestCtx t;
    Command c;
    test_ctx_init(&t);
    command_init(&c);
    CHECK_OK(&t.cx, parse(&t, &c.usage,
                          "BTCUSDT --limit=7 1h --start 2024-01-01 --no-adjusted --columns open,close --columns low "
                          "--json --min-volume .5 --order desc"));
    CHECK_STR(c.query.symbol, S("BTCUSDT"));
    CHECK_STR(c.query.timeframe, S("1h"));
    CHECK_EQ(c.query.limit, 7);
    CHECK_EQ(c.query.start.ms, INT64_C(1704067200000));
    CHECK(!c.query.adjusted);
    CHECK_EQ(c.query.columns.n, 3);
    CHECK_STR(((Str *)c.query.columns.v)[2], S("low"));
    CHECK_NEAR(c.query.min_volume, 0.5, 0);
    CHECK_STR(c.query.order, S("desc"));
    CHECK_STR(c.query.exchange, S("binance")); /* the default */
    CHECK(c.output.json);
    test_ctx_done(&t);
}

TEST(the_forms_of_a_flag_mean_the_same) {
    static const struct {
        const char *name, *line;
    } rows[] = {
        { "two words", "A 1h --min-volume 3 --adjusted" },
        { "equals sign", "A 1h --min-volume=3 --adjusted=true" },
        { "underscore", "A 1h --min_volume 3 --adjusted=yes" },
        { "positionals as flags", "--symbol A --timeframe=1h --min-volume 3" },
        { "older name", "--symbol=A --interval 1h --min-volume 3" },
        { "flags end", "--min-volume 3 -- A 1h" },
    };
    TestCtx t;
    Command c;
    test_ctx_init(&t);
    command_init(&c);
    EACH_ROW (r, rows) {
        CHECK_OK(&t.cx, parse(&t, &c.usage, r->line));
        CHECK_STR(c.query.symbol, S("A"));
        CHECK_STR(c.query.timeframe, S("1h"));
        CHECK_NEAR(c.query.min_volume, 3, 0);
        CHECK(c.query.adjusted);
    }
    test_ctx_done(&t);
}

TEST(a_bad_command_line_is_refused_with_words) {
    static const struct {
        const char *name, *line, *words;
        int code;
    } rows[] = {
        { "nothing", "", "<symbol> is missing; try: demo query --help", ERR_USAGE },
        { "one argument", "A", "<timeframe> is missing", ERR_USAGE },
        { "three arguments", "A 1h x", "demo query takes no more arguments; \"x\" is one too many", ERR_USAGE },
        { "unknown flag", "A 1h --limt 5", "--limt is not a flag of demo query; did you mean --limit?", ERR_USAGE },
        { "unknown flag with a value", "A 1h --colums=open",
          "--colums is not a flag of demo query; did you mean --columns?", ERR_USAGE },
        { "far flag", "A 1h --frobnicate", "--frobnicate is not a flag of demo query", ERR_USAGE },
        { "short flag", "A 1h -x", "-x is not a flag", ERR_USAGE },
        { "no value", "A 1h --limit", "--limit needs a value", ERR_USAGE },
        { "twice", "A 1h --limit 5 --limit 6", "--limit is given twice", ERR_USAGE },
        { "by place and by flag", "A 1h --symbol B", "--symbol is given twice", ERR_USAGE },
        { "switch off with a value", "A 1h --no-adjusted=1", "--no-adjusted takes no value", ERR_USAGE },
        { "no- of what is no switch", "A 1h --no-limit", "--no-limit is not a flag", ERR_USAGE },
        { "out of range", "A 1h --limit 0", "--limit must be between 1 and 100000, not 0", ERR_INVALID },
        { "negative value", "A 1h --limit -5", "--limit must be between 1 and 100000, not -5", ERR_INVALID },
        { "bad argument", "A 1x", "<timeframe> must be a timeframe", ERR_INVALID },
        { "bad choice", "A 1h --order up", "--order must be one of asc, desc; it is \"up\"", ERR_INVALID },
        { "bad item", "A 1h --columns open,lwo", "--columns[1] must be one of open", ERR_INVALID },
        { "secret is not repeated", "A 1h --api-token abc",
          "--api-token must have a length between 8 and 64, not what was given", ERR_INVALID },
    };
    TestCtx t;
    Command c;
    test_ctx_init(&t);
    command_init(&c);
    EACH_ROW (r, rows) {
        CHECK_EQ(parse(&t, &c.usage, r->line), r->code);
        if (!strstr(t.cx.err.text, r->words))
            FAIL("\"%s\" lacks \"%s\"", t.cx.err.text, r->words);
    }
    test_ctx_done(&t);
}

TEST(nested_members_have_dotted_flags) {
    TestCtx t;
    test_ctx_init(&t);
    DemoPlan plan;
    CliGroup group = { "Options", &demo_plan, &plan };
    CliUsage u = { .command = "demo plan",
                   .summary = "Plan.",
                   .positionals = (const char *const[]){ "id", "notes", NULL },
                   .groups = &group,
                   .n_groups = 1 };
    CHECK_OK(&t.cx, parse(&t, &u, "job-1 --name Winter --risk.max-loss 0.25 --risk.mode=hard first second"));
    CHECK_NEAR(plan.risk.max_loss, 0.25, 0);
    CHECK_STR(plan.risk.mode, S("hard"));
    CHECK_NEAR(plan.risk.leverage, 1, 0);
    CHECK_EQ(plan.notes.n, 2); /* a list in the last place takes the rest */
    CHECK_OK(&t.cx, parse(&t, &u, "job-1 --name Winter --risk {\"max_loss\":0.5}"));
    CHECK_NEAR(plan.risk.max_loss, 0.5, 0);
    CHECK_EQ(parse(&t, &u, "job-1 --name Winter --risk.max-loss 2"), ERR_INVALID);
    CHECK_STR(str_c(t.cx.err.text), S("--risk.max-loss must be between -1 and 0.5, not 2"));
    CHECK_EQ(parse(&t, &u, "job-1 --name Winter --risk.nope 2"), ERR_USAGE);
    test_ctx_done(&t);
}

TEST(help_is_asked_for_anywhere_but_behind_the_end_of_flags) {
    TestCtx t;
    Command c;
    test_ctx_init(&t);
    command_init(&c);
    CHECK_EQ(parse(&t, &c.usage, "--help"), CLI_HELP);
    CHECK_EQ(parse(&t, &c.usage, "A --limit x -h"), CLI_HELP);
    CHECK_EQ(parse(&t, &c.usage, "A -- --help"), ERR_INVALID); /* a timeframe of that name */
    test_ctx_done(&t);
}

static const char wanted_help[] = "Print stored candles.\n"
                                  "\n"
                                  "Usage: demo query <symbol> <timeframe> [options]\n"
                                  "\n"
                                  "Candles are printed oldest first, as a table on a terminal and as CSV in a pipe.\n"
                                  "\n"
                                  "Arguments:\n"
                                  "  <symbol>               The venue's spelling. (e.g. BTCUSDT)\n"
                                  "  <timeframe>            Length of a candle. (e.g. 1h)\n"
                                  "\n"
                                  "Options:\n"
                                  "  --exchange <venue>     Where it trades. (default binance)\n"
                                  "  --start <time>         First open time, included. (e.g. 2024-01-01T00:00:00Z)\n"
                                  "  --end <time>           Last open time, excluded. (e.g. 2024-02-01)\n"
                                  "  --limit <n>            Most candles to return. (1 to 100000; default 1000)\n"
                                  "  --order <asc|desc>     By open time. (default asc)\n"
                                  "  --columns <word>,…     Only these columns. (one of open, high, low, close,\n"
                                  "                         volume; may be repeated)\n"
                                  "  --min-volume <number>  Leaves out quieter candles. (at least 0; e.g. 0.5)\n"
                                  "  --no-adjusted          Apply splits and dividends. (on by default)\n"
                                  "  --api-token <text>     Key of the venue.\n"
                                  "\n"
                                  "Output:\n"
                                  "  --json                 Print JSON.\n"
                                  "  --out <text>           Write to this file. (e.g. btc.csv)\n"
                                  "  --help                 Show this text.\n"
                                  "\n"
                                  "Examples:\n"
                                  "  demo query BTCUSDT 1h --limit 5\n"
                                  "      The last five hours.\n"
                                  "  demo query VNM 1d --columns open,close --json\n";

TEST(help_fits_its_columns) {
    TestCtx t;
    Command c;
    Buf b;
    test_ctx_init(&t);
    command_init(&c);
    buf_init(&b, 1 << 16);
    cli_flags_help(&c.usage, &b, 80, false);
    CHECK_STR(buf_str(&b), str_c(wanted_help));
    for (int columns = 40; columns <= 120; columns += 20) {
        buf_clear(&b);
        cli_flags_help(&c.usage, &b, columns, false);
        Str rest = buf_str(&b), line;
        while (rest.n && str_next(&rest, '\n', &line))
            if (utf8_count(line) > (size_t)columns && str_find(line, S("demo query")) < 0) /* examples stay whole */
                FAIL("%d columns: \"" STR_FMT "\"", columns, STR_ARG(line));
    }
    buf_clear(&b);
    cli_flags_help(&c.usage, &b, 80, true);
    CHECK(str_find(buf_str(&b), S("\033[1mOptions\033[0m:")) >= 0);
    buf_done(&b);
    test_ctx_done(&t);
}

TEST(completion_lists_every_flag) {
    TestCtx t;
    Command c;
    Buf b;
    test_ctx_init(&t);
    command_init(&c);
    buf_init(&b, 1 << 16);
    cli_flags_complete(&c.usage, &b);
    CHECK(str_find(buf_str(&b), S("--order\tBy open time.\tasc desc\n")) >= 0);
    CHECK(str_find(buf_str(&b), S("--json\tPrint JSON.\t\n")) >= 0);
    buf_done(&b);
    test_ctx_done(&t);
}

TESTS(T(a_command_line_fills_its_records), T(the_forms_of_a_flag_mean_the_same),
      T(a_bad_command_line_is_refused_with_words), T(nested_members_have_dotted_flags),
      T(help_is_asked_for_anywhere_but_behind_the_end_of_flags), T(help_fits_its_columns),
      T(completion_lists_every_flag))
