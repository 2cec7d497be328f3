// liburcu's wait-free concurrent queue (wfcqueue): linked nodes, each with its message. It has no
// bound, so the producer counts what the consumer has given back. Its pointers are good in both
// processes because the memory lies at one address in both.
#define _LGPL_SOURCE
#include <urcu/wfcqueue.h>

#include "peers.h"

struct node {
    struct cds_wfcq_node link;
    _Alignas(16) unsigned char message[];
};

struct queue {
    _Alignas(128) struct cds_wfcq_head head;
    _Alignas(128) struct cds_wfcq_tail tail;
    _Alignas(128) _Atomic uint64_t returned;
    uint64_t seen; // the producer's copy of it
    _Alignas(128) struct cds_wfcq_head taken_head; // the consumer's own
    struct cds_wfcq_tail taken_tail;
};

INLINE struct node *node_of(const struct end *end, uint64_t number) {
    return (struct node *)(end->slots + (number & (CAPACITY - 1)) * (64 + end->bytes));
}

INLINE size_t put(struct end *end, size_t most) {
    struct queue *queue = end->queue;
    if (end->next + most - queue->seen > CAPACITY) {
        queue->seen = atomic_load_explicit(&queue->returned, memory_order_acquire);
        if (end->next + most - queue->seen > CAPACITY) return 0;
    }
    for (size_t index = 0; index < most; index++) {
        struct node *node = node_of(end, end->next);
        fill(end, node->message);
        cds_wfcq_node_init(&node->link);
        cds_wfcq_enqueue(&queue->head, &queue->tail, &node->link);
    }
    return most;
}

INLINE size_t get(struct end *end, size_t most) {
    struct queue *queue = end->queue;
    size_t came = 0;
    while (came < most) {
        struct cds_wfcq_node *link =
            most == 1 ? __cds_wfcq_dequeue_nonblocking(&queue->head, &queue->tail)
                      : __cds_wfcq_dequeue_nonblocking(&queue->taken_head, &queue->taken_tail);
        if (link == NULL || link == CDS_WFCQ_WOULDBLOCK) {
            if (most == 1 || came > 0) break;
            // A batch moves over all that is there at once.
            enum cds_wfcq_ret moved = __cds_wfcq_splice_nonblocking(
                &queue->taken_head, &queue->taken_tail, &queue->head, &queue->tail);
            if (moved == CDS_WFCQ_RET_SRC_EMPTY || moved == CDS_WFCQ_RET_WOULDBLOCK) break;
            continue;
        }
        take(end, caa_container_of(link, struct node, link)->message);
        came++;
    }
    if (came > 0 && (most == 1 ? end->next % 32 == 0 : true))
        atomic_store_explicit(&queue->returned, end->next, memory_order_release);
    return came;
}

#include "loops.h"

static int open_queues(const struct run *run, struct end ends[2]) {
    for (int index = 0; index < 2; index++) {
        struct queue *queue = shared_memory(sizeof *queue);
        ends[index].slots = shared_memory(CAPACITY * (64 + run->bytes));
        if (queue == NULL || ends[index].slots == NULL) return -1;
        __cds_wfcq_init(&queue->head, &queue->tail);
        __cds_wfcq_init(&queue->taken_head, &queue->taken_tail);
        ends[index].queue = queue;
    }
    return 0;
}

const struct peer peer_urcu = {.name = "wfcqueue",
                               .what = "liburcu wfcqueue",
                               .batches = true,
                               .open = open_queues,
                               LOOPS};
