// Takes memory and writes to all of it until it gets no more; then it gives up, as programs do.
// "most" (MiB) is where it stops by itself on a machine that would let it go on.
#include "harm.h"

HARM_ON_A_THREAD()

static void harm(void) {
    const size_t piece = 4u << 20;
    for (long taken = 0; taken < number_of("most", 4096); taken += 4) {
        char *memory = malloc(piece);
        if (!memory) {
            tell_outcome("malloc", -1);
            abort();
        }
        memset(memory, 0x5a, piece);
    }
    tell_outcome("malloc", 0);
}
