// Starting a process; see poise_spawn in the header.
//
// The child shares this process's memory while the calling thread waits for its execve, as after
// vfork. It runs on a stack of its own, so that nothing of the caller's frame can be overwritten,
// and only makes system calls; errno is the one thing of the library that it writes.
#define _GNU_SOURCE
#include "poise_linux.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif

enum { CHILD_STACK_BYTES = 32 * 1024 };

// What a child reports: where it is, and why it goes no further.
struct report {
    uint32_t step;
    uint32_t refused;
    int32_t error;
};

struct spawning {
    const struct poise_spawn_request *request;
    pid_t parent;
    // Where a forked child writes its report to; -1 when the memory is shared.
    int pipe;
    struct report report;
};

// Refusals of what only a privileged process may have are noted, and the child goes on without.
static int noted(struct spawning *s, int result) {
    if (result >= 0) return 0;
    if (result != -EPERM && result != -EACCES) return -result;
    s->report.refused |= 1U << s->report.step;
    return 0;
}

static int set_scheduling(struct spawning *s) {
    const struct poise_spawn_request *r = s->request;
    s->report.step = POISE_STEP_SCHEDULING;
    if (r->scheduling >= 0 && poise_get_scheduling(0) != r->scheduling) {
        int error = noted(s, poise_set_scheduling(0, r->scheduling));
        if (error) return error;
    }
    s->report.step = POISE_STEP_NICE;
    int32_t nice = 0;
    if (r->nice == INT32_MIN || (poise_get_nice(0, &nice) == 0 && nice == r->nice)) return 0;
    return noted(s, poise_set_nice(0, r->nice));
}

static void close_all_on_exec(void) {
    if (syscall(SYS_close_range, 0U, ~0U, CLOSE_RANGE_CLOEXEC) == 0) return;
    // Kernels before 5.11, and filters that do not know the call.
    long most = sysconf(_SC_OPEN_MAX);
    for (int descriptor = 0; descriptor < (most > 0 ? most : 65536); descriptor++)
        fcntl(descriptor, F_SETFD, FD_CLOEXEC);
}

static int place_descriptors(struct spawning *s) {
    const struct poise_spawn_request *r = s->request;
    s->report.step = POISE_STEP_DESCRIPTORS;
    int highest = s->pipe;
    for (uint32_t i = 0; i < r->descriptor_count; i++)
        if (r->descriptors[i].theirs > highest) highest = r->descriptors[i].theirs;
    // Copies above every number that is asked for: one may be a source and another's target.
    int copies[POISE_DESCRIPTORS_MOST];
    for (uint32_t i = 0; i < r->descriptor_count; i++) {
        copies[i] = fcntl(r->descriptors[i].ours, F_DUPFD_CLOEXEC, highest + 1);
        if (copies[i] < 0) return errno;
    }
    if (s->pipe >= 0) {
        s->pipe = fcntl(s->pipe, F_DUPFD_CLOEXEC, highest + 1);
        if (s->pipe < 0) return errno;
    }
    close_all_on_exec();
    for (uint32_t i = 0; i < r->descriptor_count; i++)
        if (dup2(copies[i], r->descriptors[i].theirs) < 0) return errno;
    return 0;
}

static int set_limits(struct spawning *s) {
    const struct poise_spawn_request *r = s->request;
    s->report.step = POISE_STEP_LIMITS;
    for (uint32_t i = 0; i < r->limit_count; i++) {
        int result = poise_set_limit(0, &r->limits[i]);
        if (result < 0) return -result;
    }
    return 0;
}

// The kernel keeps it apart from the parent's although the memory is shared: that is so after vfork.
static int set_oom_score(struct spawning *s) {
    int value = s->request->oom_score_adjust;
    s->report.step = POISE_STEP_OOM_SCORE;
    if (value == INT32_MIN) return 0;
    char text[8];
    size_t size = sizeof text;
    unsigned rest = value < 0 ? -(unsigned)value : (unsigned)value;
    for (; size == sizeof text || (rest > 0 && size > 1); rest /= 10)
        text[--size] = (char)('0' + rest % 10);
    if (value < 0) text[--size] = '-';
    int file = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    int error = file < 0 || write(file, text + size, sizeof text - size) < 0 ? errno : 0;
    if (file >= 0) close(file);
    return noted(s, -error);
}

// Root without a bounding set gets no capability from any execve.
static int drop_bounding_set(struct spawning *s) {
    s->report.step = POISE_STEP_BOUNDING_SET;
    if (!s->request->no_capabilities) return 0;
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 && errno != EINVAL)
        return errno;
    for (unsigned long capability = 0; capability < 64; capability++) {
        int is_there = prctl(PR_CAPBSET_READ, capability, 0, 0, 0);
        if (is_there < 0) break;
        if (is_there > 0 && prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0)
            return noted(s, -errno);
    }
    return 0;
}

// By the calls themselves: the library's functions would have all threads of the parent follow.
static int become_user(struct spawning *s) {
    const struct poise_spawn_request *r = s->request;
    if (!r->has_user) return 0;
    s->report.step = POISE_STEP_GROUPS;
    if (syscall(SYS_setgroups, (size_t)r->group_count, r->groups) < 0) return errno;
    s->report.step = POISE_STEP_GROUP;
    if (syscall(SYS_setresgid, r->group, r->group, r->group) < 0) return errno;
    s->report.step = POISE_STEP_USER;
    if (syscall(SYS_setresuid, r->user, r->user, r->user) < 0) return errno;
    return 0;
}

// What a change of the user would take back, and what the new user must be allowed.
static int finish_as_user(struct spawning *s) {
    const struct poise_spawn_request *r = s->request;
    s->report.step = POISE_STEP_NO_NEW_PRIVILEGES;
    if (r->no_new_privileges && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) return errno;
    s->report.step = POISE_STEP_PARENT_DEATH;
    if (r->parent_death_signal) {
        if (prctl(PR_SET_PDEATHSIG, r->parent_death_signal, 0, 0, 0) < 0) return errno;
        // The parent may have ended before the line above.
        if (getppid() != s->parent) return ESRCH;
    }
    s->report.step = POISE_STEP_FOLDER;
    return r->folder && chdir(r->folder) < 0 ? errno : 0;
}

static int prepare(struct spawning *s) {
    const struct poise_spawn_request *r = s->request;
    s->report.step = POISE_STEP_SESSION;
    if (r->new_session && setsid() < 0) return errno;
    s->report.step = POISE_STEP_CPUS;
    int result = r->cpus ? poise_set_affinity(0, r->cpus, r->cpu_words) : 0;
    if (result < 0) return -result;
    int error = set_scheduling(s);
    if (!error) error = place_descriptors(s);
    if (!error) error = set_limits(s);
    if (!error) error = set_oom_score(s);
    if (!error) error = drop_bounding_set(s);
    if (!error) error = become_user(s);
    if (!error) error = finish_as_user(s);
    return error;
}

static void tell(struct spawning *s) {
    if (s->pipe < 0) return;
    ssize_t ignored = write(s->pipe, &s->report, sizeof s->report);
    (void)ignored;
}

__attribute__((noinline, noreturn)) static void run_child(struct spawning *s) {
    s->report.error = prepare(s);
    if (s->report.error == 0) {
        s->report.step = POISE_STEP_SIGNALS;
        // Ignored signals stay ignored even with CLONE_CLEAR_SIGHAND.
        const struct sigaction standard = {.sa_handler = SIG_DFL};
        for (int number = 1; number < NSIG; number++) sigaction(number, &standard, NULL);
        s->report.step = POISE_STEP_EXEC;
        tell(s);
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        execve(s->request->program, s->request->arguments, s->request->environment);
        s->report.error = errno;
    }
    tell(s);
    _exit(127);
}

// Starts `run_child` on the stack given in `args` and gives the child's number or -errno. The call
// is inlined, because the child must never return into a frame that the parent still needs.
static long clone_child(struct clone_args *args, struct spawning *s) {
#if defined(__x86_64__)
    long result = SYS_clone3;
    __asm__ volatile(
        "syscall\n\t"
        "test %%rax, %%rax\n\t"
        "jnz 1f\n\t"
        "xor %%ebp, %%ebp\n\t"
        "mov %[state], %%rdi\n\t"
        "call *%[body]\n\t"
        "hlt\n"
        "1:"
        : "+a"(result)
        : "D"(args), "S"(sizeof *args), [body] "r"(run_child), [state] "r"(s)
        : "rcx", "r11", "memory", "cc");
    return result;
#elif defined(__aarch64__)
    register long number __asm__("x8") = SYS_clone3;
    register long result __asm__("x0") = (long)args;
    register long size __asm__("x1") = sizeof *args;
    __asm__ volatile(
        "svc #0\n\t"
        "cbnz x0, 1f\n\t"
        "mov x29, xzr\n\t"
        "mov x30, xzr\n\t"
        "mov x0, %[state]\n\t"
        "blr %[body]\n\t"
        "brk #0\n"
        "1:"
        : "+r"(result)
        : "r"(number), "r"(size), [body] "r"(run_child), [state] "r"(s)
        : "memory", "cc");
    return result;
#else
    (void)args;
    (void)s;
    return -ENOSYS;
#endif
}

static int start_by_clone(struct spawning *s, struct poise_spawned *spawned) {
    _Alignas(16) char stack[CHILD_STACK_BYTES];
    int pidfd = -1;
    struct clone_args args = {
        .flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | CLONE_CLEAR_SIGHAND,
        .pidfd = (uint64_t)(uintptr_t)&pidfd,
        .exit_signal = SIGCHLD,
        .stack = (uint64_t)(uintptr_t)stack,
        .stack_size = sizeof stack,
    };
    if (s->request->cgroup >= 0) {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = (uint64_t)s->request->cgroup;
    }
    int saved = errno;
    long process = clone_child(&args, s);
    errno = saved;
    if (process < 0) return (int)process;
    spawned->process = (int32_t)process;
    spawned->pidfd = pidfd;
    return 0;
}

static int start_by_fork(struct spawning *s, struct poise_spawned *spawned) {
    if (s->request->cgroup >= 0) return -ENOSYS;
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) return -errno;
    s->pipe = ends[1];
    pid_t process = fork();
    if (process == 0) run_child(s);
    int error = process < 0 ? errno : 0;
    close(ends[1]);
    // The last report counts; execve closes the pipe.
    struct report last;
    while (!error) {
        ssize_t size = read(ends[0], &last, sizeof last);
        if (size == 0) break;
        if (size == (ssize_t)sizeof last) s->report = last;
        else if (size >= 0 || errno != EINTR) break;
    }
    close(ends[0]);
    if (error) return -error;
    spawned->process = process;
    spawned->pidfd = poise_pidfd_open(process);
    if (spawned->pidfd >= 0) return 0;
    error = spawned->pidfd;
    kill(process, SIGKILL);
    waitpid(process, NULL, 0);
    return error;
}

// Starts the child, and takes it away again when it got no further than its preparation.
static int start(struct spawning *s, struct poise_spawned *spawned) {
    int result = s->request->by_fork ? -ENOSYS : start_by_clone(s, spawned);
    if (result == -ENOSYS) result = start_by_fork(s, spawned);
    if (result < 0) {
        spawned->step = POISE_STEP_CLONE;
        return result;
    }
    spawned->step = s->report.step;
    spawned->refused = s->report.refused;
    if (s->report.error == 0) return 0;
    while (waitpid(spawned->process, NULL, 0) < 0 && errno == EINTR) continue;
    close(spawned->pidfd);
    spawned->pidfd = -1;
    return -s->report.error;
}

int poise_spawn(const struct poise_spawn_request *request, struct poise_spawned *spawned) {
    *spawned = (struct poise_spawned){.process = -1, .pidfd = -1, .step = POISE_STEP_DESCRIPTORS};
    if (request->descriptor_count > POISE_DESCRIPTORS_MOST) return -E2BIG;
    struct spawning s = {.request = request, .parent = getpid(), .pipe = -1};
    // No handler of this process may run in the child, which has its memory.
    sigset_t all, before;
    sigfillset(&all);
    int is_dumpable = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int result = start(&s, spawned);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    // A child that becomes another user takes this from the memory that it shares with us.
    if (request->has_user && is_dumpable == 1) prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    return result;
}
