/* MLflow's requests and the language of its searches: whatever the bytes, an answer within the bounds.
 *
 * The first byte says what the rest is: f a filter and o an order of every subject; l a pattern and a text, parted by a
 * line end; p a path; r METHOD PATH?QUERY with a body behind the first line, which an empty registry in memory answers. */

#include "adapters/registry/sqlite.h"
#include "api/mlflow/mlflow.h"
#include "ports/registry_filter.h"

#include "fuzz.h"

static void filters(Ctx *cx, Str text) {
    for (int subject = FILTER_RUNS; subject <= FILTER_VERSIONS; subject++) {
        FilterCondition *v = NULL;
        FilterOrder o;
        size_t n = 0;
        int r = filter_parse(cx, (FilterSubject)subject, text, &v, &n);
        MUST(r == 0 || (r == ERR_INVALID && cx->err.text[0]));
        MUST(n <= FILTER_CONDITIONS);
        for (size_t i = 0; r == 0 && i < n; i++) {
            MUST(v[i].field == FILTER_ATTRIBUTE ? v[i].attribute < ATTRIBUTES : v[i].key.n > 0);
            MUST(v[i].numeric ? v[i].op <= FILTER_GE : v[i].op <= FILTER_NE || v[i].op >= FILTER_LIKE);
            MUST(v[i].n_list <= FILTER_LIST && (v[i].n_list > 0) == (v[i].op >= FILTER_IN));
        }
        r = filter_order_parse(cx, (FilterSubject)subject, text, &o);
        MUST(r == 0 || r == ERR_INVALID);
    }
}

/* The plainest matcher there is, for short ones. */
static bool like(Str p, Str t) {
    if (p.n == 0)
        return t.n == 0;
    if (p.p[0] == '%')
        return like(str_from(p, 1), t) || (t.n && like(p, str_from(t, 1)));
    return t.n && (p.p[0] == '_' || p.p[0] == t.p[0]) && like(str_from(p, 1), str_from(t, 1));
}

static void patterns(Str text) {
    enum { SHORT = 12 };
    Str rest = text, pattern = { 0 };
    bool ascii = true;
    str_next(&rest, '\n', &pattern);
    bool got = filter_like(pattern, rest, false);
    filter_like(pattern, rest, true);
    for (size_t i = 0; i < text.n; i++)
        ascii &= (unsigned char)text.p[i] < 0x80;
    if (ascii && pattern.n <= SHORT && rest.n <= SHORT)
        MUST(got == like(pattern, rest));
}

static void path(Ctx *cx, Str text) {
    Str out;
    if (ml_path_ok(text))
        MUST(text.n > 0 && text.p[0] != '/' && !str_starts(text, S("../")) && str_find(text, S("/../")) < 0 &&
             str_find(text, S("//")) < 0);
    if (ml_file_path(cx, text, S("a/b"), &out) == 0)
        MUST(ml_path_ok(out) && str_ends(out, S("a/b")));
}

static void request(Ctx *cx, Str text) {
    IdsSeeded ids;
    ModelRegistry *r;
    MlflowReply reply = { 0 };
    Str line = { 0 }, method = { 0 }, target = { 0 };
    ids_seeded_init(&ids, 1);
    MUST(registry_sqlite_open(cx, &(RegistrySqliteOptions){ .ids = &ids.ids }, &r) == 0);
    str_next(&text, '\n', &line);
    str_next(&line, ' ', &method);
    str_next(&line, '?', &target);
    mlflow_answer(r, cx, &(MlflowRequest){ method, target, line, text }, &reply);
    MUST(reply.status >= 200 && reply.status < 600 && reply.media.n > 0);
    MUST(reply.status == 200 || str_starts(reply.body, S("{\"error_code\":\"")));
    model_registry_close(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    Arena a;
    ClockManual clock;
    Ctx cx;
    if (size == 0 || size > 1 << 16)
        return 0;
    arena_init(&a, 0);
    clock_manual_init(&clock, time_ms(1700000000000));
    ctx_init(&cx, &a, &clock.clock);
    Str text = str_n((const char *)data + 1, size - 1);
    switch (data[0]) {
    case 'f':
        filters(&cx, text);
        break;
    case 'l':
        patterns(text);
        break;
    case 'p':
        path(&cx, text);
        break;
    case 'r':
        request(&cx, text);
        break;
    default:
        break;
    }
    arena_done(&a);
    return 0;
}
