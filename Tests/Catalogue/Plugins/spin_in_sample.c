// Never comes back from a question: its main thread turns for ever.
#include "harm.h"

static void sample(void *instance, poise_report *report) {
    plain_sample(instance, report);
    if (!is_time_for_harm()) return;
    for (volatile int turns = 0;; turns++) continue;
}

PLUGIN(.start = plain_start, .stop = plain_stop, .sample = sample)
