// Publishes what the plugin digest reads, as the layout of streaming's messages has it: 300 windows
// of three keys, and 7 anomalies.
#include "skeleton.h"

struct window {
    uint16_t version, flags;
    uint32_t key_bytes;
    int64_t start, end;
    uint64_t events;
    double sum, min, max, mean, variance, p50, p99, last;
    uint64_t late;
    char key[2];
};

struct anomaly {
    uint16_t version, flags;
    uint32_t key_bytes;
    int64_t time;
    double value, score;
    char key[2];
};

static void publish(const char *topic, uint32_t priority, const void *bytes, uint64_t length) {
    poise_outgoing message = {.size = sizeof message, .length = length, .priority = priority,
                              .topic = host->bus_topic(host->context, topic)};
    int32_t code;
    do code = host->bus_reserve(host->context, &message);
    while (code == POISE_BUS_FULL);
    if (code != POISE_BUS_DONE) abort();
    memcpy(message.bytes, bytes, length);
    host->bus_commit(host->context, &message);
}

static void sample(void *instance, poise_report *report) {
    (void)instance, (void)report;
    for (int index = 0; index < 300; index++) {
        struct window window = {.version = 1, .key_bytes = 2, .start = index, .end = index + 1,
                                .events = 10, .mean = 0.5, .p99 = 2, .key = {'k', '0' + index % 3}};
        publish("windows", POISE_NORMAL, &window, 106);
    }
    for (int index = 0; index < 7; index++) {
        struct anomaly anomaly = {.version = 1, .key_bytes = 2, .time = index, .value = 9,
                                  .score = 0.999};
        memcpy(anomaly.key, "k1", 2);
        publish("anomalies", POISE_HIGH, &anomaly, 34);
    }
}

PLUGIN(.create = plain_create, .start = plain_start, .stop = plain_stop, .sample = sample)
