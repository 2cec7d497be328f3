// Asks for more, and never comes back from being told of it.
#include "harm.h"

static void apply(void *instance, const poise_allocation *allocation) {
    (void)instance, (void)allocation;
    if (!is_time_for_harm()) return;
    for (;;) sleep(1);
}

HARM_ON_A_THREAD(.apply = apply)

static void harm(void) {
    for (uint32_t wanted = 1000;; wanted = 1100 - wanted) {
        host->need(host->context, POISE_PERFORMANCE, wanted, 60000);
        usleep(500000);
    }
}
