// Neither drains nor stops, and takes no notice of any signal that can be ignored.
#include "harm.h"

static void hang(void) {
    begin_harm();
    for (;;) sleep(1);
}

static void drain(void *instance, uint64_t milliseconds) {
    (void)instance, (void)milliseconds;
    if (is_time_for_harm()) hang();
}

static void stop(void *instance) {
    (void)instance;
    if (is_time_for_harm()) hang();
}

static int32_t start(void *instance, poise_text *why) {
    // Also from under the hands of its host, which waits for them.
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    for (int number = 1; number < 32; number++) signal(number, SIG_IGN);
    return plain_start(instance, why);
}

PLUGIN(.start = start, .drain = drain, .stop = stop, .sample = plain_sample)
