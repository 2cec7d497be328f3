// Tries what it is told in its configuration, {"try": "WORD PATH"}, and says how that ended: the log
// line "WORD: done", or "WORD: " with the name of the error.
#define _GNU_SOURCE
#include "skeleton.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/capability.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *name_of(int error) {
    switch (error) {
    case 0: return "done";
    case EPERM: return "EPERM";
    case EACCES: return "EACCES";
    case ENOSYS: return "ENOSYS";
    case ECONNREFUSED: return "ECONNREFUSED";
    case EXDEV: return "EXDEV";
    default: return strerror(error);
    }
}

static long opened(const char *path, int flags) {
    int file = open(path, flags, 0600);
    if (file >= 0) close(file);
    return file;
}

static long connected(const char *path, int is_abstract) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strncpy(address.sun_path + is_abstract, path, sizeof address.sun_path - 2);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + is_abstract +
                                 strlen(address.sun_path + is_abstract));
    int end = socket(AF_UNIX, SOCK_STREAM, 0);
    long result = connect(end, (struct sockaddr *)&address, size);
    int error = errno;
    close(end);
    errno = error;
    return result;
}

static void *nothing(void *argument) { return argument; }

// Threads, processes and mathematics must go on working.
static long lives(void) {
    pthread_t thread;
    int error = pthread_create(&thread, NULL, nothing, NULL);
    if (error) return errno = error, -1;
    pthread_join(thread, NULL);
    pid_t child = fork();
    if (child == 0) {
        execl("/bin/sh", "sh", "-c", "exec ls /usr > /dev/null 2>&1", NULL);
        _exit(9);
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) < 0) return -1;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : (errno = ECHILD, -1);
}

static long capabilities(void) {
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {{0}};
    if (syscall(SYS_capget, &head, data) < 0) return -1;
    if (data[0].permitted || data[1].permitted || data[0].inheritable || data[1].inheritable)
        return 0;
    // And none to be had: raising one is refused.
    data[0].permitted = data[0].effective = 1u << CAP_SYS_ADMIN % 32;
    return syscall(SYS_capset, &head, data);
}

// Everything that one process can do to another of its user without looking into it, here to the
// one that started this one; the signal is one that nobody minds.
static long attempt_on(pid_t other, const char *word) {
    siginfo_t value = {.si_signo = SIGWINCH, .si_code = SI_QUEUE};
    cpu_set_t cpus;
    sched_getaffinity(0, sizeof cpus, &cpus);
    int ends[2];
    if (!strcmp(word, "tgkill")) return syscall(SYS_tgkill, other, other, SIGWINCH);
    if (!strcmp(word, "tkill")) return syscall(SYS_tkill, other, SIGWINCH);
    if (!strcmp(word, "queue")) return syscall(SYS_rt_sigqueueinfo, other, SIGWINCH, &value);
    if (!strcmp(word, "queue_thread"))
        return syscall(SYS_rt_tgsigqueueinfo, other, other, SIGWINCH, &value);
    if (!strcmp(word, "pidfd")) {
        long process = syscall(SYS_pidfd_open, other, 0);
        return process < 0 ? -1 : syscall(SYS_pidfd_send_signal, process, SIGWINCH, NULL, 0);
    }
    if (!strcmp(word, "nice"))
        return setpriority(PRIO_PROCESS, (id_t)other, getpriority(PRIO_PROCESS, (id_t)other));
    if (!strcmp(word, "nice_all")) return setpriority(PRIO_USER, 0, 0);
    if (!strcmp(word, "affinity")) return sched_setaffinity(other, sizeof cpus, &cpus);
    if (!strcmp(word, "limits")) return prlimit(other, RLIMIT_CORE, NULL, NULL);
    if (!strcmp(word, "own") || !strcmp(word, "own_high")) {
        if (pipe(ends) < 0) return -1;
        unsigned long above = !strcmp(word, "own_high") ? 1ul << 32 : 0;
        return syscall(SYS_fcntl, ends[0], F_SETOWN | above, (unsigned long)other | above);
    }
    errno = EINVAL;
    return -1;
}

static long attempt(const char *word, const char *path) {
    char byte;
    struct iovec ours = {&byte, 1}, theirs = {&byte, 1};
    pid_t parent = getppid();
    if (!strcmp(word, "live")) return lives();
    if (!strcmp(word, "ptrace")) return ptrace(PTRACE_ATTACH, parent, NULL, NULL);
    if (!strcmp(word, "traceme")) return ptrace(PTRACE_TRACEME, 0, NULL, NULL);
    if (!strcmp(word, "vm_read")) return process_vm_readv(parent, &ours, 1, &theirs, 1, 0);
    if (!strcmp(word, "memory")) {
        char place[64];
        snprintf(place, sizeof place, "/proc/%d/mem", parent);
        return opened(place, O_RDONLY);
    }
    if (!strcmp(word, "environment")) {
        char place[64];
        snprintf(place, sizeof place, "/proc/%d/environ", parent);
        return opened(place, O_RDONLY);
    }
    if (!strncmp(word, "parent_", 7)) return attempt_on(parent, word + 7);
    if (!strcmp(word, "kill")) return kill(parent, SIGWINCH);
    if (!strcmp(word, "read")) return opened(path, O_RDONLY);
    if (!strcmp(word, "list")) return opened(path, O_RDONLY | O_DIRECTORY);
    if (!strcmp(word, "write")) return opened(path, O_WRONLY);
    if (!strcmp(word, "make")) return opened(path, O_WRONLY | O_CREAT | O_EXCL);
    if (!strcmp(word, "remove")) return unlink(path);
    if (!strcmp(word, "cut")) return truncate(path, 0);
    if (!strcmp(word, "cut_open")) return opened(path, O_RDONLY | O_TRUNC);
    if (!strcmp(word, "connect")) return connected(path, 0);
    if (!strcmp(word, "abstract")) return connected(path, 1);
    if (!strcmp(word, "mount")) return mount("none", "/mnt", "tmpfs", 0, NULL);
    if (!strcmp(word, "chroot")) return chroot("/usr");
    if (!strcmp(word, "unshare")) return unshare(CLONE_NEWUSER);
    if (!strcmp(word, "clone")) return syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
    if (!strcmp(word, "clone3")) return syscall(SYS_clone3, NULL, 0);
    if (!strcmp(word, "setuid")) return setuid(getuid());
    if (!strcmp(word, "setgroups")) return setgroups(0, NULL);
    if (!strcmp(word, "bpf")) return syscall(SYS_bpf, 0, NULL, 0);
    if (!strcmp(word, "io_uring")) return syscall(425, 1, NULL);
    if (!strcmp(word, "keyctl")) return syscall(SYS_keyctl, 0, 0, 0, 0, 0);
    if (!strcmp(word, "tiocsti")) return ioctl(0, TIOCSTI, "x");
    if (!strcmp(word, "tiocsti_high"))
        return syscall(SYS_ioctl, 0, 0x100000000ul | TIOCSTI, "x");
    if (!strcmp(word, "capabilities")) return capabilities();
    if (!strcmp(word, "privileges"))
        return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? (errno = EPERM, -1) : 0;
    if (!strcmp(word, "dumpable"))
        return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0 ? (errno = EPERM, -1) : 0;
    errno = EINVAL;
    return -1;
}

static char word[64], path[512];

static int32_t create(void *context, const poise_creation *creation, void **instance,
                      poise_text *why) {
    const char *text = strstr(creation->config, "\"try\":\"");
    if (text) sscanf(text + 7, "%63[^ \"] %511[^\"]", word, path);
    return plain_create(context, creation, instance, why);
}

// On a thread of its own, which the sandbox must hold as well.
static void *tries(void *argument) {
    errno = 0;
    *(int *)argument = attempt(word, path) < 0 ? errno : 0;
    return NULL;
}

static int32_t start(void *instance, poise_text *why) {
    (void)instance, (void)why;
    pthread_t thread;
    int error = EINVAL;
    char line[128];
    if (pthread_create(&thread, NULL, tries, &error) == 0) pthread_join(thread, NULL);
    snprintf(line, sizeof line, "%s: %s", word, name_of(error));
    host->log(host->context, POISE_INFO, line, NULL, 0);
    return POISE_DONE;
}

PLUGIN(.create = create, .start = start, .stop = plain_stop)
