// System calls, macros and variadics of Linux that Swift cannot see.
//
// The Glibc module is built without _GNU_SOURCE, and so is whatever this header includes; the .c
// files define it. Every function returns a value of zero or more, or -errno, and leaves no state.
#pragma once

#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

// Threads. A thread of 0 is the calling one.

// Reads the CPU mask of a thread into `words` (CPU 64 * i + b is bit b of words[i]) and gives the
// number of words that the kernel wrote. `count` must cover all CPUs of the kernel (128 always do).
// Not in Swift: sched_getaffinity and cpu_set_t need _GNU_SOURCE; CPU_SET is a macro.
int poise_get_affinity(int32_t thread, uint64_t *words, uint32_t count);

// Sets the CPU mask of a thread. 0 or -errno. Not in Swift: as above.
int poise_set_affinity(int32_t thread, const uint64_t *words, uint32_t count);

// Reads the nice value of a thread into `nice`. 0 or -errno.
// Not in Swift: -1 is a value as well as an error, so errno must be cleared and read at once.
int poise_get_nice(int32_t thread, int32_t *nice);

// Sets the nice value of a thread. 0 or -errno. Not in Swift: the type of PRIO_PROCESS differs
// between C and C++ headers.
int poise_set_nice(int32_t thread, int32_t nice);

// Scheduling policies without a static priority. Not in Swift: two of them need _GNU_SOURCE.
enum {
    POISE_SCHED_OTHER = 0,
    POISE_SCHED_BATCH = 3,
    POISE_SCHED_IDLE = 5,
    POISE_SCHED_RESET_ON_FORK = 0x40000000,
};

// Gives the scheduling policy of a thread (with POISE_SCHED_RESET_ON_FORK where it is set).
int poise_get_scheduling(int32_t thread);

// Sets a scheduling policy without a static priority. 0 or -errno.
int poise_set_scheduling(int32_t thread, int32_t policy);

// The calling thread's number. Not in Swift: gettid needs _GNU_SOURCE.
int poise_thread_number(void);

// Processes.

// A resource limit; UINT64_MAX is no limit.
struct poise_limit {
    int32_t resource;
    uint32_t reserved;
    uint64_t soft;
    uint64_t hard;
};

// Reads the limit named in `limit->resource` of a process into `limit`. 0 or -errno.
// Not in Swift: prlimit needs _GNU_SOURCE.
int poise_get_limit(int32_t process, struct poise_limit *limit);

// Sets a limit of a process. 0 or -errno. Not in Swift: as above.
int poise_set_limit(int32_t process, const struct poise_limit *limit);

// Makes this process the parent of what its descendants leave behind. 0 or -errno.
// Not in Swift: prctl is variadic.
int poise_become_subreaper(void);

// Gives a descriptor of a process. Not in Swift: pidfd_open needs a newer libc than Debian 12's.
int poise_pidfd_open(int32_t process);

// Sends a signal to the process behind a descriptor. 0 or -errno. Not in Swift: as above.
int poise_pidfd_send_signal(int32_t pidfd, int32_t number);

// How a process ended.
struct poise_exit {
    int32_t process;
    // The exit code, or the number of the signal.
    int32_t status;
    uint8_t by_signal;
    uint8_t core_dumped;
};

// Takes the exit of a child without waiting: 1 and `*end`, 0 when it still runs, or -errno.
// Not in Swift: P_PIDFD needs _GNU_SOURCE, and siginfo_t's fields are macros.
int poise_reap_pidfd(int32_t pidfd, struct poise_exit *end);
int poise_reap_process(int32_t process, struct poise_exit *end);

// The environment of this process. Not in Swift: `environ` is shared mutable state there.
char *const *poise_environment(void);

// Starting a process.

// In the order in which they are done: what needs rights before they are given up, and what is
// lost or judged by the new rights after that.
enum poise_step {
    POISE_STEP_CLONE,
    POISE_STEP_SESSION,
    POISE_STEP_CPUS,
    POISE_STEP_SCHEDULING,
    POISE_STEP_NICE,
    POISE_STEP_DESCRIPTORS,
    POISE_STEP_LIMITS,
    POISE_STEP_OOM_SCORE,
    POISE_STEP_BOUNDING_SET,
    POISE_STEP_GROUPS,
    POISE_STEP_GROUP,
    POISE_STEP_USER,
    POISE_STEP_NO_NEW_PRIVILEGES,
    POISE_STEP_PARENT_DEATH,
    POISE_STEP_FOLDER,
    POISE_STEP_SIGNALS,
    POISE_STEP_EXEC,
};

enum { POISE_DESCRIPTORS_MOST = 320 };

// `ours` of this process becomes `theirs` of the child.
struct poise_descriptor {
    int32_t theirs;
    int32_t ours;
};

struct poise_spawn_request {
    const char *program;
    char *const *arguments;
    char *const *environment;
    // NULL: this process's.
    const char *folder;
    const struct poise_descriptor *descriptors;
    const struct poise_limit *limits;
    // NULL: this thread's.
    const uint64_t *cpus;
    // The groups beside `group`; only with `has_user`.
    const uint32_t *groups;
    uint32_t group_count;
    uint32_t user;
    uint32_t group;
    uint32_t descriptor_count;
    uint32_t limit_count;
    uint32_t cpu_words;
    // INT32_MIN: as this thread.
    int32_t nice;
    // -1: as this thread.
    int32_t scheduling;
    // 0: none.
    int32_t parent_death_signal;
    // A folder of cgroup v2 to start in, or -1.
    int32_t cgroup;
    // -1000 to 1000; INT32_MIN: as this process.
    int32_t oom_score_adjust;
    uint8_t new_session;
    // Becomes `user`, `group` and `groups`.
    uint8_t has_user;
    // Neither it nor what it starts ever gains rights from a program's file.
    uint8_t no_new_privileges;
    // No program that it starts has a capability, not even as root.
    uint8_t no_capabilities;
    // Goes the way that is otherwise taken only where the kernel has no clone3.
    uint8_t by_fork;
};

struct poise_spawned {
    int32_t process;
    int32_t pidfd;
    // Where it failed (enum poise_step).
    uint32_t step;
    // Bit n: step n was refused for want of privilege, and the child runs without it (nice value,
    // scheduling policy, OOM score and bounding set only).
    uint32_t refused;
};

// Starts a process: 0 and `*spawned`, or -errno with `spawned->step` telling which step failed; an
// error of execve comes back like any other. Every descriptor that is not listed is closed, no
// signal is blocked, ignored or handled in the child. Must be called from a thread that lives as
// long as the child when a parent-death signal is asked for: the signal comes when the *thread* ends.
//
// By clone3 with CLONE_VM | CLONE_VFORK | CLONE_PIDFD | CLONE_CLEAR_SIGHAND, so that the price does
// not depend on this process's size and the error needs no pipe. Where clone3 is not to be had
// (ENOSYS: an old kernel, or the seccomp filter of a container) by fork, pidfd_open and a pipe.
// Not in Swift: the child runs in this process's memory and must touch nothing of Swift's runtime.
int poise_spawn(const struct poise_spawn_request *request, struct poise_spawned *spawned);

// Sockets and pipes.

// Accepts a connection; the new descriptor is non-blocking and closed on exec.
// Not in Swift: accept4 needs _GNU_SOURCE.
int poise_accept(int32_t listener);

// Who is at the other end of a UNIX socket.
struct poise_peer {
    int32_t process;
    uint32_t user;
    uint32_t group;
};

// Reads who connected. 0 or -errno. Not in Swift: struct ucred needs _GNU_SOURCE.
int poise_peer_of(int32_t socket, struct poise_peer *peer);

// Reads the supplementary groups of who connected and gives their number; -ERANGE when there are
// more than `room`. Not in Swift: SO_PEERGROUPS is in no header of Debian 12's libc for it.
int poise_peer_groups(int32_t socket, uint32_t *groups, uint32_t room);

// A socket that hears the kernel's device events, non-blocking and closed on exec; it keeps
// `buffer_bytes` of them, or the usual number for 0. Not in Swift: struct sockaddr_nl is in no module.
int poise_kernel_events(int32_t buffer_bytes);

// Takes one message and gives its length, 0 for one that is longer than `room`; `*is_kernels` says
// whether the kernel sent it. -EAGAIN when there is none, -ENOBUFS once when some were lost.
// Not in Swift: the CMSG macros, struct ucred.
int poise_receive_kernel_event(
    int32_t socket, uint8_t *bytes, uint32_t room, int32_t *is_kernels);

// Makes a pipe, closed on exec: descriptors[0] is read from. 0 or -errno.
// Not in Swift: pipe2 needs _GNU_SOURCE.
int poise_pipe(int32_t descriptors[2]);
