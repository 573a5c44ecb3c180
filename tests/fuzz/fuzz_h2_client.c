/* tests/fuzz/fuzz_h2_client.c - what a hostile upstream may answer over HTTP/2, in any pieces.
 *
 * Two calls go out, one with a body that streams; the bytes of the input come back on their connection, which then ends.
 * Whatever they were: each call is told once how it ended, nothing is taken past its window, nothing stays open. The first
 * byte seeds the pieces. */

#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "adapters/clock/system.h"
#include "base/rng.h"
#include "fuzz.h"
#include "net/http_upstream.h"

enum { CALLS = 2, WINDOW = 64 << 10 };

typedef struct Peer { /* the upstream's side, by hand */
    Clock clock;
    Loop *loop;
    int listener, fd;
    char address[128];
    Rng rng;
    Str rest;
    LoopTimer timer;
    int ended;
    bool closed;
} Peer;

typedef struct Call {
    Peer *p;
    UpCall *up;
    int heads, ends;
} Call;

static void listen_once(Peer *p) {
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    snprintf(at.sun_path, sizeof at.sun_path, "/tmp/finsight-fuzz-h2-%d", (int)getpid());
    snprintf(p->address, sizeof p->address, "unix:%s", at.sun_path);
    unlink(at.sun_path);
    p->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    MUST(p->listener >= 0 && bind(p->listener, (struct sockaddr *)&at, sizeof at) == 0 && listen(p->listener, 4) == 0);
}

static void end_call(Call *c) {
    c->ends++;
    MUST(c->ends == 1);
    if (++c->p->ended == CALLS)
        loop_stop(c->p->loop);
}

static void on_more(void *arg) {
    Call *c = arg;
    for (;;) {
        Buf piece = { 0 };
        int r = upstream_take(c->up, &piece);
        MUST(piece.n <= WINDOW);
        buf_done(&piece);
        if (r == HTTP_PUMP_WAIT)
            return;
        if (r == HTTP_PUMP_MORE)
            continue;
        upstream_close(c->up);
        end_call(c);
        return;
    }
}

static void on_head(void *arg, const UpHead *head) {
    Call *c = arg;
    MUST(++c->heads == 1 && head->n_fields <= 200);
    on_more(c);
}

static void on_fail(void *arg, int err, bool sent) {
    UNUSED(sent);
    Call *c = arg;
    MUST(err < 0 && c->heads == 0);
    end_call(c);
}

static const UpEvents events = { .head = on_head, .fail = on_fail, .more = on_more };

static int pump(void *arg, Buf *out) {
    UNUSED(arg);
    buf_init(out, 100);
    BUF_LIT(out, "abcdefgh");
    return HTTP_PUMP_DONE;
}

/* A few bytes a turn of the loop, then the end. What the client says is read and dropped. */
static void on_turn(void *arg) {
    Peer *p = arg;
    char drop[16384];
    if (p->fd < 0)
        p->fd = accept4(p->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    MUST(p->fd >= 0);
    while (read(p->fd, drop, sizeof drop) > 0) {
    }
    size_t n = MIN(p->rest.n, 1 + (size_t)rng_below(&p->rng, 600));
    if (n && send(p->fd, p->rest.p, n, MSG_NOSIGNAL) == (ssize_t)n) {
        p->rest = str_from(p->rest, n);
        loop_timer_start(&p->timer, 0, 0);
        return;
    }
    close(p->fd);
    p->closed = true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static Peer p;
    if (size < 2 || size > 20000)
        return 0;
    if (!p.loop) {
        clock_system_init(&p.clock);
        p.loop = loop_new(&p.clock);
        listen_once(&p);
        loop_timer_init(&p.timer, p.loop, on_turn, &p);
    }
    UpstreamOptions o;
    upstream_options_default(&o);
    o.h2 = true;
    o.window = WINDOW;
    o.max_connections = 1;
    rng_seed(&p.rng, data[0]);
    p.rest = str_n((const char *)data + 1, size - 1);
    p.fd = -1;
    p.ended = 0;
    p.closed = false;
    Upstream *up = upstream_new(p.loop, str_c(p.address), &o, NULL, (Str){ 0 });
    Call calls[CALLS] = { { .p = &p }, { .p = &p } };
    for (int i = 0; i < CALLS; i++) {
        UpRequest rq = { .method = i ? S("POST") : S("GET"),
                         .target = S("/a"),
                         .pump = i ? pump : NULL,
                         .patient = true,
                         .deadline = mono_add_ms(clock_mono(&p.clock), 60000) };
        MUST(upstream_send(up, &rq, &events, &calls[i], &calls[i].up) == 0);
    }
    loop_timer_start(&p.timer, 0, 0);
    loop_run(p.loop);
    loop_timer_stop(&p.timer);
    UpstreamStats st;
    upstream_stats(up, &st);
    MUST(st.open == 0 && st.waiting == 0);
    upstream_free(up);
    if (!p.closed && p.fd >= 0)
        close(p.fd);
    for (int more; (more = accept4(p.listener, NULL, NULL, SOCK_NONBLOCK)) >= 0;) /* nobody comes twice */
        close(more);
    return 0;
}
