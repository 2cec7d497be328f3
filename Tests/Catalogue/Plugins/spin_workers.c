// Turns for ever on as many threads as it is told to ("threads"), and answers all the while.
#include "harm.h"

static void *turn(void *argument) {
    for (volatile int turns = 0;; turns++) continue;
    return argument;
}

HARM_ON_A_THREAD()

static void harm(void) {
    pthread_t thread;
    for (long i = number_of("threads", 8); i > 0; i--) pthread_create(&thread, NULL, turn, NULL);
}
