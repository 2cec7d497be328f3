// Writes garbage over all memory of the bus that it may write, again and again. "does": sends (its
// messages' rings and their words are its own) or receives (how far it has read is).
#include "harm.h"

static int sends(void) {
    char does[16];
    return !strcmp(text_of("does", does, sizeof does), "sends");
}

static void *send_on(void *argument) {
    const uint32_t topic = host->bus_topic(host->context, "harm");
    for (uint64_t number = 0;; number++) {
        poise_outgoing message = {.size = sizeof message, .topic = topic,
                                  .priority = POISE_NORMAL, .length = 8 + number % 200};
        if (host->bus_reserve(host->context, &message) == POISE_BUS_DONE) {
            memset(message.bytes, (int)number, message.length);
            host->bus_commit(host->context, &message);
        }
        usleep(1000);
    }
    return argument;
}

static void *receive_on(void *argument) {
    for (;;) {
        poise_message message = {.size = sizeof message};
        if (host->bus_receive(host->context, &message, 100000000) == POISE_BUS_DONE)
            host->bus_done(host->context);
    }
    return argument;
}

static uint64_t next_random(void) {
    static uint64_t value;
    if (!value) value = (uint64_t)now_ns(CLOCK_MONOTONIC) | 1;
    value ^= value << 13;
    value ^= value >> 7;
    value ^= value << 17;
    return value;
}

// Writes over all of it once; how many bytes that were.
static size_t scribble(void) {
    size_t written = 0;
    char line[512], mode[8];
    FILE *maps = fopen("/proc/self/maps", "r");
    if (!maps) return 0;
    while (fgets(line, sizeof line, maps)) {
        unsigned long from, to;
        if (sscanf(line, "%lx-%lx %7s", &from, &to, mode) != 3) continue;
        if (mode[1] != 'w' || !strstr(line, "/memfd:poise-")) continue;
        for (volatile uint64_t *word = (uint64_t *)from; word < (uint64_t *)to; word++)
            *word = next_random();
        written += to - from;
    }
    fclose(maps);
    return written;
}

static void *harm_on(void *argument) {
    wait_for_moment();
    if (scribble() == 0) {
        errno = ENOENT;
        tell_outcome("write over the bus", -1);
    }
    for (;;) {
        usleep(1000);
        scribble();
    }
    return argument;
}

static int32_t start(void *instance, poise_text *why) {
    (void)instance, (void)why;
    if (!POISE_HOST_HAS(host, bus_await)) return POISE_CONFIGURATION;
    set_moment();
    pthread_t thread;
    if (pthread_create(&thread, NULL, sends() ? send_on : receive_on, NULL) != 0 ||
        pthread_create(&thread, NULL, harm_on, NULL) != 0)
        return POISE_ENVIRONMENT;
    return POISE_DONE;
}

PLUGIN(.start = start, .stop = plain_stop, .sample = plain_sample)
