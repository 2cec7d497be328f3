// Never returns from start.
#include <unistd.h>

#include "skeleton.h"

static int32_t start(void *instance, poise_text *why) {
    (void)instance, (void)why;
    for (;;) pause();
    return POISE_DONE;
}

PLUGIN(.create = plain_create, .start = start, .stop = plain_stop)
