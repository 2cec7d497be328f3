// A well-behaved plugin under load, for a bad one to harm. A piece of work of fixed size is due
// every "period" microseconds, whether the one before is done or not (open loop), and its latency
// is counted from when it was due until it was done.
//
// Ten times a second it adds a line to `latencies` in its state folder: the time on the monotonic
// clock in nanoseconds, the first and the last number of the pieces done since the line before, and
// their latencies as BUCKET:COUNT. Bucket 64 * e + s is from (64 + s) * 2^(e - 6) nanoseconds.
//
// With "sends" it also sends the numbers from 0 on the topic `between`, each until it has gone, and
// with 2 something on the topic `harm` as well. With "receives" it reads all that comes, and adds a
// line to `between` at the same times: the time, how many numbers came, how many were not the next.
#include "harm.h"

enum { BUCKETS = 64 * 42, WINDOWS = 10 };

static uint32_t counts[BUCKETS];
static uint64_t done, told;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_int is_stopping;
static pthread_t worker, writer, bus;
// Numbers that came by the bus, and how many of them were not the next.
static _Atomic uint64_t came, wrong;
// What was told in the last second, for sample.
static uint32_t recent[WINDOWS][BUCKETS];
static unsigned window;

static unsigned bucket_of(uint64_t nanoseconds) {
    if (nanoseconds < 64) nanoseconds = 64;
    unsigned e = 63 - (unsigned)__builtin_clzll(nanoseconds);
    unsigned bucket = e * 64 + (unsigned)((nanoseconds >> (e - 6)) & 63);
    return bucket < BUCKETS ? bucket : BUCKETS - 1;
}

static double seconds_of(unsigned bucket) {
    return (double)(64 + bucket % 64) * (double)(1ull << bucket / 64) / 64e9;
}

static uint64_t piece(long turns, uint64_t value) {
    for (long i = 0; i < turns; i++) {
        value ^= value << 13;
        value ^= value >> 7;
        value ^= value << 17;
    }
    return value;
}

static void *work(void *argument) {
    const int64_t period = number_of("period", 1000) * 1000;
    const long turns = number_of("work", 20000);
    volatile uint64_t value = 1;
    int64_t due = now_ns(CLOCK_MONOTONIC);
    while (!is_stopping) {
        due += period;
        const struct timespec until = {due / 1000000000, due % 1000000000};
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
        value = piece(turns, value);
        const unsigned bucket = bucket_of((uint64_t)(now_ns(CLOCK_MONOTONIC) - due));
        pthread_mutex_lock(&lock);
        counts[bucket]++;
        done++;
        pthread_mutex_unlock(&lock);
    }
    return argument;
}

static void tell(int file) {
    static char line[BUCKETS * 12];
    static uint32_t taken[BUCKETS];
    pthread_mutex_lock(&lock);
    memcpy(taken, counts, sizeof taken);
    memset(counts, 0, sizeof counts);
    const uint64_t first = told, last = done;
    told = done;
    window = (window + 1) % WINDOWS;
    memcpy(recent[window], taken, sizeof taken);
    pthread_mutex_unlock(&lock);
    int length = snprintf(line, sizeof line, "%lld %llu %llu", (long long)now_ns(CLOCK_MONOTONIC),
                          (unsigned long long)first + 1, (unsigned long long)last);
    for (unsigned i = 0; i < BUCKETS; i++)
        if (taken[i]) length += sprintf(line + length, " %u:%u", i, taken[i]);
    line[length++] = '\n';
    ssize_t written = write(file, line, (size_t)length);
    (void)written;
}

static void tell_between(void) {
    char line[96];
    snprintf(line, sizeof line, "%lld %llu %llu\n", (long long)now_ns(CLOCK_MONOTONIC),
             (unsigned long long)came, (unsigned long long)wrong);
    add_line("between", line);
}

static void *write_lines(void *argument) {
    char path[600];
    snprintf(path, sizeof path, "%s/latencies", state_folder);
    int file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (file < 0) return argument;
    while (!is_stopping) {
        usleep(100000);
        tell(file);
        if (number_of("receives", 0)) tell_between();
    }
    close(file);
    return argument;
}

static int send_one(uint32_t topic, uint64_t number, uint64_t length) {
    poise_outgoing message = {
        .size = sizeof message, .topic = topic, .priority = POISE_NORMAL, .length = length};
    if (host->bus_reserve(host->context, &message) != POISE_BUS_DONE) return 0;
    memset(message.bytes, (int)number, length);
    memcpy(message.bytes, &number, sizeof number);
    return host->bus_commit(host->context, &message) == POISE_BUS_DONE;
}

static void *talk(void *argument) {
    const uint32_t between = host->bus_topic(host->context, "between");
    const uint32_t harm = host->bus_topic(host->context, "harm");
    const int does_both = number_of("sends", 0) > 1;
    for (uint64_t number = 0; !is_stopping;) {
        // Whether somebody takes this one is not its business.
        if (does_both) send_one(harm, number, sizeof number + number % 200);
        if (send_one(between, number, sizeof number)) number++;
        usleep(1000);
    }
    return argument;
}

static void *listen_on(void *argument) {
    const uint32_t between = host->bus_topic(host->context, "between");
    volatile uint8_t sum = 0;
    while (!is_stopping) {
        poise_message message = {.size = sizeof message};
        if (host->bus_receive(host->context, &message, 100000000) != POISE_BUS_DONE) continue;
        // All that it is given can be read, whoever it is from.
        for (uint64_t i = 0; i < message.length; i++) sum += ((const uint8_t *)message.bytes)[i];
        if (message.topic == between && !strcmp(message.from, "own")) {
            uint64_t number = 0;
            memcpy(&number, message.bytes,
                   message.length < sizeof number ? message.length : sizeof number);
            if (number != came || message.length != sizeof number) wrong++;
            came++;
        }
        host->bus_done(host->context);
    }
    return argument;
}

static int is_on_bus(void) { return number_of("sends", 0) > 0 || number_of("receives", 0) > 0; }

static int start_on_bus(void) {
    if (!is_on_bus()) return 1;
    if (!POISE_HOST_HAS(host, bus_await)) return 0;
    return pthread_create(&bus, NULL, number_of("sends", 0) ? talk : listen_on, NULL) == 0;
}

static int32_t start(void *instance, poise_text *why) {
    (void)instance;
    add_line("starts", "started\n");
    if (pthread_create(&worker, NULL, work, NULL) != 0 ||
        pthread_create(&writer, NULL, write_lines, NULL) != 0 || !start_on_bus()) {
        snprintf(why->bytes, why->capacity, "no thread was to be had");
        return POISE_ENVIRONMENT;
    }
    return POISE_DONE;
}

static void stop(void *instance) {
    (void)instance;
    is_stopping = 1;
    pthread_join(worker, NULL);
    pthread_join(writer, NULL);
    if (is_on_bus()) {
        host->bus_wake(host->context);
        pthread_join(bus, NULL);
    }
    add_line("starts", "stopped\n");
}

static void sample(void *instance, poise_report *report) {
    (void)instance;
    uint64_t all = 0, seen = 0;
    pthread_mutex_lock(&lock);
    for (unsigned w = 0; w < WINDOWS; w++)
        for (unsigned i = 0; i < BUCKETS; i++) all += recent[w][i];
    for (unsigned i = 0; i < BUCKETS && seen * 100 < all * 99; i++) {
        const uint64_t before = seen;
        for (unsigned w = 0; w < WINDOWS; w++) seen += recent[w][i];
        if (before * 2 < all && seen * 2 >= all) report->latency_p50_seconds = seconds_of(i);
        if (before * 100 < all * 99 && seen * 100 >= all * 99)
            report->latency_p99_seconds = seconds_of(i);
    }
    pthread_mutex_unlock(&lock);
    report->throughput_per_second = (double)all;
    report->errors = 0;
}

static int32_t healthy(void *instance, poise_text *why) {
    static uint64_t before;
    (void)instance;
    pthread_mutex_lock(&lock);
    const int has_moved = done != before || done == 0;
    before = done;
    pthread_mutex_unlock(&lock);
    if (has_moved) return POISE_GOOD;
    snprintf(why->bytes, why->capacity, "no piece of work was done since the last question");
    return POISE_DEGRADED;
}

PLUGIN(.start = start, .stop = stop, .sample = sample, .healthy = healthy)
