// Fills /dev/shm. "most" (MiB) is where it stops by itself on a machine that would let it go on.
#include "harm.h"

HARM_ON_A_THREAD()

static void harm(void) {
    static char bytes[1 << 20];
    memset(bytes, 0x5a, sizeof bytes);
    char path[128];
    snprintf(path, sizeof path, "/dev/shm/poise-catalogue-%d", getpid());
    int file = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
    tell_outcome("open /dev/shm", file);
    if (file < 0) return;
    long most = number_of("most", 256);
    for (long written = 0; written < most; written++)
        if (write(file, bytes, sizeof bytes) != (ssize_t)sizeof bytes) break;
    tell_outcome("write /dev/shm", 0);
}
