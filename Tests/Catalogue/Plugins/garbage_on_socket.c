// Writes into the channel that its host speaks to poised on: bytes that mean nothing, messages that
// are cut off, and some that look right and are not.
#include "harm.h"

#include <sys/socket.h>

HARM_ON_A_THREAD()

static void harm(void) {
    static char bytes[70000];
    static const char *const texts[] = {
        "", "{", "[[[[[[[[[[[[[[[[[[[[", "{\"news\":\"applied\",\"generation\":-1}", "null",
        "{\"news\":\"started\"}", "{\"news\":\"stopped\"}", "\xff\xfe", "{\"news\":42}",
        "{\"need\":{\"millicores\":1e300}}",
    };
    for (unsigned seed = 1;; seed++) {
        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
            send(3, texts[i], strlen(texts[i]), MSG_DONTWAIT);
        for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (char)rand_r(&seed);
        send(3, bytes, seed % sizeof bytes, MSG_DONTWAIT);
    }
}
