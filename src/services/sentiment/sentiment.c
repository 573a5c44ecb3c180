/* services/sentiment/sentiment.c - see sentiment.h. */

#include "services/sentiment/sentiment.h"

#include "base/json.h"
#include "base/rng.h"
#include "core/article.h"
#include "core/event_schema.h"

struct SentimentService {
    SentimentOptions o;
    Counter *read, *events;
};

SentimentService *sentiment_service_new(const SentimentOptions *o) {
    SentimentService *s = mem_new(SentimentService);
    s->o = *o;
    if (o->metrics) {
        s->read = metrics_counter(o->metrics, "finsight_sentiment_texts_total", "Texts read for their sentiment",
                                  METRIC_L({ "model", str_c(o->reader->ops->name) }));
        s->events =
            metrics_counter(o->metrics, "finsight_sentiment_events_total", "Events of news answered", METRIC_NO_LABELS);
    }
    return s;
}

SentimentService *sentiment_service_free(SentimentService *s) {
    return mem_free(s);
}

const char *sentiment_model(const SentimentService *s) {
    return s->o.reader->ops->name;
}

const char *sentiment_model_doc(const SentimentService *s) {
    return s->o.reader->ops->doc;
}

int sentiment_analyze(SentimentService *s, Ctx *cx, const SentimentText *t, SentimentResult *out) {
    if (str_trim(t->title).n == 0 && str_trim(t->body).n == 0)
        return err_set_at(cx, ERR_INVALID, S("text"), "there is no text to read: give text, title, or both");
    int r = sentiment_read(s->o.reader, cx, t, out);
    if (r == 0)
        counter_inc(s->read);
    return r;
}

/* --- events --- */

static int read_article(JsonReader *r, Str *id, SentimentText *t) {
    Str key, summary = { 0 }, text = { 0 };
    int more;
    json_open_object(r);
    while ((more = json_object_next(r, &key)) > 0) {
        if (str_eq(key, S("id")))
            json_read_str(r, id);
        else if (str_eq(key, S("title")))
            json_read_str(r, &t->title);
        else if (str_eq(key, S("summary")))
            json_read_str(r, &summary);
        else if (str_eq(key, S("text")))
            json_read_str(r, &text);
        else
            json_skip(r);
    }
    t->body = text.n ? text : summary; /* the text has the summary's news in it */
    return more;
}

static void write_result(JsonWriter *w, Str id, const SentimentResult *s) {
    json_object(w);
    json_put_str(w, "id", id);
    json_put_str(w, "model", s->model);
    json_put_str(w, "label", s->label);
    json_put_f64(w, "score", s->score);
    json_put_f64(w, "confidence", s->confidence);
    json_object_end(w);
}

static int read_all(SentimentService *s, Ctx *cx, JsonReader *r, JsonWriter *w, int64_t *n) {
    json_open_array(r);
    while (json_array_next(r) > 0) {
        Str id = { 0 };
        SentimentText text = { 0 };
        SentimentResult result;
        if (read_article(r, &id, &text) < 0)
            break;
        if (!article_id_valid(id))
            return err_set(cx, ERR_INVALID, "an article of the event has no id");
        int e = sentiment_read(s->o.reader, cx, &text, &result);
        if (e)
            return e;
        counter_inc(s->read);
        write_result(w, id, &result);
        ++*n;
    }
    return r->err ? err_set(cx, ERR_INVALID, "the event's articles: %s", r->why) : 0;
}

static int answer(SentimentService *s, Ctx *cx, const Delivery *d, Str results, int64_t n) {
    Str job = { 0 };
    event_body_text(cx->arena, d->event.body, S("job_id"), &job);
    Str model = str_c(sentiment_model(s));
    Event e = { .type = S("sentiment_analysis_completed"),
                .key = S("news"),
                .correlation_id = d->event.correlation_id,
                .source = S("sentiment"),
                .version = 1,
                .at = clock_wall(cx->clock),
                .priority = 4 };
    e.id = str_fmt(cx->arena, "sentiment:" STR_FMT ":" STR_FMT, STR_ARG(model), STR_ARG(str_first(d->event.id, 150)));
    e.body = str_fmt(cx->arena,
                     "{\"articles_count\":%lld,\"model\":\"" STR_FMT "\",\"job_id\":\"" STR_FMT
                     "\",\"results\":" STR_FMT "}",
                     (long long)n, STR_ARG(model), STR_ARG(uuid_valid(job) ? job : S("")), STR_ARG(results));
    Publication p = { .exchange = BUS_EVENTS, .routing_key = event_routing_key(cx->arena, &e), .event = &e };
    int r = event_bus_publish(s->o.bus, cx, &p);
    return MIN(r, 0); /* nobody may want it: then nobody has it */
}

int sentiment_on_news(void *service, Ctx *cx, const Delivery *d) {
    SentimentService *s = service;
    JsonReader r;
    JsonWriter w;
    Buf results;
    Str key;
    int64_t n = 0;
    int e = 0;
    if (!s->o.bus)
        return err_set(cx, ERR_UNSUPPORTED, "this sentiment service has no bus to answer on");
    buf_init(&results, EVENT_BODY_MAX / 2);
    json_writer_init(&w, &results, false);
    json_array(&w);
    json_reader_init(&r, d->event.body, cx->arena, 8);
    json_open_object(&r);
    while (e == 0 && json_object_next(&r, &key) > 0)
        if (str_eq(key, S("articles")))
            e = read_all(s, cx, &r, &w, &n);
    if (e == 0 && r.err)
        e = err_set(cx, ERR_INVALID, "the event's body: %s", r.why);
    json_array_end(&w);
    if (e == 0 && !buf_ok(&results))
        e = err_set(cx, ERR_LIMIT, "an event with more articles than can be answered at once");
    if (e == 0 && n > 0)
        e = answer(s, cx, d, buf_str(&results), n);
    buf_done(&results);
    if (e == 0)
        counter_inc(s->events);
    return e;
}
