#pragma once

/* app/discovery.h - discovery put together: the registry of the role `discovery`, the client that registers this process
 * and looks for others, /eureka, and the way from what it sees to the gateway's clusters. */

#include "app/platform.h"
#include "net/loop.h"

typedef struct DiscoveryApp DiscoveryApp;

typedef struct DiscoveryAppOptions {
    Platform *platform;
    const RoleSet *hosts;
    Loop *loop;
    /* On the loop: instances of services are others than before. */
    void (*changed)(void *arg);
    void *arg;
} DiscoveryAppOptions;

int discovery_app_new(Ctx *cx, const DiscoveryAppOptions *o, DiscoveryApp **out);
/* One of GatewayOptions.doors. */
void discovery_app_door(DiscoveryApp *d, GatewayDoor *out);
/* The port is known: registers and looks from now on, where a registry is named or hosted here. */
int discovery_app_start(DiscoveryApp *d, Ctx *cx, int port);
/* Services of this topology that the configuration names no instance of are discovery's from now on: they get those it
 * knows, here (the topology's memory is then valid as long as the list), and with every change. On the loop, or before. */
void discovery_app_fill(DiscoveryApp *d, const AppCfg *cfg, GatewayTopology *t);
/* Instances into the gateway's clusters. On the loop. */
void discovery_app_apply(DiscoveryApp *d, Gateway *g);
/* Takes ours off the registry; does not wait. */
void discovery_app_leave(DiscoveryApp *d);
void discovery_app_stop(DiscoveryApp *d);          /* nothing runs any more; NULL is fine */
DiscoveryApp *discovery_app_free(DiscoveryApp *d); /* stopped, and the loop is gone; NULL is fine */
