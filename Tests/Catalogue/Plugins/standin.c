// Stands in for a feature that is not there yet: "threads" workers that are busy for "busy" of
// every 1000 parts of "period" milliseconds, and keep "memory" MiB.
#include "harm.h"

static atomic_int is_stopping;
static pthread_t workers[16];
static long worker_count;
static void *memory;

static void *work(void *argument) {
    const int64_t period = number_of("period", 20) * 1000000;
    const int64_t busy = period / 1000 * number_of("busy", 100);
    int64_t due = now_ns(CLOCK_MONOTONIC);
    while (!is_stopping) {
        while (now_ns(CLOCK_MONOTONIC) < due + busy) continue;
        due += period;
        if (due < now_ns(CLOCK_MONOTONIC)) due = now_ns(CLOCK_MONOTONIC);
        const struct timespec until = {due / 1000000000, due % 1000000000};
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
    }
    return argument;
}

static int32_t start(void *instance, poise_text *why) {
    (void)instance, (void)why;
    const size_t bytes = (size_t)number_of("memory", 1) << 20;
    memory = malloc(bytes);
    if (memory) memset(memory, 1, bytes);
    const long wanted = number_of("threads", 1);
    while (worker_count < wanted && worker_count < 16) {
        if (pthread_create(&workers[worker_count], NULL, work, NULL) != 0)
            return POISE_ENVIRONMENT;
        worker_count++;
    }
    return POISE_DONE;
}

static void stop(void *instance) {
    (void)instance;
    is_stopping = 1;
    for (long i = 0; i < worker_count; i++) pthread_join(workers[i], NULL);
    free(memory);
}

static void sample(void *instance, poise_report *report) {
    (void)instance;
    report->utilisation = (double)number_of("busy", 100) / 1000;
}

PLUGIN(.start = start, .stop = stop, .sample = sample)
