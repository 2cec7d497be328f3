/* How often the process has asked for memory since it started.
 *
 * The library is preloaded (LD_PRELOAD) into a process whose allocations are to be counted; the
 * program finds this function with dlsym(3) and works without it when it is not there. */
#ifndef POISE_ALLOCATION_COUNT_H
#define POISE_ALLOCATION_COUNT_H

#include <stdint.h>

/* Calls of malloc, calloc, realloc, aligned_alloc and posix_memalign so far, on all threads. */
uint64_t poise_allocation_count(void);

#endif
