// One measurement of one peer of `poise bench bus`: bus-peers NAME MODE BYTES MESSAGES BATCH CPU CPU
// MODE is stream or trip. Prints `nanoseconds N` and, for trips, `p50 N` and `p99 N`.
// bus-peers list prints the names of those that were built, and 1 when they have a batched form.
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "peers.h"

#define EACH(X) PEERS(X)
#define DECLARE(NAME) extern const struct peer peer_##NAME;
#define ADDRESS(NAME) &peer_##NAME,
EACH(DECLARE)
static const struct peer *const all[] = {EACH(ADDRESS)};
enum { COUNT = sizeof all / sizeof *all };

void *shared_memory(size_t bytes) {
    int flags = MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE;
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

static int fail(const char *what, const char *name) {
    fprintf(stderr, "bus-peers: %s failed on %s: ", what, name);
    perror("");
    return 1;
}

static int pin(int cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)cpu, &set);
    return sched_setaffinity(0, sizeof set, &set);
}

static int by_value(const void *left, const void *right) {
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

// The second process: receives in direction 0, sends in direction 1.
static void second(const struct peer *peer, const struct run *run, struct end ends[2], int trips) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (pin(run->cpus[1]) != 0 || (peer->attach != NULL && peer->attach(run, ends, 1) != 0))
        _exit(fail("opening", peer->name));
    atomic_store(&run->shared->ready, 1);
    if (trips) {
        peer->pong(run, &ends[0], &ends[1]);
        // ZeroMQ sends in a thread of its own, which must not end before the last answer.
        while (atomic_load(&run->shared->ended) == 0) usleep(100);
    } else {
        peer->consume(run, &ends[0]);
    }
    _exit(0);
}

static int measure(const struct peer *peer, struct run *run, int trips) {
    struct end *ends = shared_memory(2 * sizeof *ends);
    run->shared = shared_memory(sizeof *run->shared);
    if (ends == NULL || run->shared == NULL) return fail("mmap", "shared memory");
    ends[0].bytes = ends[1].bytes = run->bytes;
    if (trips && (run->times = calloc(run->messages, sizeof *run->times)) == NULL)
        return fail("calloc", "times");
    if (peer->open(run, ends) != 0) return fail("opening", peer->name);
    pid_t child = fork();
    if (child < 0) return fail("fork", peer->name);
    // Each process has its own copy of what is not shared.
    struct end own[2] = {ends[0], ends[1]};
    if (child == 0) second(peer, run, own, trips);
    if (pin(run->cpus[0]) != 0 || (peer->attach != NULL && peer->attach(run, own, 0) != 0))
        return fail("opening", peer->name);
    while (atomic_load(&run->shared->ready) == 0)
        if (waitpid(child, NULL, WNOHANG) != 0) return fail("starting", peer->name);
    if (trips)
        peer->ping(run, &own[0], &own[1]);
    else
        peer->produce(run, &own[0]);
    int status = 0;
    if (waitpid(child, &status, 0) != child || status != 0) return fail("running", peer->name);
    if (run->shared->wrong != 0) {
        fprintf(stderr, "bus-peers: %s gave a wrong message for number %llu\n", peer->name,
                (unsigned long long)run->shared->wrong - 1);
        return 1;
    }
    printf("nanoseconds %llu\n", (unsigned long long)(run->shared->ended - run->shared->started));
    if (trips) {
        qsort(run->times, run->messages, sizeof *run->times, by_value);
        printf("p50 %u\np99 %u\n", run->times[run->messages / 2],
               run->times[run->messages * 99 / 100]);
    }
    return 0;
}

int main(int count, char **words) {
    if (count == 2 && strcmp(words[1], "list") == 0) {
        for (int index = 0; index < COUNT; index++)
            printf("%s %d %s\n", all[index]->name, all[index]->batches, all[index]->what);
        return 0;
    }
    if (count != 8) {
        fputs("usage: bus-peers list | NAME stream|trip BYTES MESSAGES BATCH CPU CPU\n", stderr);
        return 2;
    }
    struct run run = {.bytes = strtoul(words[3], NULL, 10),
                      .messages = strtoull(words[4], NULL, 10),
                      .batch = strtoul(words[5], NULL, 10),
                      .cpus = {atoi(words[6]), atoi(words[7])}};
    int isGood = run.bytes >= 16 && run.bytes <= MOST_BYTES && run.messages > 0;
    for (int index = 0; isGood && index < COUNT; index++) {
        if (strcmp(all[index]->name, words[1]) != 0) continue;
        char folder[] = "/tmp/poise-bus-peers.XXXXXX";
        if ((run.folder = mkdtemp(folder)) == NULL) return fail("mkdtemp", folder);
        int code = measure(all[index], &run, strcmp(words[2], "trip") == 0);
        for (int number = 0; number < 2; number++) {
            char path[64];
            snprintf(path, sizeof path, "%s/queue-%d", folder, number);
            unlink(path);
        }
        rmdir(folder);
        return code;
    }
    fprintf(stderr, "bus-peers: there is no peer %s of that kind\n", words[1]);
    return 2;
}
