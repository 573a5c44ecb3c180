/* base/cfg: one table for file, environment and flags (DEP-16); which one wins; what is refused and how. */

#include "base/cfg.h"
#include "base/file.h"
#include "base/json.h"
#include "lib/test.h"

typedef struct Settings {
    int64_t port, idle_ms, body_bytes;
    double ratio;
    bool gzip;
    int format;
    Str host, key;
    const char *data_dir;
    CfgList roles;
} Settings;

static const char *const formats[] = { "json", "text", NULL };

/* clang-format off */
static const CfgOption options[] = {
    { "server.host", CFG_STR, CFG_AT(Settings, host), .def = "127.0.0.1", .help = "Address to listen on" },
    { "server.port", CFG_INT, CFG_AT(Settings, port), .def = "8080", .min = 0, .max = 65535, .flag = "port",
      .help = "TCP port; 0 takes a free one" },
    { "server.idle", CFG_DURATION, CFG_AT(Settings, idle_ms), .def = "60s", .min = 1000, .max = 3600000,
      .help = "Idle connections end after this" },
    { "server.body_max", CFG_SIZE, CFG_AT(Settings, body_bytes), .def = "8MiB", .min = 1024, .max = 1 << 30,
      .help = "Largest body" },
    { "server.gzip", CFG_BOOL, CFG_AT(Settings, gzip), .def = "true", .help = "Compress answers" },
    { "server.admin_key", CFG_SECRET, CFG_AT(Settings, key), .help = "Key of the administrator" },
    { "log.format", CFG_CHOICE, CFG_AT(Settings, format), .def = "text", .choices = formats, .help = "Log lines" },
    { "store.data_dir", CFG_PATH, CFG_AT(Settings, data_dir), .def = "~/.finsight", .flag = "data-dir",
      .help = "Folder of the data" },
    { "store.ratio", CFG_F64, CFG_AT(Settings, ratio), .def = "0.5", .min = 0, .max = 1, .help = "A share" },
    { "roles", CFG_LIST, CFG_AT(Settings, roles), .def = "market,news", .help = "What is served" },
};
/* clang-format on */

typedef struct Setup {
    TestCtx t;
    Cfg c;
    Settings out;
} Setup;

static void setup(Setup *s) {
    test_ctx_init(&s->t);
    s->out = (Settings){ .port = -1 };
    cfg_init(&s->c, options, ARRAY_LEN(options), &s->t.arena);
    char *home[] = { (char *)(uintptr_t) "HOME=/home/ann", NULL };
    cfg_take_env(&s->c, home);
}

static void done(Setup *s) {
    test_ctx_done(&s->t);
}

static void take_env(Setup *s, const char *entry) {
    char *environment[] = { str_cz(&s->t.arena, str_c(entry)), NULL };
    cfg_take_env(&s->c, environment);
}

/* The arguments after the program's name; those left over are counted. */
static int take_args(Setup *s, size_t n, const char *const *args) {
    char *argv[12] = { str_cz(&s->t.arena, S("finsight")) };
    int argc = 1;
    for (size_t i = 0; i < n && args[i]; i++)
        argv[argc++] = str_cz(&s->t.arena, str_c(args[i]));
    cfg_take_args(&s->c, &argc, argv);
    cfg_refuse_flags(&s->c, argc, argv);
    return argc - 1;
}
#define TAKE_ARGS(s, ...)                                                                                              \
    take_args(s, ARRAY_LEN(((const char *const[]){ __VA_ARGS__ })), (const char *const[]){ __VA_ARGS__ })

TEST(defaults_fill_every_field) {
    Setup s;
    setup(&s);
    CHECK_OK(&s.t.cx, cfg_finish(&s.c, &s.t.cx, &s.out));
    CHECK_STR(s.out.host, S("127.0.0.1"));
    CHECK_EQ(s.out.port, 8080);
    CHECK_EQ(s.out.idle_ms, 60000);
    CHECK_EQ(s.out.body_bytes, 8 << 20);
    CHECK(s.out.gzip);
    CHECK_EQ(s.out.format, 1);
    CHECK_EQ(s.out.key.n, 0);
    CHECK_STR(str_c(s.out.data_dir), S("/home/ann/.finsight"));
    CHECK_NEAR(s.out.ratio, 0.5, 0);
    CHECK_EQ(s.out.roles.n, 2);
    CHECK_STR(s.out.roles.v[1], S("news"));
    done(&s);
}

/* DEP-16: every option may be set by the environment. */
TEST(every_option_has_a_name_in_the_environment) {
    Setup s;
    setup(&s);
    take_env(&s, "FINSIGHT_SERVER_HOST=::1");
    take_env(&s, "FINSIGHT_SERVER_PORT=0");
    take_env(&s, "FINSIGHT_SERVER_IDLE=2m");
    take_env(&s, "FINSIGHT_SERVER_BODY_MAX=1GB");
    take_env(&s, "FINSIGHT_SERVER_GZIP=off");
    take_env(&s, "FINSIGHT_SERVER_ADMIN_KEY=k=v");
    take_env(&s, "FINSIGHT_LOG_FORMAT=JSON");
    take_env(&s, "FINSIGHT_STORE_DATA_DIR=/data");
    take_env(&s, "FINSIGHT_STORE_RATIO=1");
    take_env(&s, "FINSIGHT_ROLES= market , ,fraud,");
    CHECK_OK(&s.t.cx, cfg_finish(&s.c, &s.t.cx, &s.out));
    CHECK_STR(s.out.host, S("::1"));
    CHECK_EQ(s.out.port, 0);
    CHECK_EQ(s.out.idle_ms, 120000);
    CHECK_EQ(s.out.body_bytes, 1000000000);
    CHECK(!s.out.gzip);
    CHECK_STR(s.out.key, S("k=v"));
    CHECK_EQ(s.out.format, 0);
    CHECK_STR(str_c(s.out.data_dir), S("/data"));
    CHECK_NEAR(s.out.ratio, 1, 0);
    CHECK_EQ(s.out.roles.n, 2);
    CHECK_STR(s.out.roles.v[0], S("market"));
    CHECK_STR(s.out.roles.v[1], S("fraud"));
    for (size_t i = 0; i < ARRAY_LEN(options); i++)
        CHECK_EQ(s.c.values[i].rank, CFG_ENV);
    done(&s);
}

TEST(a_flag_beats_the_environment_beats_the_file_in_any_order) {
    for (int order = 0; order < 2; order++) {
        Setup s;
        setup(&s);
        for (int step = 0; step < 3; step++) {
            int what = order ? 2 - step : step;
            if (what == 0)
                cfg_take_yaml(&s.c, S("server:\n  port: 1\n  host: file\nstore: {ratio: 0.25}\n"), "f.yaml");
            else if (what == 1) {
                take_env(&s, "FINSIGHT_SERVER_PORT=2");
                take_env(&s, "FINSIGHT_SERVER_HOST=env");
            } else {
                CHECK_EQ(TAKE_ARGS(&s, "serve", "--port", "3", "--", "--port"), 3);
            }
        }
        CHECK_OK(&s.t.cx, cfg_finish(&s.c, &s.t.cx, &s.out));
        CHECK_EQ(s.out.port, 3);
        CHECK_STR(s.out.host, S("env"));
        CHECK_NEAR(s.out.ratio, 0.25, 0);
        CHECK_STR(cfg_value(&s.c, S("server.port"))->origin, S("flag --port"));
        CHECK_STR(cfg_value(&s.c, S("server.host"))->origin, S("env FINSIGHT_SERVER_HOST"));
        CHECK_STR(cfg_value(&s.c, S("store.ratio"))->origin, S("f.yaml:4"));
        CHECK_STR(cfg_value(&s.c, S("log.format"))->origin, S("default"));
        CHECK(cfg_value(&s.c, S("log.colour")) == NULL);
        done(&s);
    }
}

TEST(flags_have_their_forms) {
    Setup s;
    setup(&s);
    CHECK_EQ(TAKE_ARGS(&s, "--server.port=7", "a", "--no-server.gzip", "--data-dir", "x/y", "--server.body-max=2K", "b",
                       "--store.ratio", "-0"),
             2);
    CHECK_OK(&s.t.cx, cfg_finish(&s.c, &s.t.cx, &s.out));
    CHECK_EQ(s.out.port, 7);
    CHECK(!s.out.gzip);
    CHECK_STR(str_c(s.out.data_dir), S("x/y"));
    CHECK_EQ(s.out.body_bytes, 2048);
    done(&s);
    setup(&s);
    CHECK_EQ(TAKE_ARGS(&s, "--server.gzip=false", "--server.gzip"), 0); /* the last one counts */
    CHECK_OK(&s.t.cx, cfg_finish(&s.c, &s.t.cx, &s.out));
    CHECK(s.out.gzip);
    done(&s);
}

TEST(the_file_is_nested_yaml) {
    Setup s;
    setup(&s);
    cfg_take_yaml(&s.c,
                  S("# settings\n"
                    "server:\n"
                    "  host: \"::\"   # all\n"
                    "  port: 9000\n"
                    "  idle:\n" /* no value: the default stays */
                    "  gzip: no\n"
                    "log: { format: json }\n"
                    "roles:\n  - market\n  - news\n  - fraud\n"),
                  "f.yaml");
    CHECK_OK(&s.t.cx, cfg_finish(&s.c, &s.t.cx, &s.out));
    CHECK_STR(s.out.host, S("::"));
    CHECK_EQ(s.out.port, 9000);
    CHECK_EQ(s.out.idle_ms, 60000);
    CHECK(!s.out.gzip);
    CHECK_EQ(s.out.format, 0);
    CHECK_EQ(s.out.roles.n, 3);
    done(&s);
    setup(&s);
    cfg_take_yaml(&s.c, S(""), "empty.yaml");
    cfg_take_yaml(&s.c, S("# nothing\n---\n"), "comment.yaml");
    cfg_take_yaml(&s.c, S("server:\n"), "bare.yaml");
    CHECK_OK(&s.t.cx, cfg_finish(&s.c, &s.t.cx, &s.out));
    done(&s);
}

TEST(what_is_wrong_is_told_with_its_place_and_a_way_out) {
    /* clang-format off */
    static const struct {
        const char *name, *yaml, *env, *arg, *want;
    } rows[] = {
        { "unknown key", "server:\n  prot: 1\n", NULL, NULL, "f.yaml:2:3: no such option: server.prot (did you mean server.port?)\n" },
        { "unknown section", "sever:\n  port: 1\n", NULL, NULL, "f.yaml:1:1: no such option: sever\n" },
        { "far from everything", "zzzzzzzzz: 1\n", NULL, NULL, "f.yaml:1:1: no such option: zzzzzzzzz\n" },
        { "not a number", "server:\n  port: http\n", NULL, NULL, "f.yaml:2: server.port: \"http\" is not a whole number\n" },
        { "out of range", NULL, "FINSIGHT_SERVER_PORT=65536", NULL, "env FINSIGHT_SERVER_PORT: server.port: 65536 is outside 0..65535\n" },
        { "duration without unit", NULL, NULL, "--server.idle=5", "flag --server.idle: server.idle: \"5\" is not a duration, such as 250ms, 5s, 15m, 2h or 7d\n" },
        { "duration out of range", NULL, NULL, "--server.idle=2h", "flag --server.idle: server.idle: 2h is outside 1s..1h\n" },
        { "size too small", NULL, NULL, "--server.body_max=1", "flag --server.body_max: server.body_max: 1 is outside 1KiB..1GiB\n" },
        { "size overflow", NULL, NULL, "--server.body_max=99999999TiB", "flag --server.body_max: server.body_max: \"99999999TiB\" is not a size, such as 512, 64KiB, 64MiB or 1GB\n" },
        { "choice", NULL, NULL, "--log.format=xml", "flag --log.format: log.format: \"xml\" is not one of json, text\n" },
        { "bool", NULL, "FINSIGHT_SERVER_GZIP=maybe", NULL, "env FINSIGHT_SERVER_GZIP: server.gzip: \"maybe\" is not true or false\n" },
        { "not finite", NULL, NULL, "--store.ratio=nan", "flag --store.ratio: store.ratio: \"nan\" is not a number\n" },
        { "unknown environment", NULL, "FINSIGHT_SERVER_PROT=1", NULL, "env FINSIGHT_SERVER_PROT: no such option (did you mean FINSIGHT_SERVER_PORT?)\n" },
        { "unknown flag", NULL, NULL, "--prot=1", "flag --prot: no such option (did you mean --port?)\n" },
        { "missing value", NULL, NULL, "--port", "flag --port: a value is missing\n" },
        { "escape codes", NULL, NULL, "--log.format=\033[2J", "flag --log.format: log.format: \"?[2J\" is not one of json, text\n" },
        { "twice", "server:\n  port: 1\n  port: 2\n", NULL, NULL, "f.yaml:3:9: server.port is given twice\n" },
        { "a list for a value", "server:\n  port: [1, 2]\n", NULL, NULL, "f.yaml:2:9: server.port takes one value, not a list\n" },
        { "a section for a value", "server:\n  port: {a: 1}\n", NULL, NULL, "f.yaml:2:9: server.port takes a value, not a section\n" },
        { "a value for a section", "server: 5\n", NULL, NULL, "f.yaml:1:1: no such option: server\n" },
        { "alias", "server: &a\n  port: 1\nlog: *a\n", NULL, NULL, "f.yaml:3:6: aliases are not read here: write the value out\n" },
        { "a list on top", "- 1\n", NULL, NULL, "f.yaml:1:1: the file holds \"section:\" lines with \"name: value\" below\n" },
        { "two documents", "a:\n---\nb: 1\n", NULL, NULL, "f.yaml:1:1: no such option: a\nf.yaml:2:1: only one document is read\n" },
        { "a comma in an item", "roles: [\"a,b\"]\n", NULL, NULL, "f.yaml:1:9: roles: an item may not contain a comma\n" },
    };
    /* clang-format on */
    EACH_ROW (r, rows) {
        Setup s;
        setup(&s);
        test_row_name = r->name;
        if (r->yaml)
            cfg_take_yaml(&s.c, str_c(r->yaml), "f.yaml");
        if (r->env)
            take_env(&s, r->env);
        if (r->arg)
            take_args(&s, 1, &r->arg);
        CHECK_EQ(cfg_finish(&s.c, &s.t.cx, &s.out), ERR_USAGE);
        Buf b;
        buf_init(&b, 4096);
        cfg_write_problems(&s.c, &b);
        CHECK_STR(buf_str(&b), str_c(r->want));
        buf_done(&b);
        CHECK_EQ(s.out.port, -1); /* untouched */
        done(&s);
    }
}

TEST(yaml_that_is_none_tells_the_line) {
    Setup s;
    setup(&s);
    cfg_take_yaml(&s.c, S("log:\nroles: [1\nlog:\n"), "f.yaml");
    CHECK_EQ(s.c.problems.n, 1);
    CHECK(str_starts(s.c.problems.v[0].place, S("f.yaml:3:")));
    CHECK(str_starts(s.c.problems.v[0].text, S("not YAML: ")));
    done(&s);
}

TEST(all_problems_are_reported_together) {
    Setup s;
    setup(&s);
    cfg_take_yaml(&s.c, S("server:\n  port: x\n  colour: red\n"), "f.yaml");
    take_env(&s, "FINSIGHT_LOG_FORMAT=xml");
    TAKE_ARGS(&s, "--nope");
    CHECK_EQ(cfg_finish(&s.c, &s.t.cx, &s.out), ERR_USAGE);
    CHECK_EQ(s.c.problems.n, 4);
    CHECK(strstr(s.t.cx.err.text, "(and 3 more)"));
    CHECK_EQ(err_info(s.t.cx.err.code)->exit_code, 2);
    done(&s);
}

TEST(their_number_is_bounded) {
    Setup s;
    setup(&s);
    Buf b;
    buf_init(&b, 1 << 20);
    for (int i = 0; i < 500; i++)
        buf_printf(&b, "x%d: 1\n", i);
    cfg_take_yaml(&s.c, buf_str(&b), "f.yaml");
    CHECK_EQ(s.c.problems.n, CFG_PROBLEMS_MAX);
    buf_done(&b);
    done(&s);
}

/* DEP-16: secrets are masked, and never taken where others see them. */
TEST(a_secret_shows_nowhere) {
    Setup s;
    setup(&s);
    take_env(&s, "FINSIGHT_SERVER_ADMIN_KEY=hunter2");
    CHECK_OK(&s.t.cx, cfg_finish(&s.c, &s.t.cx, &s.out));
    CHECK_STR(s.out.key, S("hunter2"));
    Buf b;
    buf_init(&b, 1 << 16);
    cfg_write_effective(&s.c, &b);
    cfg_write_effective_json(&s.c, &b);
    cfg_write_help(&s.c, &b);
    cfg_write_markdown(&s.c, &b);
    CHECK(str_find(buf_str(&b), S("hunter2")) < 0);
    CHECK(str_find(buf_str(&b), S("***")) > 0);
    CHECK(str_find(buf_str(&b), S("--server.admin")) < 0);
    buf_clear(&b);
    TAKE_ARGS(&s, "--server.admin-key", "hunter3");
    CHECK_EQ(cfg_finish(&s.c, &s.t.cx, &s.out), ERR_USAGE);
    cfg_write_problems(&s.c, &b);
    CHECK(str_find(buf_str(&b), S("hunter3")) < 0);
    CHECK(str_find(buf_str(&b), S("use FINSIGHT_SERVER_ADMIN_KEY or the file")) > 0);
    buf_done(&b);
    done(&s);
}

TEST(a_secret_may_stand_in_a_file_of_its_own) {
    Setup s;
    setup(&s);
    const char *dir = test_dir();
    char *path = path_join(&s.t.arena, dir, "key");
    CHECK_OK(&s.t.cx, file_write(&s.t.cx, path, S("hunter2\n"), 0600));
    take_env(&s, str_cz(&s.t.arena, str_fmt(&s.t.arena, "FINSIGHT_SERVER_ADMIN_KEY=file:%s", path)));
    CHECK_OK(&s.t.cx, cfg_finish(&s.c, &s.t.cx, &s.out));
    CHECK_STR(s.out.key, S("hunter2"));
    CHECK_OK(&s.t.cx, file_remove(&s.t.cx, path));
    CHECK_EQ(cfg_finish(&s.c, &s.t.cx, &s.out), ERR_USAGE);
    CHECK(strstr(s.t.cx.err.text, "no such file"));
    test_dir_done(dir);
    done(&s);
}

TEST(effective_values_come_with_their_origin) {
    Setup s;
    setup(&s);
    take_env(&s, "FINSIGHT_SERVER_PORT=9");
    Buf b;
    buf_init(&b, 1 << 16);
    cfg_write_effective(&s.c, &b);
    CHECK(str_find(buf_str(&b), S("server.port       9            env FINSIGHT_SERVER_PORT\n")) > 0);
    CHECK(str_find(buf_str(&b), S("log.format        text         default\n")) > 0);
    buf_clear(&b);
    cfg_write_effective_json(&s.c, &b);
    JsonReader r;
    json_reader_init(&r, buf_str(&b), &s.t.arena, 8);
    CHECK_EQ(json_skip(&r), 0);
    CHECK_EQ(json_finish(&r), 0);
    buf_done(&b);
    done(&s);
}

TEST(help_and_documentation_name_every_option) {
    Setup s;
    setup(&s);
    Buf help, page;
    buf_init(&help, 1 << 16);
    buf_init(&page, 1 << 16);
    cfg_write_help(&s.c, &help);
    cfg_write_markdown(&s.c, &page);
    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        CHECK(str_find(buf_str(&help), str_c(options[i].help)) > 0);
        CHECK(str_find(buf_str(&page), str_fmt(&s.t.arena, "| `%s` |", options[i].key)) > 0);
        CHECK(str_find(buf_str(&page), cfg_env_name(&options[i], &s.t.arena)) > 0);
    }
    CHECK(str_find(buf_str(&help),
                   S("  --port N                        TCP port; 0 takes a free one (0..65535) [8080]\n")) > 0);
    CHECK(str_find(buf_str(&help), S("Idle connections end after this (1s..1h) [60s]\n")) > 0);
    CHECK(str_find(buf_str(&page),
                   S("| `log.format` | json\\|text | `text` | `--log.format` | `FINSIGHT_LOG_FORMAT` |")) > 0);
    buf_done(&help);
    buf_done(&page);
    done(&s);
}

TEST(names_of_others_in_the_environment_are_let_be) {
    Setup s;
    setup(&s);
    static const char *const ignored[] = { "FINSIGHT_SOURCE", NULL };
    s.c.env_ignored = ignored;
    take_env(&s, "FINSIGHT_SOURCE=/src");
    take_env(&s, "PATH=/bin");
    take_env(&s, "no equals sign");
    CHECK_OK(&s.t.cx, cfg_finish(&s.c, &s.t.cx, &s.out));
    done(&s);
}

TESTS(T(defaults_fill_every_field), T(every_option_has_a_name_in_the_environment),
      T(a_flag_beats_the_environment_beats_the_file_in_any_order), T(flags_have_their_forms),
      T(the_file_is_nested_yaml), T(what_is_wrong_is_told_with_its_place_and_a_way_out),
      T(yaml_that_is_none_tells_the_line), T(all_problems_are_reported_together), T(their_number_is_bounded),
      T(a_secret_shows_nowhere), T(a_secret_may_stand_in_a_file_of_its_own), T(effective_values_come_with_their_origin),
      T(help_and_documentation_name_every_option), T(names_of_others_in_the_environment_are_let_be))
