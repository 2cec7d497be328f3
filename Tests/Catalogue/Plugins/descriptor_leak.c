// Opens files without end and closes none.
#include "harm.h"

HARM_ON_A_THREAD()

static void harm(void) {
    int is_told = 0;
    for (;;) {
        if (open("/dev/null", O_RDONLY) >= 0) continue;
        int error = errno;
        // One has to be closed to be able to tell.
        close(dup2(0, 40));
        errno = error;
        if (!is_told) tell_outcome("open", -1);
        is_told = 1;
        usleep(1000);
    }
}
