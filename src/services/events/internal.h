#pragma once

/* services/events/internal.h - inside this folder only. */

#include "services/events/events.h"

struct EventService {
    EventServiceOptions o;
    atomic_bool connected; /* the topology is declared */
};

void event_counted(EventService *s, const char *what, Str type);
