// How many system calls a thread makes, counted by the kernel itself.
#pragma once

#include <stdint.h>

// From now on each system call of the calling thread waits for a second thread of this process,
// which counts it and lets it pass (SECCOMP_RET_USER_NOTIF): exact, without privileges, and slow for
// those that are made. It cannot be undone. 0 or -errno. Not in Swift: seccomp's filters are macros.
int poise_count_system_calls(void);

// How many there were since; asking makes none.
uint64_t poise_system_calls(void);
