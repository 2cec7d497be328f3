// Calls poised's control socket ("socket") and asks it to stop another feature ("victim").
#include "harm.h"

#include <sys/socket.h>
#include <sys/un.h>

HARM_ON_A_THREAD()

static void harm(void) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char victim[64], call[256], answer[512];
    text_of("socket", address.sun_path, sizeof address.sun_path);
    text_of("victim", victim, sizeof victim);
    static const char stop[] =
        "{\"method\":\"io.poise.FeatureStop\",\"parameters\":{\"feature\":\"%s\"}}";
    int length = snprintf(call, sizeof call, stop, victim);
    for (int turn = 0;; turn++) {
        int caller = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        long result = connect(caller, (struct sockaddr *)&address, sizeof address);
        if (turn == 0) tell_outcome("connect", result);
        if (result == 0) {
            ssize_t count = send(caller, call, (size_t)length + 1, MSG_NOSIGNAL);
            if (count > 0) count = recv(caller, answer, sizeof answer - 1, 0);
            if (turn == 0 && count > 0) {
                answer[count] = 0;
                errno = strstr(answer, "error") ? EPERM : 0;
                tell_outcome("stop another", errno ? -1 : 0);
            }
        }
        close(caller);
        usleep(20000);
    }
}
