// Sends numbers, 0, 1, 2 …, RATE a second, until it is stopped; then leaves how many in the file
// `sent` of its state folder. -DSPOILS=n: instead of message n, and of each n-th after it, there is a
// length in the ring that cannot be. -DTAGGED: numbers begin at a multiple of 2^32, another one in each
// process. -DHOLDS=n: the first process that comes to message n leaves the file `held` in its state
// folder, and never ends what it began to write.
#define _DEFAULT_SOURCE
#include "skeleton.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#ifndef RATE
#define RATE 1000
#endif

static atomic_int ends;
static atomic_ullong sent, refused;
static pthread_t thread;
static char folder[512];

static int32_t create(void *context, const poise_creation *creation, void **instance,
                      poise_text *why) {
    snprintf(folder, sizeof folder, "%s", creation->state_folder);
    return plain_create(context, creation, instance, why);
}

static uint64_t first_number(void) {
#ifdef TAGGED
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return ((uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000) << 32;
#else
    return 0;
#endif
}

static void hold(uint64_t number) {
#ifdef HOLDS
    char path[600];
    snprintf(path, sizeof path, "%s/held", folder);
    if (number != HOLDS) return;
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL, 0644);
    while (file >= 0) sleep(1);
#else
    (void)number;
#endif
}

static void *talk(void *argument) {
    uint32_t topic = host->bus_topic(host->context, "numbers");
    uint64_t first = first_number();
    while (!ends) {
        uint64_t number = first + sent;
        poise_outgoing message = {sizeof message, topic, POISE_NORMAL, 0, sizeof number};
        int32_t result = host->bus_reserve(host->context, &message);
        if (result != POISE_BUS_DONE) {
            refused++;
            usleep(1000);
            continue;
        }
        hold(sent);
        memcpy(message.bytes, &number, sizeof number);
#ifdef SPOILS
        if (number % SPOILS == SPOILS - 1) memset((char *)message.bytes - 16, 0xFE, 8);
#endif
        if (host->bus_commit(host->context, &message) == POISE_BUS_DONE) sent++;
        usleep(1000000 / RATE);
    }
    return argument;
}

static int32_t start(void *instance, poise_text *why) {
    (void)instance, (void)why;
    if (!POISE_HOST_HAS(host, bus_commit)) return POISE_CONFIGURATION;
    return pthread_create(&thread, NULL, talk, NULL) ? POISE_ENVIRONMENT : POISE_DONE;
}

static void sample(void *instance, poise_report *report) {
    (void)instance;
    report->gauge_count = 2;
    snprintf(report->gauges[0].name, POISE_GAUGE_NAME, "sent");
    report->gauges[0].value = (double)sent;
    snprintf(report->gauges[1].name, POISE_GAUGE_NAME, "refused");
    report->gauges[1].value = (double)refused;
}

static void stop(void *instance) {
    (void)instance;
    ends = 1;
    pthread_join(thread, NULL);
    char path[600];
    snprintf(path, sizeof path, "%s/sent", folder);
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    uint64_t number = sent;
    if (file < 0 || write(file, &number, sizeof number) != sizeof number) abort();
    close(file);
}

PLUGIN(.create = create, .start = start, .sample = sample, .stop = stop)
