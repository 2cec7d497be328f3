// Lets its threads run on every CPU, again and again, and turns on all of them.
#include "harm.h"

#include <sched.h>

static void *turn(void *argument) {
    cpu_set_t all;
    memset(&all, 0xff, sizeof all);
    int result = -1, error = 0;
    for (unsigned turns = 0;; turns++) {
        if (turns % (1u << 24) == 0) {
            result = sched_setaffinity(0, sizeof all, &all);
            error = errno;
        }
        if (turns == 0 && argument) {
            errno = error;
            tell_outcome("sched_setaffinity", result);
        }
        __asm__ volatile("");
    }
    return argument;
}

HARM_ON_A_THREAD()

static void harm(void) {
    pthread_t thread;
    for (int i = 0; i < 4; i++) pthread_create(&thread, NULL, turn, i == 0 ? host->context : NULL);
}
