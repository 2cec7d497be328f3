// What the bus needs of Linux that Swift cannot see: memory to share, waiting on a word of it, and
// descriptors sent over a socket. As in poise_linux.h: zero or more, or -errno.
#pragma once

#include <stdint.h>

// Makes a file of anonymous memory of `bytes` bytes, closed on exec, that can neither shrink nor
// grow any more; `huge` asks for huge pages (MFD_HUGETLB) and fails where there are none. Gives its
// descriptor. Not in Swift: memfd_create and the seals need _GNU_SOURCE.
int poise_bus_memory(const char *name, uint64_t bytes, int huge);

// Whether a descriptor's memory is as poise_bus_memory made it: 1 when it can neither shrink nor
// grow, else 0. Not in Swift: F_GET_SEALS needs _GNU_SOURCE.
int poise_bus_is_sealed(int descriptor);

// Opens the same memory once more, for reading only. Gives the descriptor.
int poise_bus_read_only(int descriptor);

// Prefers a NUMA node for the pages of a mapping that are not there yet (MPOL_PREFERRED; for shared
// memory it holds for all who map it). 0 or -errno. Not in Swift: mbind has no wrapper.
int poise_bus_prefer_node(void *start, uint64_t bytes, int node);

// Asks for huge pages where the kernel may give them (MADV_HUGEPAGE). 0 or -errno.
int poise_bus_advise_huge(void *start, uint64_t bytes);

// Gives back the memory of a part of a file (FALLOC_FL_PUNCH_HOLE). 0 or -errno.
int poise_bus_punch_hole(int descriptor, uint64_t offset, uint64_t bytes);

// One word to wait on.
typedef struct poise_bus_word {
    const uint32_t *word;
    uint32_t value; // waits for as long as this is in it
    uint32_t reserved;
} poise_bus_word;

enum { POISE_BUS_MOST_WORDS = 128 };

// Waits until somebody wakes one of `count` words or one has another value, `nanoseconds` at most
// (UINT64_MAX: for ever). 0, or -EAGAIN, -ETIMEDOUT, -EINTR. Not in Swift: futex and futex_waitv
// have no wrapper.
int poise_bus_wait(const poise_bus_word *words, uint32_t count, uint64_t nanoseconds);

// Wakes all who wait on a word. The number woken, or -errno.
int poise_bus_wake(const uint32_t *word);

// Lets other processes' barriers reach this one (MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED). 0, or
// -errno where the kernel has none.
int poise_bus_register_barrier(void);

// A memory barrier on every thread of every registered process (MEMBARRIER_CMD_GLOBAL_EXPEDITED).
// 0 or -errno.
int poise_bus_barrier(void);

// Tells the core that it spins.
static inline void poise_bus_pause(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ __volatile__("yield");
#endif
}

enum { POISE_MOST_DESCRIPTORS = 8 };

// Sends a message with descriptors over a local socket without waiting. The number of bytes sent,
// or -errno. Not in Swift: CMSG_FIRSTHDR and its like are macros.
int64_t poise_send_descriptors(int socket, const void *bytes, uint64_t length,
                               const int *descriptors, uint32_t count);

// Takes a message without waiting, with the descriptors that came with it, closed on exec; `count`
// holds how many there is room for (POISE_MOST_DESCRIPTORS at most) and then how many came; those
// beyond the room are closed. The length of the message, which is larger than `capacity` when it
// was cut; 0 at the end; or -errno. Not in Swift: as above.
int64_t poise_receive_descriptors(int socket, void *bytes, uint64_t capacity, int *descriptors,
                                  uint32_t *count);
