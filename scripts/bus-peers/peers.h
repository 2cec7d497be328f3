// What the peers of `poise bench bus` share: two processes, pinned, a page of shared words, and
// messages with a number in front that are copied in at one end and out at the other.
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

enum { MOST_BYTES = 1024, BATCH = 32, CAPACITY = 4096, SLOTS = 2 * CAPACITY };

// Words that both processes see.
struct shared {
    _Atomic uint32_t ready;
    _Atomic uint32_t go;
    _Alignas(128) _Atomic uint64_t started;
    _Alignas(128) _Atomic uint64_t ended;
    // The first number that was not what it had to be, plus one; 0 when all were.
    _Atomic uint64_t wrong;
};

// What is asked for.
struct run {
    size_t bytes;
    uint64_t messages;
    size_t batch;
    int cpus[2];
    struct shared *shared;
    uint32_t *times; // of each round trip in nanoseconds
    const char *folder;
};

// One end of one direction. `queue` and what else is in it belong to the peer.
struct end {
    size_t bytes;
    void *queue;
    unsigned char *slots;
    uint64_t next;     // number of the next message, sent or expected
    uint64_t wrong;
    size_t filled;     // messages filled and not sent yet; of a stream: bytes of a part
    int descriptor;
    void *socket;
    _Alignas(64) unsigned char source[MOST_BYTES];
    _Alignas(64) unsigned char sink[BATCH * MOST_BYTES];
};

struct peer {
    const char *name;
    const char *what;
    bool batches;
    // Both directions, before the fork; 0 or -1 with errno.
    int (*open)(const struct run *run, struct end ends[2]);
    // After the fork: `side` 0 sends in direction 0 and receives in direction 1.
    int (*attach)(const struct run *run, struct end ends[2], int side);
    void (*produce)(const struct run *run, struct end *end);
    void (*consume)(const struct run *run, struct end *end);
    void (*ping)(const struct run *run, struct end *out, struct end *in);
    void (*pong)(const struct run *run, struct end *in, struct end *out);
};

void *shared_memory(size_t bytes);

static inline uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static inline void rest(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ __volatile__("yield");
#endif
}

// Until the other end has had time for some messages; our own ends do the same.
static inline void rest_for_some(void) {
    for (int count = 0; count < 8; count++) rest();
}

#define INLINE static inline __attribute__((always_inline))

// A size that the compiler knows becomes a few moves.
INLINE void copy(void *to, const void *from, size_t bytes) {
    if (bytes == 64)
        memcpy(to, from, 64);
    else
        memcpy(to, from, bytes);
}

// The slot of a message: a pointer queue is full long before its slots come round again.
INLINE unsigned char *slot_of(const struct end *end, uint64_t number) {
    return end->slots + (number & (SLOTS - 1)) * end->bytes;
}

// Puts the next message into its place: its number stands at both ends of it.
INLINE void fill(struct end *end, unsigned char *place) {
    copy(place, end->source, end->bytes);
    memcpy(place, &end->next, sizeof end->next);
    memcpy(place + end->bytes - sizeof end->next, &end->next, sizeof end->next);
    end->next++;
}

// Checks a message that lies in the sink.
INLINE void check(struct end *end, const unsigned char *message) {
    uint64_t first, last;
    memcpy(&first, message, sizeof first);
    memcpy(&last, message + end->bytes - sizeof last, sizeof last);
    int wrong = first != end->next || last != end->next;
    if (__builtin_expect(wrong, 0) && end->wrong == 0) end->wrong = end->next + 1;
    end->next++;
}

// Takes a message out of its place.
INLINE void take(struct end *end, const void *place) {
    copy(end->sink, place, end->bytes);
    __asm__ __volatile__("" : : "r"(end->sink) : "memory");
    check(end, end->sink);
}
