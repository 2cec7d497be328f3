// Asks for the double of 21 when it is sampled, within 300 ms, and reports it, or the code of why
// not, as a gauge.
#include "skeleton.h"

static void sample(void *instance, poise_report *report) {
    (void)instance;
    poise_outgoing message = {.size = sizeof message, .length = 8, .priority = POISE_NORMAL,
                              .topic = host->bus_topic(host->context, "double"),
                              .reply_nanoseconds = 300000000};
    int32_t code = host->bus_reserve(host->context, &message);
    uint64_t answer = 0, length = 0;
    if (code == POISE_BUS_DONE) {
        uint64_t number = 21;
        memcpy(message.bytes, &number, sizeof number);
        host->bus_commit(host->context, &message);
        code = host->bus_await(host->context, message.request, &answer, 4, &length);
        // There was too little room: it stays until it is asked for with more.
        if (code == POISE_BUS_TOO_LONG && length == 8)
            code = host->bus_await(host->context, message.request, &answer, 8, &length);
    }
    strcpy(report->gauges[0].name, code == POISE_BUS_DONE ? "answer" : "code");
    report->gauges[0].value = code == POISE_BUS_DONE ? (double)answer : code;
    report->gauge_count = 1;
}

PLUGIN(.create = plain_create, .start = plain_start, .stop = plain_stop, .sample = sample)
