/* services/trace/otlp.c - see otlp.h. */

#include "services/trace/otlp.h"

#include "base/num.h"

enum { STATUS_UNSET, STATUS_OK, STATUS_ERROR, ANSWER_DEPTH = 8 };

static void put_nano(JsonWriter *w, Str key, int64_t ns) {
    char text[NUM_TEXT_MAX];
    json_key(w, key);
    json_str(w, str_n(text, num_format_i64(ns, text)));
}

static void put_text(JsonWriter *w, Str key, Str value) {
    json_object(w);
    json_put_str(w, "key", key);
    json_key(w, S("value"));
    json_object(w);
    json_put_str(w, "stringValue", value);
    json_object_end(w);
    json_object_end(w);
}

static void put_int(JsonWriter *w, Str key, int64_t value) {
    json_object(w);
    json_put_str(w, "key", key);
    json_key(w, S("value"));
    json_object(w);
    put_nano(w, S("intValue"), value);
    json_object_end(w);
    json_object_end(w);
}

static void put_attributes(JsonWriter *w, const TraceRecord *t, const Span *s, bool root) {
    json_key(w, S("attributes"));
    json_array(w);
    if (root) {
        put_text(w, S("http.request.method"), str_c(t->method));
        put_text(w, S("url.path"), str_c(t->path));
        put_text(w, S("finsight.operation"), str_c(t->name));
        if (t->status)
            put_int(w, S("http.response.status_code"), t->status);
        if (t->dropped)
            put_int(w, S("finsight.spans_dropped"), t->dropped);
    }
    if (s->note[0])
        put_text(w, s->kind == SPAN_CLIENT ? S("server.address") : S("finsight.note"), str_c(s->note));
    json_array_end(w);
}

static void put_span(JsonWriter *w, const OtlpSource *source, const TraceRecord *t, const Span *s) {
    char trace[TRACE_ID_TEXT], id[SPAN_ID_TEXT];
    bool root = s == t->v, failed = root ? t->failed : s->failed;
    json_object(w);
    json_put_str(w, "traceId", trace_id_write(t->trace_hi, t->trace_lo, trace));
    json_put_str(w, "spanId", span_id_write(s->id, id));
    if (s->parent)
        json_put_str(w, "parentSpanId", span_id_write(s->parent, id));
    json_put_str(w, "name", root ? str_c(t->name) : str_c(s->name));
    json_put_i64(w, "kind", s->kind);
    put_nano(w, S("startTimeUnixNano"), s->start_ns + source->wall_ns);
    put_nano(w, S("endTimeUnixNano"), MAX(s->end_ns, s->start_ns) + source->wall_ns);
    put_attributes(w, t, s, root);
    json_key(w, S("status"));
    json_object(w);
    json_put_i64(w, "code", failed ? STATUS_ERROR : STATUS_UNSET);
    json_object_end(w);
    json_put_i64(w, "flags", 1); /* sampled, or it would not be here */
    json_object_end(w);
}

void otlp_write(JsonWriter *w, const OtlpSource *source, const TraceRecord *v, size_t n) {
    json_object(w);
    json_key(w, S("resourceSpans"));
    json_array(w);
    json_object(w);
    json_key(w, S("resource"));
    json_object(w);
    json_key(w, S("attributes"));
    json_array(w);
    put_text(w, S("service.name"), source->service);
    put_text(w, S("service.instance.id"), source->instance);
    put_text(w, S("service.version"), source->version);
    json_array_end(w);
    json_object_end(w);
    json_key(w, S("scopeSpans"));
    json_array(w);
    json_object(w);
    json_key(w, S("scope"));
    json_object(w);
    json_put_str(w, "name", S("finsight"));
    json_put_str(w, "version", source->version);
    json_object_end(w);
    json_key(w, S("spans"));
    json_array(w);
    for (size_t i = 0; i < n; i++)
        for (uint32_t k = 0; k < v[i].n; k++)
            put_span(w, source, &v[i], &v[i].v[k]);
    json_array_end(w);
    json_object_end(w);
    json_array_end(w);
    json_object_end(w);
    json_array_end(w);
    json_object_end(w);
}

int64_t otlp_rejected(Arena *a, Str body, Str *why) {
    JsonReader r;
    Str key;
    int64_t n = 0;
    *why = (Str){ 0 };
    json_reader_init(&r, body, a, ANSWER_DEPTH);
    json_open_object(&r);
    while (json_object_next(&r, &key) > 0) {
        if (!str_eq(key, S("partialSuccess")))
            continue;
        json_open_object(&r);
        while (json_object_next(&r, &key) > 0)
            if (str_eq(key, S("rejectedSpans")))
                json_read_i64(&r, &n);
            else if (str_eq(key, S("errorMessage")))
                json_read_str(&r, why);
    }
    return r.err || n < 0 ? 0 : n;
}
