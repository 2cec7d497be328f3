// Writes to its host's channel itself, past all that the host would hold it to: log lines, needs and
// messages that are none, as fast as the socket takes them, for as long as it runs.
#define _DEFAULT_SOURCE
#include "skeleton.h"

#include <errno.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

static void *talk(void *argument) {
    char text[256];
    for (unsigned i = 0;; i++) {
        switch (i % 4) {
        case 0:
            snprintf(text, sizeof text,
                     "{\"news\":\"log\",\"level\":\"info\",\"text\":\"flood\",\"fields\":{}}");
            break;
        case 1:
            snprintf(text, sizeof text,
                     "{\"news\":\"need\",\"class\":\"performance\",\"millicores\":%u,"
                     "\"milliseconds\":1000}", i % 100);
            break;
        case 2: snprintf(text, sizeof text, "{\"news\":\"report\",\"utilisation\":0.5}"); break;
        default: snprintf(text, sizeof text, "this is no message"); break;
        }
        while (send(3, text, strlen(text), MSG_NOSIGNAL) < 0) {
            if (errno != EAGAIN && errno != EINTR && errno != ENOBUFS) return argument;
            usleep(100);
        }
    }
}

static int32_t start(void *instance, poise_text *why) {
    (void)instance, (void)why;
    pthread_t thread;
    return pthread_create(&thread, NULL, talk, NULL) ? POISE_ENVIRONMENT : POISE_DONE;
}

PLUGIN(.create = plain_create, .start = start, .stop = plain_stop)
