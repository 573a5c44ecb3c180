#pragma once

/* api/schema.h - JSON Schema (2020-12, as OpenAPI 3.1 uses it) and examples of fields and shapes. Internal to api. */

#include "api/decode.h"

/* The schema of one field, nested shapes as references into #/components/schemas. */
void schema_field(JsonWriter *w, const Field *f);
/* The name of the component of an operation's body: the shape's own, or "<Shape>Body" where other fields of it
 * travel in the path or the query. */
Str schema_body_name(Arena *a, const Op *op);
/* All components that the tables speak of, as members of an open object. */
void schema_components(JsonWriter *w, Arena *a, const OpTable *const *tables, size_t n);

/* A struct filled with the examples of its fields; what has none takes its default, a choice, or stays empty. */
void shape_example(const Shape *s, Ctx *cx, void *out);
/* The example of one field as text, as in a query; empty if there is none. */
Str field_example_text(const Field *f);
/* The body of an operation's example: only what travels in the body. */
void schema_body_example(JsonWriter *w, Ctx *cx, const Op *op);
