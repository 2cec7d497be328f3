// Receives numbers and keeps with the link how many came and how many were not the next one, so
// that each counts exactly once.
#include <pthread.h>
#include <stdatomic.h>

#include "skeleton.h"

struct counts {
    uint64_t next, wrong;
};

static atomic_bool ends;
static pthread_t thread;

static void *work(void *nothing) {
    (void)nothing;
    struct counts counts = {0, 0};
    int is_known = 0;
    while (!atomic_load(&ends)) {
        poise_message message = {.size = sizeof message};
        uint32_t source = 0;
        int taken = 0;
        while (taken < 100 && host->bus_receive(host->context, &message,
                                                taken ? 0 : 50000000) == POISE_BUS_DONE) {
            source = message.source;
            if (!is_known) host->bus_state(host->context, source, &counts, sizeof counts);
            is_known = 1;
            uint64_t number;
            memcpy(&number, message.bytes, sizeof number);
            if (number != counts.next || message.length != 8 + number % 64) counts.wrong++;
            for (uint64_t index = 8; index < message.length; index++)
                if (((const uint8_t *)message.bytes)[index] != (uint8_t)number) counts.wrong++;
            counts.next = number + 1;
            taken++;
        }
        if (taken) host->bus_done_with(host->context, source, &counts, sizeof counts);
    }
    return NULL;
}

static int32_t start(void *instance, poise_text *why) {
    (void)instance, (void)why;
    return pthread_create(&thread, NULL, work, NULL) == 0 ? POISE_DONE : POISE_ENVIRONMENT;
}

static void stop(void *instance) {
    (void)instance;
    atomic_store(&ends, 1);
    host->bus_wake(host->context);
    pthread_join(thread, NULL);
}

PLUGIN(.create = plain_create, .start = start, .stop = stop)
