#pragma once
#include <stdint.h>

// What poise-host and the worker pools of plugins need beside poise_linux.h. Functions that can fail
// return zero or more, or -errno.

// Starts a detached thread called `name` (at most 15 bytes of it are kept) that runs
// body(context). pthread_create(3), pthread_setname_np(3).
int32_t poise_host_thread(const char *name, void (*body)(void *), void *context);

// The CPU the calling thread runs on now. sched_getcpu(3).
int32_t poise_host_cpu(void);

// No program that this process or its children start gains rights. prctl(2), PR_SET_NO_NEW_PRIVS.
int32_t poise_host_no_new_privileges(void);

// Nobody else of this user may look into this process, and it leaves no core. prctl(2),
// PR_SET_DUMPABLE.
int32_t poise_host_not_dumpable(void);

// Which version of Landlock the kernel has, or -ENOSYS, or -EOPNOTSUPP when it is switched off.
// landlock_create_ruleset(2).
int32_t poise_landlock_version(void);

// Rights to files, as in linux/landlock.h; written out because Debian 12's header ends with REFER.
enum {
    POISE_FILE_EXECUTE = 1 << 0,
    POISE_FILE_WRITE = 1 << 1,
    POISE_FILE_READ = 1 << 2,
    POISE_FOLDER_READ = 1 << 3,
    POISE_FOLDER_REMOVE_FOLDER = 1 << 4,
    POISE_FOLDER_REMOVE_FILE = 1 << 5,
    POISE_FOLDER_MAKE_CHARACTER_DEVICE = 1 << 6,
    POISE_FOLDER_MAKE_FOLDER = 1 << 7,
    POISE_FOLDER_MAKE_FILE = 1 << 8,
    POISE_FOLDER_MAKE_SOCKET = 1 << 9,
    POISE_FOLDER_MAKE_PIPE = 1 << 10,
    POISE_FOLDER_MAKE_BLOCK_DEVICE = 1 << 11,
    POISE_FOLDER_MAKE_LINK = 1 << 12,
    // From version 2 on.
    POISE_FOLDER_MOVE = 1 << 13,
    // From version 3 on.
    POISE_FILE_TRUNCATE = 1 << 14,
    // From version 5 on.
    POISE_DEVICE_CONTROL = 1 << 15,
};

// A set of rules, closed on exec: what it names of `rights` is refused where no rule allows it.
// `scoped` keeps abstract sockets and signals inside; from version 6 on.
int32_t poise_landlock_rules(uint64_t rights, int32_t scoped);

// Allows `rights` on the file or in the folder `place` and all below. landlock_add_rule(2).
int32_t poise_landlock_allow(int32_t rules, int32_t place, uint64_t rights);

// From now on the rules hold for the calling thread and all that it starts.
// landlock_restrict_self(2).
int32_t poise_landlock_enter(int32_t rules);

// Opens a file or folder for nothing but naming it, not following a link. open(2), O_PATH.
int32_t poise_host_name(const char *path);

// A descriptor that becomes readable on SIGTERM and SIGINT, which are blocked in the calling
// thread and all that it starts; SIGPIPE is ignored. signalfd(2).
int32_t poise_host_signals(void);

// A counter to wake another thread by; `blocking` says whether a read waits. eventfd(2).
int32_t poise_host_doorbell(int32_t blocking);

// Makes standard output and standard error give out whole lines at once. setvbuf(3).
void poise_host_line_buffering(void);

// Opens a library for good: RTLD_NOW, RTLD_LOCAL, RTLD_NODELETE. Null when that fails; the text
// is then in dlerror(3).
void *poise_host_open_library(const char *path);

// Removes a folder with all that is in it, not following links. nftw(3).
int32_t poise_host_remove_folder(const char *path);

// Gives memory that the process has freed back to the kernel. malloc_trim(3).
void poise_host_trim(void);
