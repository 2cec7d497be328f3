// A pipe and a UNIX stream socket: bytes go through the kernel. A batch is one write, and one read
// of whatever is there.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "peers.h"

INLINE size_t put(struct end *end, size_t most) {
    unsigned char *batch = end->sink;
    for (size_t index = 0; index < most; index++) fill(end, batch + index * end->bytes);
    size_t left = most * end->bytes;
    while (left > 0) {
        ssize_t count = write(end->descriptor, batch, left);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) _exit(3);
        batch += count;
        left -= (size_t)count;
    }
    return most;
}

INLINE size_t get(struct end *end, size_t most) {
    while (true) {
        // The rest of a message that came in parts is waited for.
        size_t room = most * end->bytes - end->filled;
        ssize_t count = read(end->descriptor, end->sink + end->filled, room);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) _exit(3);
        size_t have = end->filled + (size_t)count;
        size_t whole = have / end->bytes;
        for (size_t index = 0; index < whole; index++) check(end, end->sink + index * end->bytes);
        end->filled = have - whole * end->bytes;
        if (whole == 0) continue;
        memmove(end->sink, end->sink + whole * end->bytes, end->filled);
        return whole;
    }
}

#include "loops.h"

static int descriptors[2][2];

static int open_pipes(const struct run *run, struct end ends[2]) {
    (void)run;
    (void)ends;
    for (int index = 0; index < 2; index++) {
        if (pipe2(descriptors[index], O_CLOEXEC) != 0) return -1;
        // As large as an ordinary user may have it.
        fcntl(descriptors[index][1], F_SETPIPE_SZ, 1 << 20);
    }
    return 0;
}

static int open_sockets(const struct run *run, struct end ends[2]) {
    (void)run;
    (void)ends;
    for (int index = 0; index < 2; index++) {
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, descriptors[index]) != 0) return -1;
        int bytes = 1 << 20;
        setsockopt(descriptors[index][1], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    }
    return 0;
}

static int attach(const struct run *run, struct end ends[2], int side) {
    (void)run;
    for (int index = 0; index < 2; index++) {
        int writes = index == side;
        ends[index].descriptor = descriptors[index][writes];
        close(descriptors[index][!writes]);
    }
    return 0;
}

const struct peer peer_pipe = {.name = "pipe",
                               .what = "pipe",
                               .batches = true,
                               .open = open_pipes,
                               .attach = attach,
                               LOOPS};

const struct peer peer_socket = {.name = "unixSocket",
                                 .what = "UNIX stream socket",
                                 .batches = true,
                                 .open = open_sockets,
                                 .attach = attach,
                                 LOOPS};
