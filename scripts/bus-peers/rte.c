// DPDK's rte_ring for one producer and one consumer, by bursts: pointers to slots go through it.
// Its functions are inline; the ring is set up as rte_ring_init does it, which would want all of
// DPDK's environment linked.
#include <rte_ring.h>

#include "peers.h"

INLINE size_t put(struct end *end, size_t most) {
    struct rte_ring *ring = end->queue;
    while (end->filled < most) {
        fill(end, slot_of(end, end->next));
        end->filled++;
    }
    void *slots[BATCH];
    uint64_t first = end->next - end->filled;
    for (size_t index = 0; index < most; index++) slots[index] = slot_of(end, first + index);
    unsigned sent = rte_ring_sp_enqueue_burst(ring, slots, (unsigned)most, NULL);
    end->filled -= sent;
    return sent;
}

INLINE size_t get(struct end *end, size_t most) {
    struct rte_ring *ring = end->queue;
    void *slots[BATCH];
    unsigned came = rte_ring_sc_dequeue_burst(ring, slots, (unsigned)most, NULL);
    for (unsigned index = 0; index < came; index++) take(end, slots[index]);
    return came;
}

#include "loops.h"

static int open_queues(const struct run *run, struct end ends[2]) {
    for (int index = 0; index < 2; index++) {
        struct rte_ring *ring = shared_memory(sizeof *ring + CAPACITY * sizeof(void *));
        ends[index].slots = shared_memory(SLOTS * run->bytes);
        if (ring == NULL || ends[index].slots == NULL) return -1;
        ring->flags = RING_F_SP_ENQ | RING_F_SC_DEQ;
        ring->prod.sync_type = RTE_RING_SYNC_ST;
        ring->cons.sync_type = RTE_RING_SYNC_ST;
        ring->size = CAPACITY;
        ring->mask = CAPACITY - 1;
        ring->capacity = CAPACITY - 1;
        ends[index].queue = ring;
    }
    return 0;
}

const struct peer peer_rte = {.name = "rteRing",
                              .what = "DPDK rte_ring SP/SC",
                              .batches = true,
                              .open = open_queues,
                              LOOPS};
