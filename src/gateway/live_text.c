/* gateway/live_text.c - the messages the live API sends; docs/live-api.md shows each. */

#include "gateway/live_internal.h"

static void begin(JsonWriter *w, Buf *out, const char *type, Str id) {
    json_writer_init(w, out, false);
    json_object(w);
    json_put_str(w, "type", str_c(type));
    if (id.n)
        json_put_str(w, "id", id);
}

void live_write_rows(Buf *out, const LiveRows *head, const Candles *rows) {
    JsonWriter w;
    bool simulated = false;
    for (size_t i = 0; i < rows->n && !simulated; i++)
        simulated = rows->flags[i] & CANDLE_SIMULATED;
    begin(&w, out, head->type, str_c(head->id));
    json_put_str(&w, "channel", S("candles"));
    json_put_str(&w, "series", str_c(head->series));
    json_put_i64(&w, "seq", head->seq);
    if (head->reason)
        json_put_str(&w, "reason", str_c(head->reason));
    if (head->conflated)
        json_put_bool(&w, "conflated", true);
    if (head->from.ms < head->to.ms) {
        json_put_time(&w, "start", head->from);
        json_put_time(&w, "end", head->to);
    }
    if (simulated)
        json_put_bool(&w, "simulated", true);
    json_key(&w, S("candles"));
    candles_write_json(&w, rows);
    json_object_end(&w);
}

void live_write_hello(Buf *out, const LiveOptions *o, Time now) {
    JsonWriter w;
    begin(&w, out, "hello", (Str){ 0 });
    json_put_str(&w, "server", S("finsight " FINSIGHT_VERSION));
    json_put_time(&w, "time", now);
    json_put_i64(&w, "heartbeat_ms", o->heartbeat_ms);
    json_put_i64(&w, "max_subscriptions", o->max_subscriptions);
    json_put_i64(&w, "max_messages_per_second", o->messages_second);
    json_put_i64(&w, "max_message_bytes", (int64_t)o->ws.max_message);
    json_object_end(&w);
}

void live_write_heartbeat(Buf *out, Time now) {
    live_write_plain(out, "heartbeat", (Str){ 0 }, now);
}

void live_write_plain(Buf *out, const char *type, Str id, Time now) {
    JsonWriter w;
    begin(&w, out, type, id);
    json_put_time(&w, "time", now);
    json_object_end(&w);
}

void live_write_unsubscribed(Buf *out, Str id, const char *series, Str reason) {
    JsonWriter w;
    begin(&w, out, "unsubscribed", id);
    json_put_str(&w, "series", str_c(series));
    if (reason.n)
        json_put_str(&w, "reason", reason);
    json_object_end(&w);
}

void live_write_list(Buf *out, Str id, const LiveConn *c) {
    JsonWriter w;
    begin(&w, out, "list", id);
    json_key(&w, S("subscriptions"));
    json_array(&w);
    for (const ListNode *n = c->subs.next; n != &c->subs; n = n->next) {
        const LiveSub *s = LIST_ENTRY(n, LiveSub, in_conn);
        if (!s->topic)
            continue;
        json_object(&w);
        json_put_str(&w, "series", str_c(s->topic->name));
        json_put_i64(&w, "seq", s->seq);
        json_object_end(&w);
    }
    json_array_end(&w);
    json_object_end(&w);
}

void live_write_error(Buf *out, Str id, const Ctx *cx) {
    const ErrInfo *info = err_info(cx->err.code);
    JsonWriter w;
    begin(&w, out, "error", id);
    json_put_str(&w, "code", str_c(info->name));
    json_put_str(&w, "message", str_c(cx->err.text[0] ? cx->err.text : info->words));
    if (cx->err.field[0])
        json_put_str(&w, "field", str_c(cx->err.field));
    json_put_bool(&w, "retryable", info->retryable);
    json_object_end(&w);
}
