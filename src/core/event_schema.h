#pragma once

/* core/event_schema.h - what the body of an event must hold, by type and version. Pure.
 *
 * A schema is a table of fields. A reader of version n can read every later version, because a later one may only add:
 * it keeps the required fields with their kinds, and gives no field another kind (MSG-37, GOV-04). That rule is checked
 * twice: on the tables themselves (event_schemas_check), and on each body when it is published, against its own version
 * and all before it. Fields that a schema does not know are let through. */

#include "core/event.h"

typedef enum EventFieldKind {
    EVENT_STR,
    EVENT_INT,
    EVENT_NUMBER,
    EVENT_BOOL,
    EVENT_TIME,
    EVENT_OBJECT,
    EVENT_LIST
} EventFieldKind;

typedef struct EventField {
    const char *name;
    EventFieldKind kind;
    bool required;
    double min, max;            /* numbers: value; both 0 = any. Texts: max = letters, 0 = 4096 */
    const char *const *choices; /* NULL-terminated; NULL = any */
} EventField;

typedef struct EventSchema {
    const char *type, *doc;
    int64_t version;
    const EventField *fields;
    size_t n_fields;
} EventSchema;

typedef struct EventSchemas { /* ordered as they like; versions of a type are 1, 2, … without a hole */
    const EventSchema *v;
    size_t n;
} EventSchemas;

/* The documents' events (MSG-23 .. MSG-27), those of collections and of the news. */
extern const EventSchemas event_schemas;

/* The schema of the version, or the newest one for a version that is newer; NULL: the type is not known. */
const EventSchema *event_schema_find(const EventSchemas *s, Str type, int64_t version);
int64_t event_schema_newest(const EventSchemas *s, Str type); /* 0: not known */

typedef struct SchemaFault {
    Str field, words; /* in the arena; field may be empty */
} SchemaFault;
/* 0; ERR_BAD_REQUEST (not JSON), ERR_INVALID. A time is ISO-8601. */
int event_schema_check(Arena *a, const EventSchema *schema, Str body, SchemaFault *why);
/* What publishing asks: its own version is known, and it and all before it can read the body. */
int event_schema_publish(Arena *a, const EventSchemas *s, Str type, int64_t version, Str body, SchemaFault *why);
/* May a reader of `old` read what a writer of `new` writes? */
bool event_schema_compatible(Arena *a, const EventSchema *old, const EventSchema *new, SchemaFault *why);
/* The tables themselves: names, versions, compatibility. */
int event_schemas_check(Arena *a, const EventSchemas *s, SchemaFault *why);

/* One field of a body, for handlers: its text (strings unescaped, other values as written); false: it is not there. */
bool event_body_text(Arena *a, Str body, Str name, Str *out);
