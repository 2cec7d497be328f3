// Says more than anybody wants to hear, on four threads.
#include "harm.h"

static void *talk(void *argument) {
    static char text[4096];
    memset(text, 'x', sizeof text - 1);
    const poise_field field = {"key", text};
    for (;;) {
        host->log(host->context, POISE_WARNING, text, &field, 1);
        host->event(host->context, "flood", &field, 1);
        host->need(host->context, POISE_PERFORMANCE, (uint32_t)rand() % 1000, 60000);
    }
    return argument;
}

HARM_ON_A_THREAD()

static void harm(void) {
    pthread_t thread;
    for (int i = 0; i < 4; i++) pthread_create(&thread, NULL, talk, NULL);
}
