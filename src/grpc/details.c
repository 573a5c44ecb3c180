/* grpc/details.c - an error as other programs read it: google.rpc.Status (google/rpc/status.proto, error_details.proto). */

#include "base/num.h"
#include "grpc/call.h"
#include "grpc/pb.h"

enum { DETAIL_MAX = 4096 };

static void put_any(Buf *status, Str type, const Buf *message) {
    enum { DETAILS = 3, TYPE_URL = 1, VALUE = 2 };
    Buf any;
    buf_init(&any, DETAIL_MAX + 256);
    pb_put_bytes(&any, TYPE_URL, type);
    pb_put_bytes(&any, VALUE, buf_str(message));
    pb_put_bytes(status, DETAILS, buf_str(&any));
    buf_done(&any);
}

static void put_entry(Buf *info, Str key, Str value) {
    enum { METADATA = 3, KEY = 1, VALUE = 2 };
    Buf entry;
    if (!value.n)
        return;
    buf_init(&entry, DETAIL_MAX);
    pb_put_bytes(&entry, KEY, key);
    pb_put_bytes(&entry, VALUE, value);
    pb_put_bytes(info, METADATA, buf_str(&entry));
    buf_done(&entry);
}

static void put_info(Buf *status, const Ctx *cx) {
    enum { REASON = 1, DOMAIN = 2 };
    const ErrInfo *e = err_info(cx->err.code);
    Buf info;
    buf_init(&info, DETAIL_MAX);
    pb_put_bytes(&info, REASON, str_c(e->name));
    pb_put_bytes(&info, DOMAIN, S("finsight"));
    put_entry(&info, S("field"), str_c(cx->err.field));
    put_entry(&info, S("stage"), str_c(cx->err.stage));
    put_entry(&info, S("request_id"), cx->trace.request_id);
    put_entry(&info, S("correlation_id"), cx->trace.correlation_id);
    put_entry(&info, S("retryable"), e->retryable ? S("true") : S("false"));
    put_any(status, S("type.googleapis.com/google.rpc.ErrorInfo"), &info);
    buf_done(&info);
}

static void put_retry(Buf *status, int64_t ms) {
    enum { RETRY_DELAY = 1, SECONDS = 1, NANOS = 2 };
    Buf delay, info;
    buf_init(&delay, 64);
    buf_init(&info, 128);
    pb_put_number(&delay, SECONDS, (uint64_t)(ms / MS_PER_SECOND));
    pb_put_number(&delay, NANOS, (uint64_t)(ms % MS_PER_SECOND * NS_PER_MS));
    pb_put_bytes(&info, RETRY_DELAY, buf_str(&delay));
    put_any(status, S("type.googleapis.com/google.rpc.RetryInfo"), &info);
    buf_done(&delay);
    buf_done(&info);
}

void grpc_details(const Ctx *cx, int status, Str message, Buf *out) {
    enum { CODE = 1, MESSAGE = 2 };
    pb_put_number(out, CODE, (uint64_t)status);
    pb_put_bytes(out, MESSAGE, message);
    put_info(out, cx);
    if (cx->err.retry_after_ms > 0)
        put_retry(out, cx->err.retry_after_ms);
}
