/* api/shape_check.c - structs that were filled by hand: validation, defaults, look-up of fields. */

#include "api/field.h"

static int check_items(const Field *f, Ctx *cx, const Place *at, const List *list) {
    int e = 0;
    for (size_t i = 0; !e && i < list->n; i++) {
        Place here = place_item(at, i);
        e = shape_check(f->of, cx, &here, (const char *)list->v + i * f->of->size);
    }
    return e;
}

int shape_check(const Shape *s, Ctx *cx, const Place *at, const void *v) {
    int e = 0;
    for (size_t i = 0; !e && i < s->n_fields; i++) {
        const Field *f = &s->fields[i];
        Place here = place_member(at, field_name(f));
        /* "Not given" is for the members of `in` itself; inside a nested struct a number 0 is a 0. */
        bool may_lack = !at->up || f->type == FT_SHAPE;
        if (may_lack && !(f->flags & F_REQUIRED) && field_unset(f, v))
            continue;
        e = field_check(f, cx, &here, v);
        if (!e && f->type == FT_SHAPE)
            e = shape_check(f->of, cx, &here, (const char *)v + f->offset);
        if (!e && f->type == FT_LIST && f->of)
            e = check_items(f, cx, &here, &FIELD_GET(f, v, List));
    }
    return e;
}

int shape_validate(const Shape *shape, Ctx *cx, const void *v) {
    Place root = { 0 };
    return shape_check(shape, cx, &root, v);
}

void shape_init(const Shape *shape, Ctx *cx, void *out) {
    memset(out, 0, shape->size);
    for (size_t i = 0; i < shape->n_fields; i++)
        field_default(&shape->fields[i], cx, out);
}

void shape_fill(const Shape *shape, Ctx *cx, void *v) {
    for (size_t i = 0; i < shape->n_fields; i++)
        if (shape->fields[i].def && field_unset(&shape->fields[i], v))
            field_default(&shape->fields[i], cx, v);
}

static bool same_name(const char *name, Str text) {
    size_t n = strlen(name);
    if (n != text.n)
        return false;
    for (size_t i = 0; i < n; i++)
        if (name[i] != text.p[i] && !(name[i] == '_' && text.p[i] == '-'))
            return false;
    return true;
}

const Field *shape_field(const Shape *shape, Str name) {
    for (size_t i = 0; i < shape->n_fields; i++) {
        const Field *f = &shape->fields[i];
        if (same_name(f->name, name) || (f->rename && same_name(f->rename, name)))
            return f;
    }
    return NULL;
}
