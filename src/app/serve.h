#pragma once

/* app/serve.h - the running platform, for `serve` and `demo`. */

#include "app/app.h"

typedef struct Service Service;

/* Opens the platform and listens. signals: SIGINT and SIGTERM drain and stop it. 0, or ErrCode with words (port in use, store owned by another process…). */
int service_start(App *app, Ctx *cx, Logger *log, bool signals, Service **out);
int service_port(const Service *s);
void service_run(Service *s);                 /* until it has been stopped and drained */
void service_stop(Service *s);                /* on the loop's thread */
void service_stop_from_elsewhere(Service *s); /* any thread */
Service *service_free(Service *s);            /* closes the platform too; NULL is fine */
