// Appends each number that comes to the file `seen` of its state folder, then is done with it.
// -DPAUSE=n waits so many microseconds for each.
#define _DEFAULT_SOURCE
#include "skeleton.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#ifndef PAUSE
#define PAUSE 0
#endif

static atomic_int ends;
static atomic_ullong seen;
static pthread_t thread;
static int file;

static int32_t create(void *context, const poise_creation *creation, void **instance,
                      poise_text *why) {
    char path[600];
    snprintf(path, sizeof path, "%s/seen", creation->state_folder);
    file = open(path, O_WRONLY | O_CREAT | O_APPEND, 0644);
    if (file < 0) return POISE_ENVIRONMENT;
    return plain_create(context, creation, instance, why);
}

static void *listen_on(void *argument) {
    while (!ends) {
        poise_message message = {sizeof message};
        int32_t result = host->bus_receive(host->context, &message, 100000000);
        if (result != POISE_BUS_DONE) continue;
        uint64_t number;
        if (message.length != sizeof number) abort();
        memcpy(&number, message.bytes, sizeof number);
        if (write(file, &number, sizeof number) != sizeof number) abort();
        seen++;
        host->bus_done(host->context);
        if (PAUSE > 0) usleep(PAUSE);
    }
    return argument;
}

static int32_t start(void *instance, poise_text *why) {
    (void)instance, (void)why;
    if (!POISE_HOST_HAS(host, bus_done)) return POISE_CONFIGURATION;
    return pthread_create(&thread, NULL, listen_on, NULL) ? POISE_ENVIRONMENT : POISE_DONE;
}

static void sample(void *instance, poise_report *report) {
    (void)instance;
    report->gauge_count = 1;
    snprintf(report->gauges[0].name, POISE_GAUGE_NAME, "seen");
    report->gauges[0].value = (double)seen;
    report->errors = 0;
    report->latency_p99_seconds = 0.001;
    report->throughput_per_second = 100;
}

static void stop(void *instance) {
    (void)instance;
    ends = 1;
    host->bus_wake(host->context);
    pthread_join(thread, NULL);
}

PLUGIN(.create = create, .start = start, .sample = sample, .stop = stop)
