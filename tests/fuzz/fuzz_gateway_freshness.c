/* gateway/freshness: fields of a reply, an empty line, fields of a request. Whatever they say, lives have bounds, and what
 * must not be kept is not. */

#include "gateway/freshness.h"

#include "fuzz.h"

enum { FIELDS_MAX = 32 };

/* "name: value" lines; names are made lower case, as the parser of heads does. */
static size_t read_fields(Arena *a, Str *rest, HttpField *v) {
    Str line;
    size_t n = 0;
    while (str_next(rest, '\n', &line) && line.n) {
        ptrdiff_t colon = str_find_char(line, ':');
        if (colon < 1 || n == FIELDS_MAX)
            continue;
        char *name = arena_alloc(a, (size_t)colon);
        for (ptrdiff_t i = 0; i < colon; i++)
            name[i] = line.p[i] >= 'A' && line.p[i] <= 'Z' ? (char)(line.p[i] + 32) : line.p[i];
        v[n++] = (HttpField){ str_n(name, (size_t)colon), str_trim(str_from(line, (size_t)colon + 1)) };
    }
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    const int64_t year = INT64_C(366) * 24 * 3600 * 1000;
    Arena a = { 0 };
    HttpField reply[FIELDS_MAX], asks[FIELDS_MAX];
    Str rest = str_n((const char *)data, n), names;
    size_t n_reply = read_fields(&a, &rest, reply), n_asks = read_fields(&a, &rest, asks);
    CacheControl c = cache_control_of(reply, n_reply);
    for (int keyed = 0; keyed < 2; keyed++) {
        KeepPlan p = keep_plan(&(KeepQuestion){ .status = 200,
                                                .fields = reply,
                                                .n_fields = n_reply,
                                                .keyed = keyed,
                                                .standard_ms = 1000,
                                                .now = time_ms(1700000000000) });
        MUST(!p.keep || !(c.no_store || c.is_private));
        MUST(p.fresh_ms >= 0 && p.fresh_ms <= year && p.while_ms >= 0 && p.while_ms <= year && p.error_ms <= year);
        MUST(!p.keep || !keyed || !p.for_all || c.is_public || c.s_maxage_s >= 0);
    }
    HttpHead head = { .fields = asks, .n_fields = n_asks };
    if (vary_names(&a, reply, n_reply, &names)) {
        Str values = vary_values(&a, names, &head);
        MUST(str_eq(values, vary_values(&a, names, &head)));
    }
    for (size_t i = 0; i < n_reply; i++)
        not_modified(&head, reply[i].value, reply[i].value);
    arena_done(&a);
    return 0;
}
