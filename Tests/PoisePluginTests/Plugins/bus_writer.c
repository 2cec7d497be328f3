// Sends numbers from config "first" on, by staging some of them; "count" of them.
#include <pthread.h>
#include <stdatomic.h>

#include "skeleton.h"

static uint64_t first, count;
static atomic_bool ends;
static pthread_t thread;

static uint64_t configured(const char *config, const char *key) {
    const char *place = strstr(config, key);
    return place ? strtoull(place + strlen(key) + 2, NULL, 10) : 0;
}

static int32_t create(void *context, const poise_creation *creation, void **instance,
                      poise_text *why) {
    plain_create(context, creation, instance, why);
    if (!POISE_HOST_HAS(host, bus_await)) return POISE_ENVIRONMENT;
    first = configured(creation->config, "first");
    count = configured(creation->config, "count");
    return POISE_DONE;
}

static void *work(void *nothing) {
    (void)nothing;
    uint32_t topic = host->bus_topic(host->context, "numbers");
    for (uint64_t number = first; number < first + count && !atomic_load(&ends);) {
        poise_outgoing message = {.size = sizeof message, .topic = topic, .length = 8 + number % 64,
                                  .priority = POISE_NORMAL};
        int32_t code = host->bus_reserve(host->context, &message);
        if (code == POISE_BUS_FULL || code == POISE_BUS_NO_ROUTE) continue;
        if (code != POISE_BUS_DONE) abort();
        memcpy(message.bytes, &number, sizeof number);
        memset((char *)message.bytes + 8, (int)(number & 0xFF), number % 64);
        if (number % 4 == 3)
            host->bus_commit(host->context, &message);
        else
            host->bus_stage(host->context, &message);
        number++;
    }
    host->bus_publish(host->context);
    host->event(host->context, "sent", NULL, 0);
    return NULL;
}

static int32_t start(void *instance, poise_text *why) {
    (void)instance, (void)why;
    return pthread_create(&thread, NULL, work, NULL) == 0 ? POISE_DONE : POISE_ENVIRONMENT;
}

static void stop(void *instance) {
    (void)instance;
    atomic_store(&ends, 1);
    pthread_join(thread, NULL);
}

PLUGIN(.create = create, .start = start, .stop = stop)
