#define _GNU_SOURCE
#include "poise_syscall_count.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static _Atomic uint64_t calls;
static _Atomic int listener = -1;

static void *count(void *unused) {
    (void)unused;
    int descriptor;
    while ((descriptor = atomic_load(&listener)) == -1) sched_yield();
    while (descriptor >= 0) {
        struct seccomp_notif call = {0};
        if (ioctl(descriptor, SECCOMP_IOCTL_NOTIF_RECV, &call) != 0) {
            if (errno == EINTR || errno == ENOENT) continue;
            break;
        }
        atomic_fetch_add(&calls, 1);
        struct seccomp_notif_resp answer = {.id = call.id,
                                            .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
        ioctl(descriptor, SECCOMP_IOCTL_NOTIF_SEND, &answer);
    }
    return NULL;
}

int poise_count_system_calls(void) {
    struct sock_filter steps[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF)};
    struct sock_fprog program = {.len = 1, .filter = steps};
    pthread_t thread;
    // The thread begins before the filter, which would hold it too.
    int code = pthread_create(&thread, NULL, count, NULL);
    if (code != 0) return -code;
    pthread_detach(thread);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        code = errno;
        atomic_store(&listener, -2);
        return -code;
    }
    long descriptor = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                              SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
    if (descriptor < 0) {
        code = errno;
        atomic_store(&listener, -2);
        return -code;
    }
    atomic_store(&listener, (int)descriptor);
    return 0;
}

uint64_t poise_system_calls(void) { return atomic_load(&calls); }
