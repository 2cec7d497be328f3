// Every process of it makes more, which do the same. "most" is the number of processes at which
// the bomb goes out by itself on a machine that would let it go on; it is counted in memory that
// all share.
#include "harm.h"

#include <sys/mman.h>

static atomic_long *made;

static void multiply(void) {
    long most = number_of("most", 2000);
    for (;;) {
        if (atomic_load(made) >= most) {
            sleep(1);
            continue;
        }
        pid_t child = fork();
        if (child < 0) usleep(1000);
        else atomic_fetch_add(made, child == 0 ? 1 : 0);
    }
}

HARM_ON_A_THREAD()

static void harm(void) {
    made = mmap(NULL, sizeof *made, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    signal(SIGCHLD, SIG_IGN);
    if (made == MAP_FAILED) abort();
    long limit = number_of("most", 2000);
    // The first refusal is the one that tells.
    for (long i = 0; i < limit; i++) {
        pid_t child = fork();
        if (child == 0) multiply();
        if (child < 0) {
            tell_outcome("fork", -1);
            break;
        }
        atomic_fetch_add(made, 1);
    }
    multiply();
}
