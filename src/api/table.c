/* api/table.c - see table.h. */

#include "api/table.h"

#include "base/num.h"
#include "base/vec.h"

#include <math.h>

typedef struct Spread {
    Ctx *cx;
    const char *rows;
    size_t n, size;
    VEC(TableColumn) columns; /* in the arena */
} Spread;

static const void *member(const Spread *s, const Field *f, size_t row) {
    return s->rows + row * s->size + f->offset;
}

static void *numbers(Spread *s, const Field *f) {
    bool optional = f->flags & F_NULLABLE;
    int64_t *v = arena_new_n(s->cx->arena, int64_t, s->n + 1);
    double *d = (double *)(void *)v; /* both are eight bytes; one or the other is used */
    for (size_t i = 0; i < s->n; i++) {
        const void *p = member(s, f, i);
        if (f->type == FT_F64)
            d[i] = *(const double *)p;
        else if (f->type == FT_TIME)
            v[i] = optional && ((const Time *)p)->ms == 0 ? TABLE_NULL : ((const Time *)p)->ms;
        else
            v[i] = f->type == FT_BOOL ? *(const bool *)p : *(const int64_t *)p;
    }
    return v;
}

static void *texts(Spread *s, const Field *f) {
    bool optional = f->flags & (F_NULLABLE | F_OMIT_EMPTY);
    Str *v = arena_new_n(s->cx->arena, Str, s->n + 1);
    for (size_t i = 0; i < s->n; i++) {
        v[i] = *(const Str *)member(s, f, i);
        if (!v[i].p || (optional && v[i].n == 0))
            v[i] = optional ? (Str){ 0 } : S("");
    }
    return v;
}

/* The number of a key in a flat object; NaN where it has none. */
static double number_of(Ctx *cx, Str json, Str key) {
    JsonReader r;
    JsonToken t;
    Str name;
    double v = (double)NAN;
    json_reader_init(&r, json, cx->arena, 4);
    json_open_object(&r);
    while (json_object_next(&r, &name) > 0)
        if (str_eq(name, key) && json_peek(&r) == JSON_NUMBER && json_next(&r, &t) == 0)
            num_parse_f64(t.text, &v);
    return v;
}

static void spread_json(Spread *s, const Field *f) {
    JsonReader r;
    Str key;
    if (s->n == 0)
        return;
    json_reader_init(&r, ((const RawJson *)member(s, f, 0))->json, s->cx->arena, 4);
    json_open_object(&r);
    while (json_object_next(&r, &key) > 0 && s->columns.n < TABLE_FILE_COLUMNS) {
        double *v = arena_new_n(s->cx->arena, double, s->n);
        for (size_t i = 0; i < s->n; i++)
            v[i] = number_of(s->cx, ((const RawJson *)member(s, f, i))->json, key);
        TableColumn c = { .name = str_cz(s->cx->arena, key), .type = TABLE_F64, .optional = true, .v = v };
        vec_push_in(s->cx->arena, &s->columns, c);
    }
}

static void spread_field(Spread *s, const Field *f) {
    TableColumn c = { .name = f->name, .optional = f->flags & F_NULLABLE };
    switch (f->type) {
    case FT_F64:
    case FT_I64:
    case FT_BOOL:
    case FT_TIME:
        c.type = f->type == FT_F64 ? TABLE_F64 : f->type == FT_TIME ? TABLE_TIME : TABLE_I64;
        c.optional = c.optional && c.type != TABLE_I64; /* zero is a number like any other */
        c.v = numbers(s, f);
        break;
    case FT_STR:
        c.type = TABLE_TEXT;
        c.optional = f->flags & (F_NULLABLE | F_OMIT_EMPTY);
        c.v = texts(s, f);
        break;
    case FT_JSON:
        spread_json(s, f);
        return;
    case FT_NONE:
    case FT_SHAPE:
    case FT_LIST:
    case FT_CANDLES:
    default:
        return;
    }
    vec_push_in(s->cx->arena, &s->columns, c);
}

static const Field *field_of(const Shape *shape, Str name) {
    for (size_t i = 0; i < shape->n_fields; i++)
        if (str_eq(str_c(shape->fields[i].name), name))
            return &shape->fields[i];
    return NULL;
}

int shape_table(Ctx *cx, const Shape *shape, const void *record, Str name, ColumnTable *out) {
    const Field *list = field_of(shape, name);
    assert(list && list->type == FT_LIST && list->of);
    const List *rows = (const List *)(const void *)((const char *)record + list->offset);
    Spread s = { .cx = cx, .rows = rows->v, .n = rows->n, .size = list->of->size };
    for (size_t i = 0; i < list->of->n_fields && s.columns.n <= TABLE_FILE_COLUMNS; i++)
        spread_field(&s, &list->of->fields[i]);
    if (s.columns.n > TABLE_FILE_COLUMNS)
        return err_set(cx, ERR_LIMIT, "a file has at most %d columns", TABLE_FILE_COLUMNS);
    *out = (ColumnTable){ .columns = s.columns.v, .n_columns = s.columns.n, .n_rows = s.n };
    return 0;
}

bool table_form_of_name(Str path, TableForm *out) {
    *out = str_ends(path, S(".parquet")) ? TABLE_PARQUET : TABLE_CSV;
    return *out == TABLE_PARQUET || str_ends(path, S(".csv"));
}

int table_write(Ctx *cx, const ColumnTable *t, TableForm form, Buf *out) {
    int r = form == TABLE_PARQUET ? parquet_table_write(t, out) : table_write_csv(t, out);
    return r ? err_set(cx, r, "the table is too large for one file") : 0;
}
