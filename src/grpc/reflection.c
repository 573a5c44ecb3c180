/* grpc/reflection.c - see reflection.h. Field numbers: grpc/reflection/v1/reflection.proto, google/protobuf/descriptor.proto.
 *
 * A file is indexed by its name and by every full name it declares: messages, nested ones, their fields, enums and their
 * values, services and their methods. */

#include "grpc/reflection.h"

#include "base/map.h"
#include "base/vec.h"
#include "grpc/pb.h"

enum { FILES_MAX = 256, DEPTH_MAX = 16, REPLY_MAX = 4 << 20 };

typedef struct File {
    Str name, bytes; /* a FileDescriptorProto */
    Str imports[32];
    size_t n_imports;
} File;

struct GrpcReflection {
    File files[FILES_MAX];
    size_t n_files;
    Map by_name, by_symbol; /* to File */
    VEC(Str) services;
    Arena arena; /* names */
};

/* --- the index --- */

static Str joined(GrpcReflection *r, Str scope, Str name) {
    return scope.n ? str_fmt(&r->arena, STR_FMT "." STR_FMT, STR_ARG(scope), STR_ARG(name)) : name;
}

static Str text_field(Str message, uint32_t number) {
    PbReader r = pb_reader(message);
    for (PbField f; pb_next(&r, &f);)
        if (f.number == number && f.wire == PB_BYTES)
            return f.bytes;
    return S("");
}

/* The names in `message` of kind `number`, below scope; returns the full name of message itself. */
static Str index_one(GrpcReflection *r, File *file, Str scope, Str message) {
    enum { NAME = 1 };
    Str full = joined(r, scope, text_field(message, NAME));
    map_put(&r->by_symbol, full, file);
    return full;
}

static void index_members(GrpcReflection *r, File *file, Str scope, Str message, uint32_t number) {
    PbReader in = pb_reader(message);
    for (PbField f; pb_next(&in, &f);)
        if (f.number == number && f.wire == PB_BYTES)
            index_one(r, file, scope, f.bytes);
}

static void index_message(GrpcReflection *r, File *file, Str scope, Str message, int depth) {
    enum { FIELD = 2, NESTED = 3, ENUM = 4, ONEOF = 8, ENUM_VALUE = 2 };
    Str full = index_one(r, file, scope, message);
    if (depth == DEPTH_MAX)
        return;
    index_members(r, file, full, message, FIELD);
    index_members(r, file, full, message, ONEOF);
    PbReader in = pb_reader(message);
    for (PbField f; pb_next(&in, &f);) {
        if (f.wire != PB_BYTES)
            continue;
        if (f.number == NESTED)
            index_message(r, file, full, f.bytes, depth + 1);
        if (f.number == ENUM) {
            index_one(r, file, full, f.bytes);
            index_members(r, file, full, f.bytes, ENUM_VALUE); /* values stand beside their enum, as in C */
        }
    }
}

static int index_file(GrpcReflection *r, Str bytes) {
    enum { NAME = 1, PACKAGE = 2, IMPORT = 3, MESSAGE = 4, ENUM = 5, SERVICE = 6, METHOD = 2, ENUM_VALUE = 2 };
    if (r->n_files == FILES_MAX)
        return ERR_CORRUPT;
    File *file = &r->files[r->n_files++];
    *file = (File){ .name = text_field(bytes, NAME), .bytes = bytes };
    Str package = text_field(bytes, PACKAGE);
    map_put(&r->by_name, file->name, file);
    PbReader in = pb_reader(bytes);
    for (PbField f; pb_next(&in, &f);) {
        if (f.wire != PB_BYTES)
            continue;
        if (f.number == IMPORT && file->n_imports < ARRAY_LEN(file->imports))
            file->imports[file->n_imports++] = f.bytes;
        if (f.number == MESSAGE)
            index_message(r, file, package, f.bytes, 0);
        if (f.number == ENUM) {
            index_one(r, file, package, f.bytes);
            index_members(r, file, package, f.bytes, ENUM_VALUE);
        }
        if (f.number == SERVICE)
            index_members(r, file, index_one(r, file, package, f.bytes), f.bytes, METHOD);
    }
    return in.bad ? ERR_CORRUPT : 0;
}

int grpc_reflection_new(Ctx *cx, Str descriptors, GrpcReflection **out) {
    enum { FILE_FIELD = 1 };
    GrpcReflection *r = mem_new(GrpcReflection);
    PbReader in = pb_reader(descriptors);
    int e = 0;
    for (PbField f; e == 0 && pb_next(&in, &f);)
        if (f.number == FILE_FIELD && f.wire == PB_BYTES)
            e = index_file(r, f.bytes);
    if (e != 0 || in.bad) {
        grpc_reflection_free(r);
        return err_set(cx, ERR_CORRUPT, "the descriptors of gRPC services cannot be read");
    }
    *out = r;
    return 0;
}

GrpcReflection *grpc_reflection_free(GrpcReflection *r) {
    if (!r)
        return NULL;
    map_done(&r->by_name);
    map_done(&r->by_symbol);
    vec_done(&r->services);
    arena_done(&r->arena);
    return mem_free(r);
}

void grpc_reflection_serve(GrpcReflection *r, Str service) {
    vec_push(&r->services, service);
}

/* --- answers --- */

enum { /* of ServerReflectionRequest and its response */
       HOST = 1,
       BY_FILENAME = 3,
       BY_SYMBOL = 4,
       BY_EXTENSION = 5,
       EXTENSIONS_OF = 6,
       LIST_SERVICES = 7,
       VALID_HOST = 1,
       ORIGINAL = 2,
       FILES = 4,
       EXTENSIONS = 5,
       SERVICES = 6,
       ERROR = 7,
};

static void put_file(const GrpcReflection *r, Buf *b, const File *file, bool *sent) {
    enum { FILE_BYTES = 1 };
    if (sent[file - r->files])
        return;
    sent[file - r->files] = true;
    pb_put_bytes(b, FILE_BYTES, file->bytes);
    for (size_t i = 0; i < file->n_imports; i++) {
        const File *import = map_get(&r->by_name, file->imports[i]);
        if (import)
            put_file(r, b, import, sent);
    }
}

static void answer_error(Buf *out, GrpcStatus status, Str words) {
    enum { CODE = 1, WORDS = 2 };
    Buf b;
    buf_init(&b, 1024);
    pb_put_number(&b, CODE, status);
    pb_put_bytes(&b, WORDS, words);
    pb_put_bytes(out, ERROR, buf_str(&b));
    buf_done(&b);
}

static void answer_file(const GrpcReflection *r, Buf *out, const File *file, const char *words) {
    bool sent[FILES_MAX] = { false };
    if (!file) {
        answer_error(out, GRPC_NOT_FOUND, str_c(words));
        return;
    }
    Buf b;
    buf_init(&b, REPLY_MAX);
    put_file(r, &b, file, sent);
    pb_put_bytes(out, FILES, buf_str(&b));
    buf_done(&b);
}

static void answer_list(const GrpcReflection *r, Buf *out) {
    enum { SERVICE = 1, NAME = 1 };
    Buf b;
    buf_init(&b, REPLY_MAX);
    for (size_t i = 0; i < r->services.n; i++) {
        Buf one;
        buf_init(&one, 1024);
        pb_put_bytes(&one, NAME, r->services.v[i]);
        pb_put_bytes(&b, SERVICE, buf_str(&one));
        buf_done(&one);
    }
    pb_put_bytes(out, SERVICES, buf_str(&b));
    buf_done(&b);
}

/* No extensions here: proto3 has none but in options. A type that is known has none; another is not found. */
static void answer_extensions(const GrpcReflection *r, Buf *out, Str type) {
    enum { BASE = 1 };
    if (!map_get(&r->by_symbol, type)) {
        answer_error(out, GRPC_NOT_FOUND, S("type not found"));
        return;
    }
    Buf b;
    buf_init(&b, 4096);
    pb_put_bytes(&b, BASE, type);
    pb_put_bytes(out, EXTENSIONS, buf_str(&b));
    buf_done(&b);
}

static void answer(const GrpcReflection *r, const PbField *ask, Buf *out) {
    switch (ask->number) {
    case BY_FILENAME:
        answer_file(r, out, map_get(&r->by_name, ask->bytes), "file not found");
        break;
    case BY_SYMBOL:
        answer_file(r, out, map_get(&r->by_symbol, ask->bytes), "symbol not found");
        break;
    case BY_EXTENSION:
        answer_error(out, GRPC_NOT_FOUND, S("extension not found"));
        break;
    case EXTENSIONS_OF:
        answer_extensions(r, out, ask->bytes);
        break;
    case LIST_SERVICES:
        answer_list(r, out);
        break;
    default:
        answer_error(out, GRPC_INVALID_ARGUMENT, S("the request asks for nothing that is known here"));
        break;
    }
}

static int ask(GrpcCall *c, Ctx *cx, Str message) {
    PbReader in = pb_reader(message);
    PbField what = { 0 };
    Str host = { 0 };
    for (PbField f; pb_next(&in, &f);) {
        if (f.number == HOST && f.wire == PB_BYTES)
            host = f.bytes;
        else if (f.number >= BY_FILENAME && f.number <= LIST_SERVICES && f.wire == PB_BYTES)
            what = f;
    }
    if (in.bad)
        return err_set(cx, ERR_BAD_REQUEST, "the message is not a ServerReflectionRequest");
    Buf out;
    buf_init(&out, REPLY_MAX + message.n + 64);
    if (host.n)
        pb_put_bytes(&out, VALID_HOST, host);
    pb_put_bytes(&out, ORIGINAL, message);
    answer(grpc_service(c), &what, &out);
    int r =
        buf_ok(&out) ? grpc_send(c, cx, buf_str(&out)) : err_set(cx, ERR_LIMIT, "the description is too large to send");
    buf_done(&out);
    return r;
}

static const GrpcMethod methods[] = {
    { .name = "ServerReflectionInfo",
      .client_streams = true,
      .server_streams = true,
      .lane = GRPC_ON_CPU,
      .max_message = 64 << 10,
      .message = ask },
};

const GrpcService grpc_reflection_service = { "grpc.reflection.v1.ServerReflection", methods, ARRAY_LEN(methods) };
const GrpcService grpc_reflection_service_v1alpha = { "grpc.reflection.v1alpha.ServerReflection", methods,
                                                      ARRAY_LEN(methods) };
