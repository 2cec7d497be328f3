// What the bad plugins of the catalogue have in common. Each one is in good order until a stated
// moment after its start ("after", milliseconds; when it has done harm before, "again"), says in
// its state folder when it begins (the file `harm`), does its harm, and says there what came of it
// where it lives to tell (the file `outcome`).
#ifndef POISE_CATALOGUE_HARM_H
#define POISE_CATALOGUE_HARM_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "poise_plugin.h"

static const poise_host_functions *host;
static char state_folder[512], configuration[4096];
static _Atomic int64_t harm_at = INT64_MAX;
static atomic_int has_begun;

static int64_t now_ns(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

// A whole number of the configuration, or the standard.
static long number_of(const char *key, long standard) {
    char word[64];
    snprintf(word, sizeof word, "\"%s\":", key);
    const char *found = strstr(configuration, word);
    return found ? strtol(found + strlen(word), NULL, 10) : standard;
}

// A text of the configuration without escapes; empty when there is none.
static const char *text_of(const char *key, char *text, size_t size) {
    char word[64];
    snprintf(word, sizeof word, "\"%s\":\"", key);
    const char *found = strstr(configuration, word);
    size_t length = found ? strcspn(found + strlen(word), "\"") : 0;
    if (length >= size) length = size - 1;
    if (length > 0) memcpy(text, found + strlen(word), length);
    text[length] = 0;
    return text;
}

static void add_line(const char *file, const char *line) {
    char path[600];
    snprintf(path, sizeof path, "%s/%s", state_folder, file);
    int descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (descriptor < 0) return;
    ssize_t written = write(descriptor, line, strlen(line));
    (void)written;
    close(descriptor);
}

// Says that the harm begins now: on the monotonic clock and on the wall clock, in nanoseconds. Only
// the first time in one life counts.
static void begin_harm(void) {
    if (atomic_exchange(&has_begun, 1)) return;
    char line[96];
    snprintf(line, sizeof line, "%lld %lld\n", (long long)now_ns(CLOCK_MONOTONIC),
             (long long)now_ns(CLOCK_REALTIME));
    add_line("harm", line);
}

// Says what came of it: 0 or more is done, else the error of the kernel.
static inline void tell_outcome(const char *what, long result) {
    int error = errno;
    char line[256];
    if (result >= 0) snprintf(line, sizeof line, "%s: done\n", what);
    else snprintf(line, sizeof line, "%s: %s\n", what, strerror(error));
    add_line("outcome", line);
}

// Whether the moment has come; the first time that it has, it says so.
static inline int is_time_for_harm(void) {
    if (now_ns(CLOCK_MONOTONIC) < harm_at) return 0;
    begin_harm();
    return 1;
}

static int32_t harm_create(void *context, const poise_creation *creation, void **instance,
                           poise_text *why) {
    (void)context, (void)instance, (void)why;
    host = creation->host;
    snprintf(state_folder, sizeof state_folder, "%s", creation->state_folder);
    snprintf(configuration, sizeof configuration, "%s", creation->config);
    return POISE_DONE;
}

// Sets the moment of the harm, counted from now.
static void set_moment(void) {
    char path[600];
    snprintf(path, sizeof path, "%s/harm", state_folder);
    int has_harmed = access(path, F_OK) == 0;
    long after = number_of("after", 1000);
    if (has_harmed) after = number_of("again", after);
    harm_at = now_ns(CLOCK_MONOTONIC) + (int64_t)after * 1000000;
}

static inline void wait_for_moment(void) {
    while (now_ns(CLOCK_MONOTONIC) < harm_at) usleep(1000);
    begin_harm();
}

static inline void plain_stop(void *instance) { (void)instance; }

// It does a little work and says so, so that it is seen to live.
static inline void plain_sample(void *instance, poise_report *report) {
    (void)instance;
    report->utilisation = 0.1;
}

static inline int32_t plain_start(void *instance, poise_text *why) {
    (void)instance, (void)why;
    set_moment();
    return POISE_DONE;
}

#define PLUGIN(...)                                                               \
    uint32_t poise_plugin_abi(void) { return POISE_PLUGIN_ABI; }                  \
    const poise_plugin_functions *poise_plugin_entry(uint32_t host_abi) {         \
        (void)host_abi;                                                           \
        static const poise_plugin_functions functions = {                         \
            .size = sizeof functions, .abi = POISE_PLUGIN_ABI, .name = "bad",     \
            .version = "1.0", .create = harm_create, __VA_ARGS__};                \
        return &functions;                                                        \
    }

// A plugin whose harm is done by `harm()` on a thread of its own.
#define HARM_ON_A_THREAD(...)                                                     \
    static void harm(void);                                                       \
    static void *harm_thread(void *argument) {                                    \
        wait_for_moment();                                                        \
        harm();                                                                   \
        return argument;                                                          \
    }                                                                             \
    static int32_t harm_start(void *instance, poise_text *why) {                  \
        (void)instance, (void)why;                                                \
        set_moment();                                                             \
        pthread_t thread;                                                         \
        return pthread_create(&thread, NULL, harm_thread, NULL) == 0              \
                   ? POISE_DONE : POISE_ENVIRONMENT;                              \
    }                                                                             \
    PLUGIN(.start = harm_start, .stop = plain_stop, .sample = plain_sample, __VA_ARGS__)

#endif
