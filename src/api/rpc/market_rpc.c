/* api/rpc/market_rpc.c - finsight.market.MarketDataService: the operations market.candles and market.save over gRPC
 * (GRP-10, GRP-11). Their field tables check what comes, so both ways in refuse the same. */

#include "api/market/market_api.h"
#include "api/rpc/message.h"
#include "api/rpc/rpc.h"
#include "core/candle.h"

#include <market.pb-c.h>

typedef Finsight__Market__OHLCVRequest Ask;
typedef Finsight__Market__OHLCVResponse Answer;
typedef Finsight__Market__OHLCVBatch Batch;
typedef Finsight__Market__Candle Row;

/* --- questions --- */

static int read_time(Ctx *cx, const char *name, const char *text, OHLCVQuery *q) {
    return *text ? field_from_text(shape_field(&ohlcv_query_shape, str_c(name)), cx, str_c(text), q) : 0;
}

static int read_ask(Ctx *cx, const Ask *m, OHLCVQuery *q) {
    shape_init(&ohlcv_query_shape, cx, q);
    q->symbol = str_c(m->symbol);
    q->timeframe = str_c(m->timeframe);
    if (*m->exchange)
        q->exchange = str_c(m->exchange);
    if (*m->provider)
        q->provider = str_c(m->provider);
    if (*m->order)
        q->order = str_c(m->order);
    if (*m->adjust)
        q->adjust = str_c(m->adjust);
    if (m->limit)
        q->limit = m->limit;
    q->real_only = m->real_only;
    int r = read_time(cx, "start", m->start, q);
    if (r == 0)
        r = read_time(cx, "end", m->end, q);
    return r == 0 ? shape_validate(&ohlcv_query_shape, cx, q) : r;
}

static int run(GrpcCall *c, Ctx *cx, const OHLCVQuery *q, CandlePage *page) {
    *page = (CandlePage){ 0 };
    return op_market_candles.run(grpc_service(c), cx, q, page);
}

/* --- answers --- */

static Row **put_rows(Ctx *cx, const Candles *cs) {
    Row *rows = arena_alloc(cx->arena, cs->n * sizeof *rows + 1);
    Row **at = arena_alloc(cx->arena, cs->n * sizeof *at + 1);
    for (size_t i = 0; i < cs->n; i++) {
        finsight__market__candle__init(&rows[i]);
        rows[i].open_time = cs->open_ms[i];
        rows[i].open = cs->open[i];
        rows[i].high = cs->high[i];
        rows[i].low = cs->low[i];
        rows[i].close = cs->close[i];
        rows[i].volume = cs->volume[i];
        rows[i].flags = cs->flags[i];
        at[i] = &rows[i];
    }
    return at;
}

static int send_page(GrpcCall *c, Ctx *cx, const CandlePage *p, const char *tag) {
    Answer m = FINSIGHT__MARKET__OHLCVRESPONSE__INIT;
    m.symbol = rpc_text(cx, p->symbol);
    m.timeframe = rpc_text(cx, p->timeframe);
    m.exchange = rpc_text(cx, p->exchange);
    m.provider = rpc_text(cx, p->provider);
    m.candles = put_rows(cx, &p->candles);
    m.n_candles = p->candles.n;
    m.revision = p->revision;
    m.more = p->more;
    m.next_start = p->more ? p->next_start.ms : 0;
    m.simulated = p->simulated;
    m.derived_from = rpc_text(cx, p->derived_from);
    m.tag = rpc_text(cx, str_c(tag));
    return rpc_send(c, cx, &m.base);
}

/* GetOHLCV, and each question of QueryOHLCV. */
static int answer(GrpcCall *c, Ctx *cx, Str message) {
    OHLCVQuery q;
    CandlePage page;
    const Ask *m = rpc_unpack(cx, &finsight__market__ohlcvrequest__descriptor, message);
    if (!m)
        return ERR_BAD_REQUEST;
    int r = read_ask(cx, m, &q);
    if (r == 0)
        r = run(c, cx, &q, &page);
    return r == 0 ? send_page(c, cx, &page, m->tag) : r;
}

/* --- a range, page by page --- */

typedef struct Stream {
    OHLCVQuery q; /* its texts lie in the call's arena */
    const char *tag;
} Stream;

static Str keep(GrpcCall *c, Str s) {
    return str_dup(grpc_arena(c), s);
}

static int stream_ask(GrpcCall *c, Ctx *cx, Str message) {
    Stream *s = grpc_state(c);
    const Ask *m = rpc_unpack(cx, &finsight__market__ohlcvrequest__descriptor, message);
    int r = m ? read_ask(cx, m, &s->q) : ERR_BAD_REQUEST;
    if (r != 0)
        return r;
    if (str_eq(s->q.order, S("latest")))
        return err_set_at(cx, ERR_INVALID, S("order"), "a stream gives the whole range, oldest first: leave order out");
    OHLCVQuery *q = &s->q;
    Str *texts[] = { &q->exchange, &q->symbol, &q->timeframe, &q->provider, &q->order, &q->adjust };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        *texts[i] = keep(c, *texts[i]);
    s->tag = str_cz(grpc_arena(c), str_c(m->tag));
    return 0;
}

static int stream_next(GrpcCall *c, Ctx *cx) {
    Stream *s = grpc_state(c);
    CandlePage page;
    int r = run(c, cx, &s->q, &page);
    if (r == 0)
        r = send_page(c, cx, &page, s->tag);
    if (r != 0)
        return r;
    s->q.start = page.next_start;
    return page.more ? GRPC_NEXT_MORE : GRPC_NEXT_DONE;
}

/* --- saving --- */

typedef struct Saved {
    Finsight__Market__SaveOHLCVResponse sum;
} Saved;

static int read_rows(Ctx *cx, const Batch *m, Candles *out) {
    candles_init(out, cx->arena, m->n_candles);
    for (size_t i = 0; i < m->n_candles; i++) {
        const Row *row = m->candles[i];
        if (row->flags > CANDLE_FLAGS_ALL)
            return err_set_at(cx, ERR_INVALID, str_fmt(cx->arena, "candles[%zu].flags", i),
                              "these flags are not known");
        candles_push(out, &(Candle){ .open_time = { row->open_time },
                                     .open = row->open,
                                     .high = row->high,
                                     .low = row->low,
                                     .close = row->close,
                                     .volume = row->volume,
                                     .flags = (uint8_t)row->flags });
    }
    candles_sort_unique(out, cx->arena);
    return 0;
}

static int save_batch(GrpcCall *c, Ctx *cx, Str message) {
    Saved *s = grpc_state(c);
    OHLCVSave in;
    SaveResponse out = { 0 };
    const Batch *m = rpc_unpack(cx, &finsight__market__ohlcvbatch__descriptor, message);
    if (!m)
        return ERR_BAD_REQUEST;
    shape_init(&ohlcv_save_shape, cx, &in);
    in.symbol = str_c(m->symbol);
    in.timeframe = str_c(m->timeframe);
    if (*m->exchange)
        in.exchange = str_c(m->exchange);
    if (*m->provider)
        in.provider = str_c(m->provider);
    int r = read_rows(cx, m, &in.candles);
    if (r == 0)
        r = shape_validate(&ohlcv_save_shape, cx, &in);
    if (r == 0)
        r = op_market_save.run(grpc_service(c), cx, &in, &out);
    if (r != 0)
        return err_prefix(cx, "batch %lld", (long long)s->sum.batches);
    s->sum.batches++;
    s->sum.received += out.received;
    s->sum.inserted += out.inserted;
    s->sum.updated += out.updated;
    s->sum.unchanged += out.unchanged;
    return 0;
}

static int save_ended(GrpcCall *c, Ctx *cx) {
    Saved *s = grpc_state(c);
    Finsight__Market__SaveOHLCVResponse m = FINSIGHT__MARKET__SAVE_OHLCVRESPONSE__INIT;
    s->sum.base = m.base;
    return rpc_send(c, cx, &s->sum.base);
}

enum { PAGE_MS = 5000, SAVE_MESSAGE_MAX = 24 << 20 };

static const GrpcMethod methods[] = {
    { .name = "GetOHLCV", .role = ROLE_READ, .lane = GRPC_ON_CPU, .deadline_ms = PAGE_MS, .message = answer },
    { .name = "StreamOHLCV",
      .server_streams = true,
      .role = ROLE_READ,
      .lane = GRPC_ON_CPU,
      .state_size = sizeof(Stream),
      .message = stream_ask,
      .next = stream_next },
    { .name = "QueryOHLCV",
      .client_streams = true,
      .server_streams = true,
      .role = ROLE_READ,
      .lane = GRPC_ON_CPU,
      .message = answer },
    { .name = "SaveOHLCV",
      .client_streams = true,
      .role = ROLE_WRITE,
      .lane = GRPC_ON_IO,
      .max_message = SAVE_MESSAGE_MAX,
      .state_size = sizeof(Saved),
      .message = save_batch,
      .ended = save_ended },
};

const GrpcService market_rpc = { "finsight.market.MarketDataService", methods, ARRAY_LEN(methods) };
