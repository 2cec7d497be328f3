// Does all that is asked, and shows what it was given.
#include "skeleton.h"

static char seen[512];

static int32_t create(void *context, const poise_creation *creation, void **instance,
                      poise_text *why) {
    plain_create(context, creation, instance, why);
    const char *threads = getenv("OPENBLAS_NUM_THREADS");
    snprintf(seen, sizeof seen, "%s %s %s %s", creation->feature, creation->state_folder,
             creation->config, threads ? threads : "none");
    *instance = seen;
    return POISE_DONE;
}

static int32_t start(void *instance, poise_text *why) {
    (void)why;
    const poise_field fields[] = {{"given", instance}, {"empty", ""}};
    host->log(host->context, POISE_INFO, "started", fields, 2);
    host->event(host->context, "open", fields, 1);
    host->need(host->context, POISE_EFFICIENCY, 2500, 1500);
    return POISE_DONE;
}

static void apply(void *instance, const poise_allocation *given) {
    (void)instance;
    char text[256];
    snprintf(text, sizeof text, "%llx %llx %llx %llx %u/%u %s %u %u %llu",
             (unsigned long long)(given->exclusive.count ? given->exclusive.words[0] : 0),
             (unsigned long long)(given->shared.count ? given->shared.words[0] : 0),
             (unsigned long long)(given->borrowed.count ? given->borrowed.words[0] : 0),
             (unsigned long long)(given->baseline.count ? given->baseline.words[0] : 0),
             given->core_count, given->core_count ? given->cores[0].core_class : 9,
             given->accelerator_count ? given->accelerators[0].id : "none",
             given->performance_millicores, given->weight,
             (unsigned long long)given->memory_max_bytes);
    host->log(host->context, POISE_DEBUG, text, NULL, 0);
}

static void drain(void *instance, uint64_t milliseconds) {
    (void)instance;
    char text[64];
    snprintf(text, sizeof text, "drain %llu", (unsigned long long)milliseconds);
    host->log(host->context, POISE_DEBUG, text, NULL, 0);
}

static int32_t healthy(void *instance, poise_text *why) {
    (void)instance;
    snprintf(why->bytes, why->capacity, "one input is away");
    return POISE_DEGRADED;
}

static void sample(void *instance, poise_report *report) {
    (void)instance;
    report->utilisation = 0.5;
    report->queue_depth = 7;
    report->latency_p99_seconds = 0.25;
    snprintf(report->gauges[0].name, sizeof report->gauges[0].name, "lag");
    report->gauges[0].value = 1.5;
    report->gauge_count = 1;
}

static void service_level(void *instance, uint32_t level) {
    (void)instance;
    char text[64];
    snprintf(text, sizeof text, "level %u", level);
    host->log(host->context, POISE_DEBUG, text, NULL, 0);
}

static void shrink(void *instance, uint64_t bytes) {
    (void)instance;
    char text[64];
    snprintf(text, sizeof text, "shrink %llu", (unsigned long long)bytes);
    host->log(host->context, POISE_DEBUG, text, NULL, 0);
}

PLUGIN(.create = create, .start = start, .apply = apply, .drain = drain, .stop = plain_stop,
       .healthy = healthy, .sample = sample, .service_level = service_level,
       .shrink = shrink)
