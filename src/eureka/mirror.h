#pragma once

/* eureka/mirror.h - a client's copy of a registry: the whole list once, then changes, checked by the hash.
 *
 * Threads: one at a time. Memory: bounded by EUREKA_LIST_MAX instances. */

#include "eureka/instance.h"

typedef struct EurekaMirror EurekaMirror;

enum { MIRROR_DIFFERS = 1, MIRROR_NOT_YET = 2 };

EurekaMirror *eureka_mirror_new(void);
EurekaMirror *eureka_mirror_free(EurekaMirror *m); /* NULL is fine */
/* Replaces everything. 0 or ErrCode, then nothing changed. */
int eureka_mirror_full(EurekaMirror *m, Str json);
/* Takes changes in. 0; MIRROR_DIFFERS: the counts do not add up, a full list is needed; MIRROR_NOT_YET: there is no full
 * list to change; ErrCode. */
int eureka_mirror_delta(EurekaMirror *m, Str json);
bool eureka_mirror_filled(const EurekaMirror *m);
uint64_t eureka_mirror_revision(const EurekaMirror *m); /* grows when anything changed */
/* All of them, borrowed until the next change. */
void eureka_mirror_list(const EurekaMirror *m, Arena *a, EurekaList *out);
