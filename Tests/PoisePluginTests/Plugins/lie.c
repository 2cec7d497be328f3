// Reports what cannot be, and answers what means nothing.
#include <math.h>

#include "skeleton.h"

static void sample(void *instance, poise_report *report) {
    (void)instance;
    report->utilisation = -3;
    report->throughput_per_second = INFINITY;
    report->latency_p50_seconds = NAN;
    report->latency_p99_seconds = 1e300;
    report->queue_depth = INT64_MIN;
    report->errors = INT64_MAX;
    memset(report->gauges, 0x1b, sizeof *report->gauges * report->gauge_capacity);
    strcpy(report->gauges[1].name, "true");
    report->gauges[1].value = 4;
    strcpy(report->gauges[2].name, "infinite");
    report->gauges[2].value = -INFINITY;
    report->gauge_count = UINT32_MAX;
    report->gauge_capacity = UINT32_MAX;
}

static int32_t healthy(void *instance, poise_text *why) {
    (void)instance;
    memset(why->bytes, 'x', why->capacity);
    why->capacity = UINT32_MAX;
    why->bytes = NULL;
    return 42;
}

PLUGIN(.create = plain_create, .start = plain_start, .stop = plain_stop, .healthy = healthy,
       .sample = sample)
