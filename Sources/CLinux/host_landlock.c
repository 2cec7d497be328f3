// Landlock, by its system calls: the C library has no functions for them.
#define _GNU_SOURCE
#include "poise_host_linux.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

// The same on all architectures.
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif

// As the kernel has it from version 6 on; older ones take the beginning.
struct rules {
    uint64_t files;
    uint64_t network;
    uint64_t scoped;
};

struct path_rule {
    uint64_t rights;
    int32_t place;
} __attribute__((packed));

enum { VERSION = 1, PATH_RULE = 1, ABSTRACT_SOCKETS = 1 << 0, SIGNALS = 1 << 1 };

static int32_t value_or_errno(long value) { return value < 0 ? -errno : (int32_t)value; }

int32_t poise_landlock_version(void) {
    return value_or_errno(syscall(SYS_landlock_create_ruleset, NULL, (size_t)0, VERSION));
}

int32_t poise_landlock_rules(uint64_t rights, int32_t scoped) {
    const struct rules rules = {
        .files = rights, .scoped = scoped ? ABSTRACT_SOCKETS | SIGNALS : 0};
    size_t size = scoped ? sizeof rules : offsetof(struct rules, network);
    return value_or_errno(syscall(SYS_landlock_create_ruleset, &rules, size, 0));
}

int32_t poise_landlock_allow(int32_t rules, int32_t place, uint64_t rights) {
    const struct path_rule rule = {.rights = rights, .place = place};
    return value_or_errno(syscall(SYS_landlock_add_rule, rules, PATH_RULE, &rule, 0));
}

int32_t poise_landlock_enter(int32_t rules) {
    return value_or_errno(syscall(SYS_landlock_restrict_self, rules, 0));
}

int32_t poise_host_name(const char *path) {
    return value_or_errno(open(path, O_PATH | O_CLOEXEC | O_NOFOLLOW));
}
