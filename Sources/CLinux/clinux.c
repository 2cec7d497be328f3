#define _GNU_SOURCE
#include "poise_linux.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif
#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS 59
#endif

static int value_or_errno(long value) { return value < 0 ? -errno : (int)value; }

int poise_get_affinity(int32_t thread, uint64_t *words, uint32_t count) {
    // The system call itself tells how many bytes it wrote, which the library's function hides.
    long bytes = syscall(SYS_sched_getaffinity, thread, (size_t)count * sizeof *words, words);
    return bytes < 0 ? -errno : (int)((size_t)bytes / sizeof *words);
}

int poise_set_affinity(int32_t thread, const uint64_t *words, uint32_t count) {
    return value_or_errno(
        syscall(SYS_sched_setaffinity, thread, (size_t)count * sizeof *words, words));
}

int poise_get_nice(int32_t thread, int32_t *nice) {
    errno = 0;
    int value = getpriority(PRIO_PROCESS, (id_t)thread);
    if (value == -1 && errno != 0) return -errno;
    *nice = value;
    return 0;
}

int poise_set_nice(int32_t thread, int32_t nice) {
    return value_or_errno(setpriority(PRIO_PROCESS, (id_t)thread, nice));
}

int poise_get_scheduling(int32_t thread) { return value_or_errno(sched_getscheduler(thread)); }

int poise_set_scheduling(int32_t thread, int32_t policy) {
    const struct sched_param none = {0};
    return value_or_errno(sched_setscheduler(thread, policy, &none));
}

int poise_thread_number(void) { return gettid(); }

int poise_get_limit(int32_t process, struct poise_limit *limit) {
    struct rlimit now;
    if (prlimit(process, (enum __rlimit_resource)limit->resource, NULL, &now) < 0) return -errno;
    limit->soft = now.rlim_cur;
    limit->hard = now.rlim_max;
    return 0;
}

int poise_set_limit(int32_t process, const struct poise_limit *limit) {
    const struct rlimit wanted = {.rlim_cur = limit->soft, .rlim_max = limit->hard};
    return value_or_errno(
        prlimit(process, (enum __rlimit_resource)limit->resource, &wanted, NULL));
}

int poise_become_subreaper(void) { return value_or_errno(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)); }

int poise_pidfd_open(int32_t process) {
    return value_or_errno(syscall(SYS_pidfd_open, process, 0));
}

int poise_pidfd_send_signal(int32_t pidfd, int32_t number) {
    return value_or_errno(syscall(SYS_pidfd_send_signal, pidfd, number, NULL, 0));
}

static int reap(idtype_t kind, id_t which, struct poise_exit *end) {
    siginfo_t news = {0};
    if (waitid(kind, which, &news, WEXITED | WNOHANG) < 0) return -errno;
    if (news.si_pid == 0) return 0;
    end->process = news.si_pid;
    end->status = news.si_status;
    end->by_signal = news.si_code != CLD_EXITED;
    end->core_dumped = news.si_code == CLD_DUMPED;
    return 1;
}

int poise_reap_pidfd(int32_t pidfd, struct poise_exit *end) {
    return reap((idtype_t)P_PIDFD, (id_t)pidfd, end);
}

int poise_reap_process(int32_t process, struct poise_exit *end) {
    return reap(P_PID, (id_t)process, end);
}

char *const *poise_environment(void) { return environ; }

int poise_accept(int32_t listener) {
    return value_or_errno(accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC));
}

int poise_peer_of(int32_t socket, struct poise_peer *peer) {
    struct ucred who;
    socklen_t size = sizeof who;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &who, &size) < 0) return -errno;
    *peer = (struct poise_peer){.process = who.pid, .user = who.uid, .group = who.gid};
    return 0;
}

int poise_peer_groups(int32_t socket, uint32_t *groups, uint32_t room) {
    socklen_t size = (socklen_t)(room * sizeof *groups);
    if (getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups, &size) < 0) return -errno;
    return (int)(size / sizeof *groups);
}

int poise_pipe(int32_t descriptors[2]) { return value_or_errno(pipe2(descriptors, O_CLOEXEC)); }
