#pragma once

/* services/discovery/registry.h - the role `discovery`: a registry that clients of Eureka use as they are.
 *
 * The state machine of eureka/registry.h behind a lock, with its REST API, and what several of ours tell each other. A
 * registry keeps nothing on disk: after a restart the heartbeats it answers with 404 bring everybody back within their
 * interval, and peers bring what they know at once.
 *
 * Threads: registry_run by one thread at a time, everything else by any. */

#include "base/json.h"
#include "base/log.h"
#include "eureka/answer.h"
#include "ports/http_client.h"

typedef struct RegistryService RegistryService;

typedef struct RegistryPeer {
    Str base;          /* "http://10.0.0.2:8761/eureka" */
    Str authorization; /* "Basic …"; empty: none */
} RegistryPeer;

typedef struct RegistryOptions {
    EurekaRegistryOptions registry;
    const RegistryPeer *peers; /* copied */
    size_t n_peers;
    int64_t batch_wait_ms; /* how long events are gathered; 0 = 500 */
    HttpClient *http;      /* borrowed; needed with peers */
    Clock *clock;
    Logger *log;
    void (*wake)(void *arg); /* something is to be told, or changed: run soon. Any thread; may be NULL */
    void *arg;
} RegistryOptions;

RegistryService *registry_service_new(const RegistryOptions *o);
RegistryService *registry_service_free(RegistryService *s); /* NULL is fine */

/* As eureka_answer, with the reply's body in the arena. */
bool registry_answer(RegistryService *s, Arena *a, const EurekaRequest *rq, EurekaReply *out);
/* Evicts, and tells peers; *next: when to run again. */
int registry_run(RegistryService *s, Ctx *cx, MonoNs *next);
void registry_view(RegistryService *s, EurekaRegistryView *out);
void registry_service_write(RegistryService *s, JsonWriter *w);
uint64_t registry_revision(RegistryService *s);

/* The registry as the other end of HTTP calls, without a socket: for a client in the same process. The address of the
 * call does not matter. Freed with its close. */
HttpClient *registry_http_client(RegistryService *s);
