/* app/mlflow.c - see mlflow.h. */

#include "app/mlflow.h"

#include "api/mlflow/mlflow.h"

static Role needs(void *arg, const HttpHead *head) {
    UNUSED(arg);
    return mlflow_needs(head->method, head->path);
}

static int answer(void *arg, Ctx *cx, const HttpExchange *ex, DoorReply *out) {
    const HttpHead *head = &ex->head;
    MlflowRequest rq = { .method = head->method, .path = head->path, .query = head->query, .body = ex->body };
    MlflowReply reply;
    mlflow_answer(arg, cx, &rq, &reply);
    *out = (DoorReply){ reply.status, reply.media, reply.body };
    return 0;
}

void mlflow_doors(ModelRegistry *r, GatewayDoor out[static MLFLOW_DOORS]) {
    const Str prefixes[MLFLOW_DOORS] = { MLFLOW_PREFIX, MLFLOW_AJAX_PREFIX };
    for (size_t i = 0; i < MLFLOW_DOORS; i++)
        out[i] = (GatewayDoor){
            .prefix = prefixes[i], .max_body = MLFLOW_FILE_MAX, .needs = needs, .answer = answer, .io = true, .arg = r
        };
}
