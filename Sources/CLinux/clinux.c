#define _GNU_SOURCE
#include "poise_linux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
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

int poise_kernel_events(int32_t buffer_bytes) {
    const int kind = SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, on = 1;
    int kernel = socket(AF_NETLINK, kind, NETLINK_KOBJECT_UEVENT);
    if (kernel < 0) return -errno;
    // Group 1 is what the kernel says, group 2 what udev makes of it.
    const struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = 1};
    int failed = setsockopt(kernel, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) < 0;
    if (!failed && buffer_bytes > 0)
        failed = setsockopt(kernel, SOL_SOCKET, SO_RCVBUF, &buffer_bytes, sizeof buffer_bytes) < 0;
    if (!failed) failed = bind(kernel, (const struct sockaddr *)&address, sizeof address) < 0;
    if (!failed) return kernel;
    int error = errno;
    close(kernel);
    return -error;
}

int poise_receive_kernel_event(
    int32_t socket, uint8_t *bytes, uint32_t room, int32_t *is_kernels) {
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(struct ucred))];
    } control = {0};
    struct sockaddr_nl from = {0};
    struct iovec part = {.iov_base = bytes, .iov_len = room};
    struct msghdr message = {
        .msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &part, .msg_iovlen = 1,
        .msg_control = &control, .msg_controllen = sizeof control,
    };
    *is_kernels = 0;
    ssize_t size = recvmsg(socket, &message, 0);
    if (size < 0) return -errno;
    if (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) return 0;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (!header || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_CREDENTIALS)
        return (int)size;
    struct ucred who;
    memcpy(&who, CMSG_DATA(header), sizeof who);
    // A process may send to this group too, with an address and a number of its own.
    *is_kernels = from.nl_pid == 0 && from.nl_groups == 1 && who.pid == 0;
    return (int)size;
}

int poise_pipe(int32_t descriptors[2]) { return value_or_errno(pipe2(descriptors, O_CLOEXEC)); }
