#pragma once

/* api/decode.h - where the fields of an operation's `in` travel. Internal to api. */

#include "api/field.h"

/* F_PATH, F_QUERY, F_BODY: as the field says, else by the path and the method (see op.h). */
unsigned op_field_source(const Op *op, const Field *f);
bool op_has_body(const Op *op);
/* Does the path have the segment {name}? */
bool path_names(Str path, Str name);
/* The member of candles, which CSV stands for; NULL if there is none. */
const Field *op_candles_field(const Shape *s);

/* Path and query where the body is CSV: the scalar fields of the body may be in the query too. */
int decode_beside_csv(const Op *op, Ctx *cx, const OpText *text, uint64_t *seen, void *in);
