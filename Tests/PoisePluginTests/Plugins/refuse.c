// Takes no configuration but one that says so; "outside" makes start fail for want of something.
#include "skeleton.h"

static int32_t create(void *context, const poise_creation *creation, void **instance,
                      poise_text *why) {
    plain_create(context, creation, instance, why);
    if (strstr(creation->config, "outside")) return POISE_DONE;
    snprintf(why->bytes, why->capacity, "config.colour is missing");
    return POISE_CONFIGURATION;
}

static int32_t start(void *instance, poise_text *why) {
    (void)instance;
    snprintf(why->bytes, why->capacity, "nobody listens on port 7000");
    return POISE_ENVIRONMENT;
}

PLUGIN(.create = create, .start = start, .stop = plain_stop)
