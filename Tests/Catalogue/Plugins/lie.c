// Reports what is not so: "lie" is negative, nan, enormous, idle (while it works on all it can get)
// or starving (while it does nothing).
#include "harm.h"

#include <math.h>

static char lie[32];

static void *turn(void *argument) {
    for (volatile int turns = 0;; turns++) continue;
    return argument;
}

static int32_t start(void *instance, poise_text *why) {
    text_of("lie", lie, sizeof lie);
    return plain_start(instance, why);
}

static void fill(poise_report *report, double value, int64_t count) {
    report->utilisation = value;
    report->throughput_per_second = value;
    report->latency_p50_seconds = value;
    report->latency_p99_seconds = value;
    report->queue_depth = count;
    report->errors = count;
    snprintf(report->gauges[0].name, sizeof report->gauges[0].name, "lie");
    report->gauges[0].value = value;
    report->gauge_count = 1;
}

static void sample(void *instance, poise_report *report) {
    static int is_working;
    plain_sample(instance, report);
    if (!is_time_for_harm()) return;
    if (!strcmp(lie, "negative")) fill(report, -1e9, INT64_MIN);
    if (!strcmp(lie, "nan")) fill(report, NAN, -7);
    if (!strcmp(lie, "enormous")) fill(report, INFINITY, INT64_MAX);
    if (!strcmp(lie, "idle")) {
        fill(report, 0, 0);
        pthread_t thread;
        for (; is_working < 4; is_working++) pthread_create(&thread, NULL, turn, NULL);
    }
    if (!strcmp(lie, "starving")) {
        fill(report, 1, 1000000);
        report->latency_p99_seconds = 3600;
        host->need(host->context, POISE_PERFORMANCE, 1000000, 3600000);
    }
}

PLUGIN(.start = start, .stop = plain_stop, .sample = sample)
