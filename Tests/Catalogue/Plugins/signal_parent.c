// Sends signals to its parent, which is poised, in every way that there is, and to everybody.
#include "harm.h"

#include <sched.h>
#include <sys/syscall.h>

HARM_ON_A_THREAD()

static void harm(void) {
    pid_t parent = getppid();
    // poised would be ended by the first that arrives.
    tell_outcome("kill", kill(parent, SIGTERM));
    tell_outcome("tgkill", syscall(SYS_tgkill, parent, parent, SIGTERM));
    tell_outcome("tkill", syscall(SYS_tkill, parent, SIGTERM));
    siginfo_t value = {.si_code = SI_QUEUE};
    tell_outcome("rt_sigqueueinfo", syscall(SYS_rt_sigqueueinfo, parent, SIGTERM, &value));
    tell_outcome("rt_tgsigqueueinfo",
                 syscall(SYS_rt_tgsigqueueinfo, parent, parent, SIGTERM, &value));
    long process = syscall(SYS_pidfd_open, parent, 0);
    tell_outcome("pidfd_open", process);
    if (process >= 0)
        tell_outcome("pidfd_send_signal",
                     syscall(SYS_pidfd_send_signal, process, SIGTERM, NULL, 0));
    tell_outcome("kill its group", kill(-getpgid(parent), SIGTERM));
    tell_outcome("setpriority", syscall(SYS_setpriority, 0, parent, 19));
    cpu_set_t first = {{1}};
    tell_outcome("sched_setaffinity", syscall(SYS_sched_setaffinity, parent, sizeof first, &first));
}
