// Concurrency Kit's ring for one producer and one consumer (ck_ring.h): pointers to slots go
// through it. It has no batched form.
#include <ck_ring.h>

#include "peers.h"

struct queue {
    ck_ring_t ring;
    _Alignas(64) ck_ring_buffer_t buffer[CAPACITY];
};

INLINE size_t put(struct end *end, size_t most) {
    (void)most;
    struct queue *queue = end->queue;
    if (end->filled == 0) {
        fill(end, slot_of(end, end->next));
        end->filled = 1;
    }
    if (!ck_ring_enqueue_spsc(&queue->ring, queue->buffer, slot_of(end, end->next - 1))) return 0;
    end->filled = 0;
    return 1;
}

INLINE size_t get(struct end *end, size_t most) {
    (void)most;
    struct queue *queue = end->queue;
    void *slot;
    if (!ck_ring_dequeue_spsc(&queue->ring, queue->buffer, &slot)) return 0;
    take(end, slot);
    return 1;
}

#include "loops.h"

static int open_queues(const struct run *run, struct end ends[2]) {
    for (int index = 0; index < 2; index++) {
        struct queue *queue = shared_memory(sizeof *queue);
        ends[index].slots = shared_memory(SLOTS * run->bytes);
        if (queue == NULL || ends[index].slots == NULL) return -1;
        ck_ring_init(&queue->ring, CAPACITY);
        ends[index].queue = queue;
    }
    return 0;
}

const struct peer peer_ck = {
    .name = "ckRing", .what = "Concurrency Kit ck_ring SPSC", .open = open_queues, LOOPS};
