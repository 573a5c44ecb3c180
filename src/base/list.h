#pragma once

/* base/list.h - intrusive doubly linked lists, for objects that sit in one or more of them.
 *
 * A ListNode embedded in the object; the list itself is a ListNode too, linked to itself when empty. A
 * zeroed node is in no list. Nothing is owned or freed. Not thread-safe. */

#include "base/defs.h"

typedef struct ListNode {
    struct ListNode *prev, *next;
} ListNode;

#define LIST_ENTRY(node, type, member) CONTAINER_OF(node, type, member)

static inline void list_init(ListNode *list) {
    list->prev = list->next = list;
}
static inline bool list_empty(const ListNode *list) {
    return list->next == list;
}
static inline bool list_linked(const ListNode *node) {
    return node->next != NULL;
}
static inline void list_insert_before(ListNode *at, ListNode *node) {
    assert(!list_linked(node));
    node->prev = at->prev;
    node->next = at;
    at->prev->next = node;
    at->prev = node;
}
static inline void list_push_back(ListNode *list, ListNode *node) {
    list_insert_before(list, node);
}
static inline void list_push_front(ListNode *list, ListNode *node) {
    list_insert_before(list->next, node);
}
static inline void list_remove(ListNode *node) { /* a node in no list is fine */
    if (!list_linked(node))
        return;
    node->prev->next = node->next;
    node->next->prev = node->prev;
    node->prev = node->next = NULL;
}
static inline ListNode *list_pop_front(ListNode *list) { /* NULL when empty */
    ListNode *node = list->next;
    if (node == list)
        return NULL;
    list_remove(node);
    return node;
}
/* Moves every node of `from` to the end of `to`. */
static inline void list_splice(ListNode *to, ListNode *from) {
    if (list_empty(from))
        return;
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    list_init(from);
}

/* The body may remove `it`, and nothing else. */
#define LIST_FOR(it, list)                                                                                             \
    for (ListNode *it = (list)->next, *it##_next_ = it->next; it != (list); it = it##_next_, it##_next_ = it->next)
