/* gateway/rules: lines of rules, an empty line, then a body. Whatever the lines, a rule or words; whatever the body, JSON
 * again or words; and what is changed twice by rules that only remove is as after the first time. */

#include "gateway/rules.h"

#include "base/json.h"

#include "fuzz.h"

static void check_json(Arena *a, Str text) {
    JsonReader r;
    json_reader_init(&r, text, a, 100);
    MUST(json_skip(&r) == 0 && json_finish(&r) == 0);
}

static void change(Ctx *cx, const Rules *rules, Str body) {
    Buf once, twice;
    if (rules_body(rules, RULE_REPLY, cx, body, &once) != 0) {
        MUST(cx->err.text[0]);
        return;
    }
    check_json(cx->arena, buf_str(&once));
    bool removes = true;
    for (size_t i = 0; i < rules->n; i++)
        removes &= rules->v[i].what != RULE_BODY_RENAME && rules->v[i].what != RULE_BODY_WRAP;
    if (removes && rules_body(rules, RULE_REPLY, cx, buf_str(&once), &twice) == 0) {
        MUST(str_eq(buf_str(&once), buf_str(&twice)));
        buf_done(&twice);
    }
    buf_done(&once);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    Arena arena = { 0 };
    Ctx cx;
    arena_init(&arena, 16 << 20);
    ctx_init(&cx, &arena, NULL);
    Rules rules = { 0 };
    Str rest = str_n((const char *)data, n), line, pattern;
    while (str_next(&rest, '\n', &line) && line.n) {
        Rule rule;
        err_clear(&cx);
        if (rule_read(&cx, line, &pattern, &rule) != 0 || rules_add(&cx, &rules, pattern, &rule) != 0)
            MUST(cx.err.text[0]);
    }
    change(&cx, &rules, rest);
    HttpField own[] = { { S("x-a"), S("1") } }, *v = own;
    size_t n_fields = 1;
    rules_fields(&rules, RULE_REPLY, &arena, &v, &n_fields, 0);
    rules_query(&rules, &arena, rest);
    arena_done(&arena);
    return 0;
}
