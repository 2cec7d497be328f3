// Makes threads without end; "most" is where it stops by itself on a machine that lets it.
#include "harm.h"

static void *linger(void *argument) {
    for (;;) usleep(100000);
    return argument;
}

HARM_ON_A_THREAD()

static void harm(void) {
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 64 << 10);
    pthread_t thread;
    for (long i = 0; i < number_of("most", 4000); i++) {
        errno = pthread_create(&thread, &small, linger, NULL);
        if (errno == 0) continue;
        tell_outcome("pthread_create", -1);
        for (;;) {
            if (pthread_create(&thread, &small, linger, NULL) != 0) usleep(1000);
        }
    }
    tell_outcome("pthread_create", 0);
}
