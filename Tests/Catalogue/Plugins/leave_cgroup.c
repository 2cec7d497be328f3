// Tries to leave its cgroup, and to lift its own limits.
#include "harm.h"

static long put(const char *path, const char *text) {
    int file = open(path, O_WRONLY | O_CLOEXEC);
    if (file < 0) return -1;
    long result = write(file, text, strlen(text));
    int error = errno;
    close(file);
    errno = error;
    return result;
}

HARM_ON_A_THREAD()

static void harm(void) {
    char own[512] = "", line[256], path[800];
    FILE *file = fopen("/proc/self/cgroup", "r");
    while (file && fgets(line, sizeof line, file))
        if (!strncmp(line, "0::", 3))
            snprintf(own, sizeof own, "%.*s", (int)strcspn(line + 3, "\n"), line + 3);
    if (file) fclose(file);
    char number[16];
    snprintf(number, sizeof number, "%d", getpid());
    tell_outcome("join the root", put("/sys/fs/cgroup/cgroup.procs", number));
    snprintf(path, sizeof path, "/sys/fs/cgroup%s/../cgroup.procs", own);
    tell_outcome("join the parent", put(path, number));
    snprintf(path, sizeof path, "/sys/fs/cgroup%s/cpu.max", own);
    tell_outcome("lift cpu.max", put(path, "max"));
    snprintf(path, sizeof path, "/sys/fs/cgroup%s/memory.max", own);
    tell_outcome("lift memory.max", put(path, "max"));
    snprintf(path, sizeof path, "/sys/fs/cgroup%s/inner", own);
    tell_outcome("make a cgroup", mkdir(path, 0755));
}
