#pragma once

/* ports/registry_filter.h - the language MLflow's searches are written in, read once for every adapter that has no server
 * to read it.
 *
 *     metrics.rmse < 1 and params.model = 'x' and tags.`a b` ILIKE '%q%' and run_id IN ('a', 'b')
 *     order by: "metrics.auc DESC", "attributes.start_time"
 *
 * Conditions joined by "and": a field (metrics., params., tags., attributes. with their short and long forms, or an
 * attribute's bare name; odd keys in backticks or double quotes), an operator, a number, a string in either quotes, or a
 * list of strings. Bounded: FILTER_TEXT_MAX bytes, FILTER_CONDITIONS conditions, FILTER_LIST items. Pure. */

#include "base/ctx.h"

enum { FILTER_TEXT_MAX = 16 << 10, FILTER_CONDITIONS = 32, FILTER_LIST = 1000, FILTER_ORDERS = 8 };

typedef enum FilterSubject { FILTER_RUNS, FILTER_EXPERIMENTS, FILTER_MODELS, FILTER_VERSIONS } FilterSubject;
typedef enum FilterField { FILTER_METRIC, FILTER_PARAM, FILTER_TAG, FILTER_ATTRIBUTE } FilterField;

/* Attributes of all subjects; which has which is said in registry_filter.c. */
typedef enum FilterAttribute {
    ATTRIBUTE_ID,
    ATTRIBUTE_NAME,
    ATTRIBUTE_STATUS,
    ATTRIBUTE_USER,
    ATTRIBUTE_ARTIFACT_URI,
    ATTRIBUTE_START,
    ATTRIBUTE_END,
    ATTRIBUTE_CREATED,
    ATTRIBUTE_UPDATED,
    ATTRIBUTE_RUN_ID,
    ATTRIBUTE_SOURCE,
    ATTRIBUTE_VERSION,
    ATTRIBUTE_STAGE,
    ATTRIBUTE_EXPERIMENT,
    ATTRIBUTES
} FilterAttribute;

typedef enum FilterOp {
    FILTER_EQ,
    FILTER_NE,
    FILTER_LT,
    FILTER_LE,
    FILTER_GT,
    FILTER_GE,
    FILTER_LIKE,
    FILTER_ILIKE,
    FILTER_IN,
    FILTER_NOT_IN
} FilterOp;

typedef struct FilterCondition {
    FilterField field;
    FilterAttribute attribute; /* of FILTER_ATTRIBUTE */
    Str key;                   /* of the others */
    FilterOp op;
    bool numeric;
    double number;
    Str text;
    Str *list; /* of IN and NOT IN */
    size_t n_list;
} FilterCondition;

typedef struct FilterOrder {
    FilterField field;
    FilterAttribute attribute;
    Str key;
    bool descending;
} FilterOrder;

/* ERR_INVALID with what was expected and where. Results in cx->arena. */
int filter_parse(Ctx *cx, FilterSubject subject, Str text, FilterCondition **out, size_t *n);
int filter_order_parse(Ctx *cx, FilterSubject subject, Str text, FilterOrder *out);

/* SQL's LIKE: % any characters, _ one character (of UTF-8); no escapes. In time |pattern| x |text| at worst. */
bool filter_like(Str pattern, Str text, bool any_case);
