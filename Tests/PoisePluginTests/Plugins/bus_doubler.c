// Answers a number with its double.
#include <pthread.h>
#include <stdatomic.h>

#include "skeleton.h"

static atomic_bool ends;
static pthread_t thread;

static void *work(void *nothing) {
    (void)nothing;
    while (!atomic_load(&ends)) {
        poise_message message = {.size = sizeof message};
        if (host->bus_receive(host->context, &message, UINT64_MAX) != POISE_BUS_DONE) continue;
        poise_outgoing reply = {.size = sizeof reply, .length = 8, .priority = POISE_HIGH};
        if (host->bus_reserve_reply(host->context, &message, &reply) == POISE_BUS_DONE) {
            uint64_t number;
            memcpy(&number, message.bytes, sizeof number);
            number *= 2;
            memcpy(reply.bytes, &number, sizeof number);
            host->bus_commit(host->context, &reply);
        }
        host->bus_done(host->context);
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
