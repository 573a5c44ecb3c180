/* tests/fuzz/fuzz_eureka.c - what strangers may send a registry, and a hostile registry a client.
 *
 * The first byte says what the rest is: j, x an instance, which is written and read again as the same; l a list, which a
 * client takes; d two lists of it, one as changes; b a batch of a peer; a the answer to one; r METHOD PATH?QUERY of a
 * request, with a body behind the first line. */

#include "eureka/answer.h"
#include "eureka/mirror.h"
#include "eureka/peers.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const EurekaNow now = { { 1760000000000 }, { 5000000000000 } };

static void must(bool holds) {
    if (!holds)
        abort();
}

static void instance(Arena *a, Str text, bool xml) {
    EurekaInstance x, back;
    if ((xml ? eureka_read_xml(text, a, &x) : eureka_read_json(text, a, &x)) != 0)
        return;
    must(x.metadata.n <= EUREKA_PAIRS_MAX && x.port >= 0 && x.port <= 65535);
    Buf b;
    JsonWriter w;
    buf_init(&b, 8 * EUREKA_BODY_MAX);
    json_writer_init(&w, &b, false);
    eureka_write_json(&w, &x);
    must(buf_ok(&b));
    if (b.n <= EUREKA_BODY_MAX) {
        must(eureka_read_json(buf_str(&b), a, &back) == 0);
        must(back.status == x.status && back.port == x.port && back.metadata.n == x.metadata.n);
    }
    buf_clear(&b);
    eureka_write_xml(&b, &x);
    must(buf_ok(&b));
    if (b.n <= EUREKA_BODY_MAX)
        must(eureka_read_xml(buf_str(&b), a, &back) == 0 && back.status == x.status);
    buf_done(&b);
}

static void copy(Arena *a, Str first, Str second) {
    EurekaMirror *m = eureka_mirror_new();
    EurekaList list;
    eureka_mirror_full(m, first);
    eureka_mirror_delta(m, second);
    eureka_mirror_list(m, a, &list);
    must(list.n <= EUREKA_LIST_MAX);
    eureka_mirror_free(m);
}

static void request(EurekaRegistry *r, Arena *a, Str text) {
    EurekaNode *node = eureka_node_new(r, (MonoNs){ 0 });
    for (int i = 0; i < 2; i++) { /* the second answer may be one that was kept */
        Str rest = text, line, method;
        EurekaReply reply = { 0 };
        str_next(&rest, '\n', &line);
        str_next(&line, ' ', &method);
        ptrdiff_t mark = str_find_char(line, '?');
        EurekaRequest rq = { .method = method,
                             .path = mark < 0 ? line : str_first(line, (size_t)mark),
                             .query = mark < 0 ? (Str){ 0 } : str_from(line, (size_t)mark + 1),
                             .accept = i ? S("application/json") : (Str){ 0 },
                             .content_type = rest.n && rest.p[0] == '<' ? S("application/xml") : S("application/json"),
                             .body = rest,
                             .from_peer = i };
        if (eureka_answer(node, a, now, &rq, &reply))
            must(reply.status >= 200 && reply.status < 600);
    }
    eureka_node_free(node);
}

static void known(EurekaRegistry *r, Arena *a) {
    EurekaInstance x;
    must(eureka_read_json(S("{\"instance\":{\"instanceId\":\"i\",\"hostName\":\"h\",\"app\":\"A\",\"ipAddr\":\"1\","
                            "\"dataCenterInfo\":{\"@class\":\"c\",\"name\":\"MyOwn\"}}}"),
                          a, &x) == 0);
    must(eureka_register(r, now, &x, false) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0)
        return 0;
    Arena arena = { .limit = 64 << 20 };
    EurekaRegistryOptions o;
    eureka_registry_options_default(&o);
    o.max_instances = 8;
    EurekaRegistry *r = eureka_registry_new(&o, now);
    known(r, &arena);
    Str text = str_n((const char *)data + 1, size - 1), out;
    switch (data[0]) {
    case 'j':
    case 'x':
        instance(&arena, text, data[0] == 'x');
        break;
    case 'l':
        copy(&arena, text, text);
        break;
    case 'd': {
        Str second = text, first;
        str_next(&second, '\n', &first);
        copy(&arena, first, second);
        break;
    }
    case 'b':
        eureka_peer_take_batch(r, &arena, now, text, &out);
        break;
    case 'a': {
        EurekaPeer *p = eureka_peer_new();
        const EurekaInstance *x = eureka_find(r, S("A"), S("i"));
        eureka_peer_tell(p, now, &(EurekaEvent){ EUREKA_EV_HEARTBEAT, x, EUREKA_UP });
        must(eureka_peer_batch(p, &arena, now).n > 0);
        eureka_peer_heard(p, r, now, text);
        eureka_peer_free(p);
        break;
    }
    default:
        request(r, &arena, text);
    }
    EurekaRegistryView v;
    eureka_registry_view(r, now, &v);
    must(v.instances <= 8);
    eureka_registry_free(r);
    arena_done(&arena);
    return 0;
}
