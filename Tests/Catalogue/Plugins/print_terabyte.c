// Prints a terabyte, or as much of it as somebody reads.
#include "harm.h"

HARM_ON_A_THREAD()

static void harm(void) {
    static char bytes[1 << 16];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = i % 80 == 79 ? '\n' : 'y';
    for (uint64_t printed = 0; printed < 1ull << 40;) {
        ssize_t count = write(1, bytes, sizeof bytes);
        if (count > 0) printed += (uint64_t)count;
    }
}
