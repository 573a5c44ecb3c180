/* tests/unit/cli/test_dispatch.c - which command runs, with what, and what is said when none does. */

#include "cli/cli.h"
#include "test.h"

#include <unistd.h>

typedef struct GreetIn {
    Str name, tone;
    int64_t times;
    bool loud;
} GreetIn;

static const char *const tones[] = { "warm", "cold", NULL };
static const Field greet_f[] = {
    FIELD(GreetIn, name, .flags = F_REQUIRED, .doc = "Whom."),
    FIELD(GreetIn, tone, .choices = tones, .def = "warm", .doc = "How; it's \"your\" choice."),
    FIELD(GreetIn, times, .def = "1", .min = 1, .max = 9, .doc = "How often."),
    FIELD(GreetIn, loud, .doc = "Louder."),
};
static SHAPE(greet_shape, GreetIn, greet_f);

static int run_greet(Cli *c, const void *in_) {
    const GreetIn *in = in_;
    for (int64_t i = 0; i < in->times; i++)
        fprintf(c->out, "hello " STR_FMT "%s\n", STR_ARG(in->name), in->loud ? "!" : "");
    return 0;
}

static int run_fail(Cli *c, const void *in) {
    UNUSED(in);
    return cli_fail(c, err_set_at(c->cx, ERR_NOT_FOUND, S("cup"), "the cup is empty"));
}

static const Command greet = { .name = "greet",
                               .group = "Data",
                               .summary = "Say it's a good day",
                               .run = run_greet,
                               .examples = "finsight greet Ann  # once\nfinsight greet Ann --loud",
                               .flags = &greet_shape,
                               .positional = (const char *const[]){ "name", NULL } };
static const Command drink = {
    .name = "drink", .group = "Data", .summary = "Drink", .run = run_fail, .examples = "finsight drink"
};
static const Command *const commands[] = { &greet, &drink };

typedef struct Run {
    TestCtx t;
    char *out, *err;
    size_t n_out, n_err;
    Cli c;
    int status;
} Run;

enum { WORDS_MAX = 16 };

/* "greet Ann --loud" run on streams in memory. */
static void run_line(Run *r, const char *line, bool gone) {
    static const Field option_f[] = { { .name = "port", .type = FT_I64 }, { .name = "data-dir", .type = FT_STR } };
    static const Shape options = { .fields = option_f, .n_fields = ARRAY_LEN(option_f) };
    char *argv[WORDS_MAX] = { (char *)(uintptr_t) "finsight" };
    int argc = 1;
    test_ctx_init(&r->t);
    Str rest = str_c(line), word;
    while (str_next(&rest, ' ', &word))
        if (word.n)
            argv[argc++] = str_cz(&r->t.arena, word);
    r->c = (Cli){ .cx = &r->t.cx,
                  .out = gone ? fopen("/dev/full", "w") : open_memstream(&r->out, &r->n_out),
                  .err = open_memstream(&r->err, &r->n_err),
                  .columns = 80,
                  .options = &options };
    r->status = cli_main(&r->c, commands, ARRAY_LEN(commands), argc, argv);
    fclose(r->c.out);
    fclose(r->c.err);
    test_ctx_done(&r->t);
}

static void run_done(Run *r) {
    free(r->out);
    free(r->err);
    *r = (Run){ 0 };
}

TEST(a_line_runs_its_command) {
    static const struct {
        const char *name;
        int status;
        const char *out, *err; /* found in it; "" = it is empty */
    } rows[] = {
        { "greet Ann", 0, "hello Ann\n", "" },
        { "greet --name Ann --times 2 --loud", 0, "hello Ann!\nhello Ann!\n", "" },
        { "--quiet greet --no-color Ann", 0, "hello Ann\n", "" },
        { "greet -- --loud", 0, "hello --loud\n", "" },
        { "drink", 4, "", "finsight: the cup is empty\n" },
        { "drink --json", 4, "\"field\":\"cup\"", "" },
        { "gret Ann", 2, "", "did you mean greet?" },
        { "zzzzz", 2, "", "finsight help lists them" },
        { "greet", 2, "", "<name> is missing" },
        { "greet Ann --lout", 2, "", "did you mean --loud?" },
        { "greet Ann --prot 1", 2, "", "did you mean --port?" },
        { "greet Ann --xyzzy 1", 2, "", "--xyzzy is not a flag" },
        { "greet Ann Bob", 2, "", "Bob" },
        { "greet Ann --times 10", 3, "", "times" },
        { "greet Ann --tone loud", 3, "", "warm" },
        { "", 2, "usage: finsight COMMAND", "" },
        { "help", 0, "Say it's a good day", "" },
        { "help greet", 0, "Examples:\n  finsight greet Ann\n      once\n", "" },
        { "greet --help", 0, "--times <n>", "" },
        { "greet Ann -h", 0, "Usage: finsight greet <name>", "" },
        { "help gret", 2, "", "did you mean greet?" },
    };
    EACH_ROW (row, rows) {
        Run r = { 0 };
        run_line(&r, row->name, false);
        CHECK_EQ(r.status, row->status);
        CHECK(row->out[0] ? strstr(r.out, row->out) != NULL : r.n_out == 0);
        CHECK(row->err[0] ? strstr(r.err, row->err) != NULL : r.n_err == 0);
        run_done(&r);
    }
}

TEST(a_result_nobody_got_is_no_success) {
    Run r = { 0 };
    if (access("/dev/full", W_OK) != 0)
        SKIP("there is no /dev/full");
    run_line(&r, "greet Ann --json", true);
    CHECK_EQ(r.status, 9);
    CHECK(strstr(r.err, "cannot write standard output") != NULL);
    run_done(&r);
}

static bool always(const Cli *c) {
    UNUSED(c);
    return true;
}

TEST(a_reader_that_left_is_told_nothing) {
    Run r = { 0 };
    if (access("/dev/full", W_OK) != 0)
        SKIP("there is no /dev/full");
    test_ctx_init(&r.t);
    r.c = (Cli){ .cx = &r.t.cx,
                 .out = fopen("/dev/full", "w"),
                 .err = open_memstream(&r.err, &r.n_err),
                 .columns = 80,
                 .out_gone = always };
    char *argv[] = { (char *)(uintptr_t) "finsight", (char *)(uintptr_t) "help", NULL };
    CHECK_EQ(cli_main(&r.c, commands, ARRAY_LEN(commands), 2, argv), CLI_READER_GONE);
    fclose(r.c.out);
    fclose(r.c.err);
    CHECK_EQ(r.n_err, 0);
    test_ctx_done(&r.t);
    run_done(&r);
}

TEST(completion_scripts_quote_what_they_print) {
    static const struct {
        const char *name, *want[4];
    } rows[] = {
        { "bash",
          { "greet) flags='--help --json --quiet --no-color --name --tone --times --loud --port --data-dir'",
            "'greet --tone') bare='warm cold'" } },
        { "zsh", { "'greet:''Say it'\\''s a good day'", "'--tone=:value:(warm cold)'", "'--loud'" } },
        { "fish",
          { "-a greet -d 'Say it'\\''s a good day'",
            "-l tone -x -a 'warm cold' -d 'How; it'\\''s \"your\" choice.'" } },
    };
    EACH_ROW (row, rows) {
        Run r = { 0 };
        test_ctx_init(&r.t);
        r.c = (Cli){ .cx = &r.t.cx, .out = open_memstream(&r.out, &r.n_out) };
        static const Field option_f[] = { { .name = "port", .type = FT_I64 }, { .name = "data-dir", .type = FT_STR } };
        static const Shape options = { .fields = option_f, .n_fields = ARRAY_LEN(option_f) };
        r.c.options = &options;
        CHECK_EQ(cli_completion(&r.c, commands, ARRAY_LEN(commands), str_c(row->name)), 0);
        fclose(r.c.out);
        for (size_t i = 0; i < ARRAY_LEN(row->want) && row->want[i]; i++)
            if (!strstr(r.out, row->want[i]))
                FAIL("%s: no %s in\n%s", row->name, row->want[i], r.out);
        test_ctx_done(&r.t);
        run_done(&r);
    }
}

TESTS(T(a_line_runs_its_command), T(a_result_nobody_got_is_no_success), T(a_reader_that_left_is_told_nothing),
      T(completion_scripts_quote_what_they_print))
