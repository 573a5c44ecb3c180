/* api/discovery/ops.c - see discovery_api.h. */

#include "api/discovery/discovery_api.h"

#define TAG   "Discovery (Eureka)"
#define FORMS "application/json, application/xml"

typedef struct AppRef {
    Str app;
} AppRef;
typedef struct InstanceRef {
    Str app, id;
} InstanceRef;
typedef struct IdRef {
    Str id;
} IdRef;
typedef struct VipRef {
    Str vip;
} VipRef;
typedef struct Registration {
    Str app;
    RawJson instance;
} Registration;
typedef struct Heartbeat {
    Str app, id, status, lastDirtyTimestamp;
} Heartbeat;
typedef struct StatusOverride {
    Str app, id, value;
} StatusOverride;
typedef struct OwnStatus {
    Str value;
} OwnStatus;

/* clang-format off */
#define APP_FIELD(T) FIELD(T, app, .flags = F_REQUIRED | F_PATH, .doc = "The application, in any case.", .example = "QUOTES")
#define ID_FIELD(T)  FIELD(T, id, .flags = F_REQUIRED | F_PATH, .doc = "The instance's id.", .example = "10.0.0.5:quotes:8081")
static const Field app_f[] = { APP_FIELD(AppRef) };
static SHAPE(app_shape, AppRef, app_f, .doc = "An application.");
static const Field instance_f[] = { APP_FIELD(InstanceRef), ID_FIELD(InstanceRef) };
static SHAPE(instance_shape, InstanceRef, instance_f, .doc = "An instance.");
static const Field id_f[] = { ID_FIELD(IdRef) };
static SHAPE(id_shape, IdRef, id_f, .doc = "An instance of whatever application.");
static const Field vip_f[] = { FIELD(VipRef, vip, .flags = F_REQUIRED | F_PATH, .doc = "A virtual address.", .example = "quotes") };
static SHAPE(vip_shape, VipRef, vip_f, .doc = "A virtual address.");
static const Field registration_f[] = {
    APP_FIELD(Registration),
    FIELD(Registration, instance, .flags = F_REQUIRED | F_BODY, .doc = "As Netflix Eureka has it; as XML too.",
          .example = "{\"instanceId\":\"10.0.0.5:quotes:8081\",\"hostName\":\"10.0.0.5\",\"app\":\"QUOTES\",\"ipAddr\":\"10.0.0.5\","
                     "\"status\":\"UP\",\"port\":{\"$\":8081,\"@enabled\":\"true\"},\"vipAddress\":\"quotes\","
                     "\"dataCenterInfo\":{\"@class\":\"com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo\",\"name\":\"MyOwn\"}}"),
};
static SHAPE(registration_shape, Registration, registration_f, .doc = "Who registers.");
static const Field heartbeat_f[] = {
    APP_FIELD(Heartbeat), ID_FIELD(Heartbeat),
    FIELD(Heartbeat, status, .flags = F_QUERY, .doc = "Its status as it sees it.", .example = "UP"),
    FIELD(Heartbeat, lastDirtyTimestamp, .flags = F_QUERY, .doc = "When it last changed, ms: newer than what is known asks it to register again."),
};
static SHAPE(heartbeat_shape, Heartbeat, heartbeat_f, .doc = "A lease that goes on.");
static const Field override_f[] = {
    APP_FIELD(StatusOverride), ID_FIELD(StatusOverride),
    FIELD(StatusOverride, value, .flags = F_REQUIRED | F_QUERY, .doc = "UP, DOWN, STARTING, OUT_OF_SERVICE or UNKNOWN.", .example = "OUT_OF_SERVICE"),
};
static SHAPE(override_shape, StatusOverride, override_f, .doc = "What is told instead of what the instance says.");
static const Field own_f[] = { FIELD(OwnStatus, value, .flags = F_REQUIRED | F_QUERY, .doc = "UP, DOWN, STARTING, OUT_OF_SERVICE or UNKNOWN.", .example = "OUT_OF_SERVICE") };
static SHAPE(own_shape, OwnStatus, own_f, .doc = "An override of this process's own instances.");

#define READS(name_, path_, in_, summary_)                                                                             \
    { .name = name_, .method = "GET", .path = path_, .summary = summary_, .tag = TAG, .in = in_, .out = &raw_body_shape, \
      .raw = FORMS, .role = ROLE_READ, .deadline_ms = 5000, .idempotent = true }
#define CHANGES(name_, method_, path_, in_, summary_)                                                                  \
    { .name = name_, .method = method_, .path = path_, .summary = summary_, .tag = TAG, .in = in_, .out = &raw_body_shape, \
      .raw = "", .role = ROLE_WRITE, .deadline_ms = 5000, .idempotent = true }

static const Op apps = READS("discovery.apps", "/eureka/apps", NULL, "Every registered instance");
static const Op delta = READS("discovery.delta", "/eureka/apps/delta", NULL, "What changed in the last three minutes");
static const Op app = READS("discovery.app", "/eureka/apps/{app}", &app_shape, "An application's instances");
static const Op instance = READS("discovery.instance", "/eureka/apps/{app}/{id}", &instance_shape, "An instance");
static const Op by_id = READS("discovery.by_id", "/eureka/instances/{id}", &id_shape, "An instance by its id alone");
static const Op by_vip = READS("discovery.by_vip", "/eureka/vips/{vip}", &vip_shape, "Instances behind a virtual address");
static const Op by_svip = READS("discovery.by_svip", "/eureka/svips/{vip}", &vip_shape, "Instances behind a secure virtual address");
static const Op registers = { .name = "discovery.register", .method = "POST", .path = "/eureka/apps/{app}",
    .summary = "Register an instance", .tag = TAG, .in = &registration_shape, .role = ROLE_WRITE, .deadline_ms = 5000, .max_body = 16384,
    .doc = "Eureka's registry, in a process with the role discovery, under /eureka and /eureka/v2. JSON or XML by Accept and Content-Type; "
           "on a loopback address no key is needed. docs/discovery.md says how it differs from the reference server." };
static const Op heartbeat = CHANGES("discovery.heartbeat", "PUT", "/eureka/apps/{app}/{id}", &heartbeat_shape, "Go on being registered");
static const Op cancels = CHANGES("discovery.cancel", "DELETE", "/eureka/apps/{app}/{id}", &instance_shape, "Deregister an instance");
static const Op overrides = CHANGES("discovery.override", "PUT", "/eureka/apps/{app}/{id}/status", &override_shape, "Tell another status of it");
static const Op override_ends = CHANGES("discovery.override_end", "DELETE", "/eureka/apps/{app}/{id}/status", &instance_shape, "Tell its own status again");
static const Op own_status = { .name = "discovery.status", .method = "GET", .path = "/eureka/status", .summary = "What this process told and knows",
    .tag = TAG, .out = &raw_body_shape, .raw = "application/json", .role = ROLE_READ, .deadline_ms = 5000, .idempotent = true };
static const Op own_override = CHANGES("discovery.own_override", "POST", "/eureka/status", &own_shape, "Another status of this process's instances");
static const Op own_override_ends = CHANGES("discovery.own_override_end", "DELETE", "/eureka/status", NULL, "Their own status again");

static const Op *const ops[] = { &apps, &delta, &app, &instance, &by_id, &by_vip, &by_svip, &registers, &heartbeat, &cancels,
                                 &overrides, &override_ends, &own_status, &own_override, &own_override_ends };
/* clang-format on */

const OpTable discovery_api = { "discovery", ops, ARRAY_LEN(ops) };
