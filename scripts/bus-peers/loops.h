// The loops of one peer. Its file defines, before it includes this:
//   size_t put(struct end *, size_t most)  sends up to `most` messages, gives how many
//   size_t get(struct end *, size_t most)  receives up to `most`, gives how many
// They are inlined, so that no peer pays for being called through a pointer.
#pragma once

#include "peers.h"

INLINE void produce_all(const struct run *run, struct end *end, size_t batch) {
    uint64_t left = run->messages;
    atomic_store(&run->shared->started, now());
    while (left > 0) {
        size_t sent = put(end, left < batch ? (size_t)left : batch);
        if (sent == 0) rest_for_some();
        left -= sent;
    }
}

INLINE void consume_all(const struct run *run, struct end *end, size_t batch) {
    uint64_t left = run->messages;
    while (left > 0) {
        size_t came = get(end, left < batch ? (size_t)left : batch);
        if (came == 0) rest_for_some();
        left -= came;
    }
    atomic_store(&run->shared->ended, now());
    if (end->wrong) atomic_store(&run->shared->wrong, end->wrong);
}

static void produce(const struct run *run, struct end *end) {
    if (run->batch == 1)
        produce_all(run, end, 1);
    else
        produce_all(run, end, BATCH);
}

static void consume(const struct run *run, struct end *end) {
    if (run->batch == 1)
        consume_all(run, end, 1);
    else
        consume_all(run, end, BATCH);
}

static void ping(const struct run *run, struct end *out, struct end *in) {
    atomic_store(&run->shared->started, now());
    for (uint64_t index = 0; index < run->messages; index++) {
        uint64_t before = now();
        while (put(out, 1) == 0) rest();
        while (get(in, 1) == 0) rest();
        run->times[index] = (uint32_t)(now() - before);
    }
    atomic_store(&run->shared->ended, now());
    if (in->wrong) atomic_store(&run->shared->wrong, in->wrong);
}

static void pong(const struct run *run, struct end *in, struct end *out) {
    for (uint64_t index = 0; index < run->messages; index++) {
        while (get(in, 1) == 0) rest();
        while (put(out, 1) == 0) rest();
    }
}

#define LOOPS .produce = produce, .consume = consume, .ping = ping, .pong = pong
