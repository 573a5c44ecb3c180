/* What is served over gRPC is what the .proto files say (GRP-07): every method of every table is there under its name, in
 * the same direction, and nothing that they describe is missing. */

#include "api/rpc/rpc.h"
#include "grpc/health.h"
#include "grpc/pb.h"
#include "grpc/reflection.h"
#include "lib/test.h"

typedef struct Described { /* a MethodDescriptorProto */
    Str name;
    bool client_streams, server_streams;
} Described;

enum { FILES = 1, PACKAGE = 2, SERVICE = 6, NAME = 1, METHOD = 2, CLIENT_STREAMING = 5, SERVER_STREAMING = 6 };

static Str text_of(Str message, uint32_t number) {
    PbReader r = pb_reader(message);
    for (PbField f; pb_next(&r, &f);)
        if (f.number == number && f.wire == PB_BYTES)
            return f.bytes;
    return S("");
}

static bool flag_of(Str message, uint32_t number) {
    PbReader r = pb_reader(message);
    for (PbField f; pb_next(&r, &f);)
        if (f.number == number && f.wire == PB_VARINT)
            return f.value != 0;
    return false;
}

/* The service's descriptor; p NULL if no file has it. */
static Str find_service(Str name) {
    char full[200];
    PbReader set = pb_reader(rpc_descriptors());
    for (PbField file; pb_next(&set, &file);) {
        Str package = text_of(file.bytes, PACKAGE);
        PbReader r = pb_reader(file.bytes);
        for (PbField f; pb_next(&r, &f);) {
            if (f.number != SERVICE)
                continue;
            int n = snprintf(full, sizeof full, STR_FMT "." STR_FMT, STR_ARG(package), STR_ARG(text_of(f.bytes, NAME)));
            if (str_eq(str_n(full, (size_t)n), name))
                return f.bytes;
        }
    }
    return (Str){ 0 };
}

static bool find_method(Str service, Str name, Described *out) {
    PbReader r = pb_reader(service);
    for (PbField f; pb_next(&r, &f);) {
        if (f.number != METHOD || !str_eq(text_of(f.bytes, NAME), name))
            continue;
        *out = (Described){ name, flag_of(f.bytes, CLIENT_STREAMING), flag_of(f.bytes, SERVER_STREAMING) };
        return true;
    }
    return false;
}

static size_t count_methods(Str service) {
    PbReader r = pb_reader(service);
    size_t n = 0;
    for (PbField f; pb_next(&r, &f);)
        n += f.number == METHOD;
    return n;
}

TEST(tables_are_what_the_files_describe) {
    static const struct {
        const char *name;
        const GrpcService *service;
    } rows[] = {
        { "market", &market_rpc },
        { "news", &news_rpc },
        { "health", &grpc_health_service },
        { "reflection", &grpc_reflection_service },
        { "reflection, before it was settled", &grpc_reflection_service_v1alpha },
    };
    EACH_ROW (row, rows) {
        Str service = find_service(str_c(row->service->name));
        CHECK(service.p != NULL);
        CHECK_EQ(count_methods(service), row->service->n_methods);
        for (size_t i = 0; i < row->service->n_methods; i++) {
            const GrpcMethod *m = &row->service->methods[i];
            Described d;
            CHECK(find_method(service, str_c(m->name), &d));
            CHECK_EQ(m->client_streams, d.client_streams);
            CHECK_EQ(m->server_streams, d.server_streams);
            CHECK(m->message != NULL);
        }
    }
}

/* A method that changes something needs the right to. */
TEST(what_changes_something_needs_the_right) {
    static const char *const writers[] = { "SaveOHLCV", "CollectNews", "CollectMany" };
    const GrpcService *services[] = { &market_rpc, &news_rpc };
    for (size_t s = 0; s < ARRAY_LEN(services); s++)
        for (size_t i = 0; i < services[s]->n_methods; i++) {
            bool writes = false;
            for (size_t k = 0; k < ARRAY_LEN(writers); k++)
                writes |= strcmp(services[s]->methods[i].name, writers[k]) == 0;
            CHECK_EQ(services[s]->methods[i].role, writes ? ROLE_WRITE : ROLE_READ);
        }
}

TESTS(T(tables_are_what_the_files_describe), T(what_changes_something_needs_the_right))
