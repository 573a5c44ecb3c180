/* Configuration files of any bytes: each ends in values that keep their ranges or in problems with a place; messages
 * carry no control characters of the file's, and a secret is never repeated. */

#include "base/cfg.h"

#include <stdlib.h>

typedef struct Settings {
    int64_t port, idle_ms, bytes;
    double ratio;
    bool gzip;
    int format;
    Str host, key;
    const char *dir;
    CfgList roles;
} Settings;

static const char *const formats[] = { "json", "text", NULL };

/* clang-format off */
static const CfgOption options[] = {
    { "server.host", CFG_STR, CFG_AT(Settings, host), .def = "127.0.0.1", .help = "h" },
    { "server.port", CFG_INT, CFG_AT(Settings, port), .def = "8080", .min = 0, .max = 65535, .help = "h" },
    { "server.idle", CFG_DURATION, CFG_AT(Settings, idle_ms), .def = "60s", .min = 1000, .max = 3600000, .help = "h" },
    { "server.body", CFG_SIZE, CFG_AT(Settings, bytes), .def = "8MiB", .min = 1024, .max = 1 << 30, .help = "h" },
    { "server.gzip", CFG_BOOL, CFG_AT(Settings, gzip), .def = "true", .help = "h" },
    { "server.key", CFG_SECRET, CFG_AT(Settings, key), .help = "h" },
    { "log.format", CFG_CHOICE, CFG_AT(Settings, format), .def = "text", .choices = formats, .help = "h" },
    { "store.dir", CFG_PATH, CFG_AT(Settings, dir), .def = "d", .help = "h" },
    { "store.ratio", CFG_F64, CFG_AT(Settings, ratio), .def = "0.5", .min = 0, .max = 1, .help = "h" },
    { "roles", CFG_LIST, CFG_AT(Settings, roles), .def = "market,news", .help = "h" },
};
/* clang-format on */

static void must(bool ok) {
    if (!ok)
        abort();
}

static void check_values(const Settings *s) {
    must(s->port >= 0 && s->port <= 65535);
    must(s->idle_ms >= 1000 && s->idle_ms <= 3600000);
    must(s->bytes >= 1024 && s->bytes <= 1 << 30);
    must(s->ratio >= 0 && s->ratio <= 1);
    must(s->format == 0 || s->format == 1);
    must(strlen(s->host.p) == s->host.n);
    for (size_t i = 0; i < s->roles.n; i++)
        must(s->roles.v[i].n > 0 && strlen(s->roles.v[i].p) == s->roles.v[i].n);
}

static void check_problems(const Cfg *c) {
    must(c->problems.n > 0 && c->problems.n <= CFG_PROBLEMS_MAX);
    for (size_t i = 0; i < c->problems.n; i++) {
        Str text = c->problems.v[i].text;
        must(c->problems.v[i].place.n > 0 && text.n > 0);
        for (size_t k = 0; k < text.n; k++)
            must((unsigned char)text.p[k] >= 0x20 && text.p[k] != 0x7f);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    Arena arena = { 0 };
    ClockManual clock;
    clock_manual_init(&clock, time_ms(0));
    Ctx cx;
    ctx_init(&cx, &arena, &clock.clock);
    Cfg c;
    cfg_init(&c, options, ARRAY_LEN(options), &arena);
    cfg_take_yaml(&c, str_n((const char *)data, size), "f");
    /* Files named by the input are not for a fuzzer to read. */
    if (str_starts(cfg_value(&c, S("server.key"))->text, S("file:")))
        cfg_set(&c, "server.key", S("x"), CFG_FLAG, S("fuzz"));
    Settings s;
    if (cfg_finish(&c, &cx, &s) == 0)
        check_values(&s);
    else
        check_problems(&c);
    Buf out;
    buf_init(&out, 4 << 20);
    cfg_write_effective(&c, &out);
    cfg_write_effective_json(&c, &out);
    cfg_write_problems(&c, &out);
    buf_done(&out);
    arena_done(&arena);
    return 0;
}
