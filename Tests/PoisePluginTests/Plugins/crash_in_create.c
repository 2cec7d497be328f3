// Writes where it may not.
#include "skeleton.h"

static int32_t create(void *context, const poise_creation *creation, void **instance,
                      poise_text *why) {
    (void)context, (void)creation, (void)instance, (void)why;
    *(volatile int *)16 = 1;
    return POISE_DONE;
}

PLUGIN(.create = create, .start = plain_start, .stop = plain_stop)
