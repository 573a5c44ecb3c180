/* api/sentiment/ops.c - records, handlers and the table of the sentiment operations. */

#include "api/sentiment/sentiment_api.h"

#include "services/sentiment/sentiment.h"

/* clang-format off */
static const char *const labels[] = { "positive", "negative", "neutral", NULL };

static const Field query_f[] = {
    FIELD(SentimentQuery, title, .max = 1000, .doc = "Headline; counts twice."),
    FIELD(SentimentQuery, text, .rename = "content", .max = 400000, .doc = "Plain text.", .example = "Shares surged after profit beat expectations"),
};
SHAPE(sentiment_query_shape, SentimentQuery, query_f, .doc = "A text to read; title, text, or both.");

static const Field why_f[] = {
    FIELD(SentimentWhy, words, .doc = "As they stand in the text."),
    FIELD(SentimentWhy, weight, .doc = "What they added."),
    FIELD(SentimentWhy, negated, .flags = F_OMIT_EMPTY, .doc = "A negation turned them round."),
    FIELD(SentimentWhy, in_title, .flags = F_OMIT_EMPTY, .doc = "They stand in the headline."),
};
static SHAPE(why_shape, SentimentWhy, why_f, .doc = "A word or phrase that counted.");

static const Field answer_f[] = {
    FIELD(SentimentAnswer, model, .doc = "Who read it: name and version.", .example = "lexicon-1"),
    FIELD(SentimentAnswer, label, .choices = labels, .doc = "How it sounds."),
    FIELD(SentimentAnswer, score, .doc = "-1 bad to 1 good; neutral is within 0.2 of 0."),
    FIELD(SentimentAnswer, confidence, .doc = "0 to 1; of lexicon-1 how clear and how one-sided, no probability."),
    FIELD(SentimentAnswer, positive, .doc = "Share of what sounds good."),
    FIELD(SentimentAnswer, negative, .doc = "Share of what sounds bad."),
    FIELD(SentimentAnswer, neutral, .doc = "The rest."),
    FIELD(SentimentAnswer, why, .of = &why_shape, .doc = "The words that decided, strongest first."),
    FIELD(SentimentAnswer, words, .doc = "Words read."),
    FIELD(SentimentAnswer, hits, .doc = "Of them, words and phrases that counted."),
};
SHAPE(sentiment_answer_shape, SentimentAnswer, answer_f, .doc = "What a model made of a text.");

static const Field batch_f[] = {
    FIELD(SentimentBatch, texts, .flags = F_REQUIRED, .of = &sentiment_query_shape, .min = 1, .max = SENTIMENT_BATCH_MAX, .doc = "Texts to read."),
};
SHAPE(sentiment_batch_shape, SentimentBatch, batch_f, .doc = "Several texts.");

static const Field answers_f[] = {
    FIELD(SentimentAnswers, count, .doc = "Texts read."),
    FIELD(SentimentAnswers, results, .of = &sentiment_answer_shape, .doc = "In the order of the texts."),
};
SHAPE(sentiment_answers_shape, SentimentAnswers, answers_f, .doc = "What a model made of several texts.");

static const Field model_f[] = {
    FIELD(SentimentModelRow, model, .doc = "Name and version."),
    FIELD(SentimentModelRow, doc, .doc = "What it is."),
    FIELD(SentimentModelRow, standard, .doc = "It reads the news."),
};
static SHAPE(model_shape, SentimentModelRow, model_f, .doc = "Who reads texts here.");
static const Field models_f[] = {
    FIELD(SentimentModels, count, .doc = "Models."),
    FIELD(SentimentModels, models, .of = &model_shape, .doc = "All of them."),
};
SHAPE(sentiment_models_shape, SentimentModels, models_f, .doc = "The models of this build.");
/* clang-format on */

static int analyze(void *role, Ctx *cx, const SentimentQuery *in, SentimentAnswer *out) {
    SentimentResult r;
    int e = sentiment_analyze(role, cx, &(SentimentText){ in->title, in->text }, &r);
    if (e)
        return e;
    SentimentWhy *why = arena_new_n(cx->arena, SentimentWhy, MAX(r.n_why, 1));
    for (size_t i = 0; i < r.n_why; i++)
        why[i] = (SentimentWhy){ r.why[i].words, r.why[i].weight, r.why[i].negated, r.why[i].in_title };
    *out = (SentimentAnswer){ r.model,    r.label,   r.score,          r.confidence, r.positive,
                              r.negative, r.neutral, { why, r.n_why }, r.n_words,    r.n_hits };
    return 0;
}

static int run_analyze(void *role, Ctx *cx, const void *in, void *out) {
    return analyze(role, cx, in, out);
}

static int run_batch(void *role, Ctx *cx, const void *in, void *out) {
    const List *texts = &((const SentimentBatch *)in)->texts;
    SentimentAnswer *v = arena_new_n(cx->arena, SentimentAnswer, MAX(texts->n, 1));
    int r = 0;
    for (size_t i = 0; r == 0 && i < texts->n; i++)
        r = analyze(role, cx, &((const SentimentQuery *)texts->v)[i], &v[i]);
    *(SentimentAnswers *)out = (SentimentAnswers){ (int64_t)texts->n, { v, texts->n } };
    return r;
}

static int run_models(void *role, Ctx *cx, const void *in, void *out) {
    SentimentModelRow *v = arena_new(cx->arena, SentimentModelRow);
    UNUSED(in);
    *v = (SentimentModelRow){ str_c(sentiment_model(role)), str_c(sentiment_model_doc(role)), true };
    *(SentimentModels *)out = (SentimentModels){ 1, { v, 1 } };
    return 0;
}

#define PATHS(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define TAG        "Sentiment"

/* clang-format off */
const Op op_sentiment_analyze = {
    .name = "sentiment.analyze", .method = "POST", .path = "/api/v1/sentiment/analyze", .aliases = PATHS("/sentiment/analyze"),
    .summary = "How a text sounds, and which words decided", .tag = TAG,
    .in = &sentiment_query_shape, .out = &sentiment_answer_shape, .role = ROLE_READ,
    .lane = LANE_CPU, .deadline_ms = 5000, .max_body = 1u << 20, .idempotent = true, .prose = true, .run = run_analyze };

const Op op_sentiment_batch = {
    .name = "sentiment.batch", .method = "POST", .path = "/api/v1/sentiment/batch", .aliases = PATHS("/sentiment/batch"),
    .summary = "The same for several texts", .tag = TAG,
    .in = &sentiment_batch_shape, .out = &sentiment_answers_shape, .role = ROLE_READ,
    .lane = LANE_CPU, .deadline_ms = 10000, .max_body = 4u << 20, .idempotent = true, .prose = true, .run = run_batch };

const Op op_sentiment_models = {
    .name = "sentiment.models", .method = "GET", .path = "/api/v1/sentiment/models", .aliases = PATHS("/sentiment/models"),
    .summary = "Who reads texts here", .tag = TAG, .out = &sentiment_models_shape, .role = ROLE_READ,
    .lane = LANE_CPU, .deadline_ms = 2000, .idempotent = true, .run = run_models };

static const Op *const ops[] = { &op_sentiment_analyze, &op_sentiment_batch, &op_sentiment_models };
/* clang-format on */

const OpTable sentiment_api = { .role = "sentiment", .ops = ops, .n_ops = ARRAY_LEN(ops) };
