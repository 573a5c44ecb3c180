/* gateway/hold.c - what a key has opened and holds open: a stream of bytes, messages or a pipe. It ends with the key.
 *
 * In-process live connections are the hub's own affair (live_hub_keys); what is answered at once needs no hold. */

#include "gateway/internal.h"

#include "gateway/auth.h"

/* The key that let the request in. Empty: none that can be revoked here, or a hop's word, and then the hop holds it. */
static Str key_of(const Request *rq) {
    Str who = rq->cx.principal.id, prefix = S(AUTH_KEY_PREFIX);
    return !rq->vouched && str_starts(who, prefix) ? str_from(who, prefix.n) : (Str){ 0 };
}

void hold_begin(Request *rq, KeyHold *h, void (*end)(KeyHold *h)) {
    Str id = key_of(rq);
    if (id.n != KEY_ID)
        return;
    memcpy(h->key_id, id.p, KEY_ID);
    h->end = end;
    list_push_back(&rq->g->holds, &h->node);
}

void hold_over(KeyHold *h) {
    list_remove(&h->node);
}

/* The end of one may be that of others: each is taken out of the row before it is looked at. */
void holds_look(Gateway *g) {
    ListNode row;
    Time now = clock_wall(g->o.clock);
    list_init(&row);
    list_splice(&row, &g->holds);
    for (ListNode *n; (n = list_pop_front(&row));) {
        KeyHold *h = LIST_ENTRY(n, KeyHold, node);
        if (key_set_still(g->keys, str_n(h->key_id, KEY_ID), now) == KEY_GOOD)
            list_push_back(&g->holds, n);
        else
            h->end(h);
    }
}

int hold_refusal(const Gateway *g) {
    return g->o.unknown_key_401 ? ERR_UNAUTHORIZED : ERR_DENIED;
}
