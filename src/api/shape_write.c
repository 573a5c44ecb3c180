/* api/shape_write.c - struct -> JSON, by the table of the shape. */

#include "api/field.h"

static void write_list(const Field *f, JsonWriter *w, const List *list) {
    json_array(w);
    for (size_t i = 0; i < list->n; i++)
        if (f->of)
            shape_write(f->of, w, (const char *)list->v + i * f->of->size);
        else
            json_str(w, ((const Str *)list->v)[i]);
    json_array_end(w);
}

void field_write_value(const Field *f, JsonWriter *w, const void *record) {
    switch (f->type) {
    case FT_STR:
        json_str(w, FIELD_GET(f, record, Str));
        break;
    case FT_I64:
        json_i64(w, FIELD_GET(f, record, int64_t));
        break;
    case FT_F64:
        json_f64(w, FIELD_GET(f, record, double));
        break;
    case FT_BOOL:
        json_bool(w, FIELD_GET(f, record, bool));
        break;
    case FT_TIME:
        json_time(w, FIELD_GET(f, record, Time));
        break;
    case FT_SHAPE:
        shape_write(f->of, w, (const char *)record + f->offset);
        break;
    case FT_LIST:
        write_list(f, w, &FIELD_GET(f, record, List));
        break;
    case FT_CANDLES:
        candles_write_json(w, &FIELD_GET(f, record, Candles));
        break;
    case FT_JSON: {
        Str json = FIELD_GET(f, record, RawJson).json;
        json_raw(w, json.n ? json : S("null"));
        break;
    }
    case FT_NONE:
        json_null(w);
        break;
    }
}

void field_write(const Field *f, JsonWriter *w, const void *record) {
    bool empty = f->flags & (F_OMIT_EMPTY | F_NULLABLE) && field_empty(f, record);
    if (empty && f->flags & F_OMIT_EMPTY)
        return;
    json_key(w, field_name(f));
    if (empty)
        json_null(w);
    else
        field_write_value(f, w, record);
}

void shape_write(const Shape *shape, JsonWriter *w, const void *v) {
    json_object(w);
    for (size_t i = 0; i < shape->n_fields; i++)
        field_write(&shape->fields[i], w, v);
    json_object_end(w);
}
