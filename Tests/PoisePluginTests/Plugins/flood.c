// Says more than anybody wants to hear, with texts that are too long and no UTF-8.
#include "skeleton.h"

static int32_t start(void *instance, poise_text *why) {
    (void)instance, (void)why;
    static char text[100000], key[1000];
    memset(text, 0xff, sizeof text - 1);
    memset(key, '\033', sizeof key - 1);
    poise_field fields[100];
    for (int i = 0; i < 100; i++) fields[i] = (poise_field){key + i, text};
    for (int i = 0; i < 20000; i++) {
        host->log(host->context, 77, text, fields, 100);
        host->event(host->context, text, fields, 100);
        host->need(host->context, POISE_PERFORMANCE, (uint32_t)i, UINT64_MAX);
    }
    host->need(host->context, 99, 1, 1);
    return POISE_DONE;
}

PLUGIN(.create = plain_create, .start = start, .stop = plain_stop)
