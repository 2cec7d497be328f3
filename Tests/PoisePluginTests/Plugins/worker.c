// Works a little all the time, and says how well: with -D for what a version does otherwise.
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include "skeleton.h"

#ifndef VERSION
#define VERSION "1"
#endif
// What it says of its latency, in microseconds.
#ifndef LATENCY
#define LATENCY 1000
#endif
// Of 100 items so many fail.
#ifndef FAILING
#define FAILING 0
#endif
// Seconds after which it crashes; 0 never.
#ifndef CRASHES
#define CRASHES 0
#endif

static atomic_int ends;
static atomic_llong done, failed;
static pthread_t thread;
static struct timespec begun, asked;
static long long told;

static double seconds(struct timespec from, struct timespec to) {
    return (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
}

// About a twentieth of a core, in items of a millisecond of its time.
static void *work(void *nothing) {
    (void)nothing;
    while (!ends) {
        struct timespec from, now;
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
        do clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
        while (seconds(from, now) < 0.001);
        done++;
        if (done % 100 < FAILING) failed++;
        usleep(19000);
        clock_gettime(CLOCK_MONOTONIC, &now);
        if (CRASHES > 0 && seconds(begun, now) > CRASHES) abort();
    }
    return NULL;
}

static int32_t start(void *instance, poise_text *why) {
    (void)instance, (void)why;
    clock_gettime(CLOCK_MONOTONIC, &begun);
    asked = begun;
    return pthread_create(&thread, NULL, work, NULL) == 0 ? POISE_DONE : POISE_ENVIRONMENT;
}

static void stop(void *instance) {
    (void)instance;
    ends = 1;
    pthread_join(thread, NULL);
}

static void sample(void *instance, poise_report *report) {
    (void)instance;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    double time = seconds(asked, now);
    if (time > 0) report->throughput_per_second = (double)(done - told) / time;
    told = done;
    asked = now;
    report->latency_p99_seconds = LATENCY / 1e6;
    report->errors = failed;
}

uint32_t poise_plugin_abi(void) { return POISE_PLUGIN_ABI; }

const poise_plugin_functions *poise_plugin_entry(uint32_t host_abi) {
    (void)host_abi, (void)plain_start, (void)plain_stop;
    static const poise_plugin_functions functions = {
        .size = sizeof functions, .abi = POISE_PLUGIN_ABI, .name = "worker", .version = VERSION,
        .create = plain_create, .start = start, .stop = stop, .sample = sample};
    return &functions;
}
