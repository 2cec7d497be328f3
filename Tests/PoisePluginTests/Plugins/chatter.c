// Talks without a pause on a thread of its own, until it gets another allocation; then it needs 4242
// millicores and is silent.
#define _DEFAULT_SOURCE
#include "skeleton.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

static atomic_int is_silent;
static pthread_t thread;

static void *talk(void *argument) {
    static char text[2000];
    memset(text, 'x', sizeof text - 1);
    for (uint32_t i = 0; !atomic_load(&is_silent); i++) {
        host->log(host->context, POISE_INFO, text, NULL, 0);
        host->event(host->context, "chatter", NULL, 0);
        host->need(host->context, POISE_PERFORMANCE, i % 1000, 1000);
        usleep(200);
    }
    return argument;
}

static int32_t start(void *instance, poise_text *why) {
    (void)instance, (void)why;
    return pthread_create(&thread, NULL, talk, NULL) ? POISE_ENVIRONMENT : POISE_DONE;
}

static void apply(void *instance, const poise_allocation *allocation) {
    (void)instance, (void)allocation;
    atomic_store(&is_silent, 1);
    pthread_join(thread, NULL);
    host->need(host->context, POISE_PERFORMANCE, 4242, 1000);
}

static void sample(void *instance, poise_report *report) {
    (void)instance;
    report->utilisation = 0.25;
}

static void stop(void *instance) {
    (void)instance;
    if (!atomic_exchange(&is_silent, 1)) pthread_join(thread, NULL);
}

PLUGIN(.create = plain_create, .start = start, .apply = apply, .sample = sample, .stop = stop)
