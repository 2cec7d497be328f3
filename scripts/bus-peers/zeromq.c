// ZeroMQ's PUSH and PULL over ipc. It batches inside by itself and has no batched call.
#include <errno.h>
#include <stdio.h>
#include <unistd.h>
#include <zmq.h>

#include "peers.h"

INLINE size_t put(struct end *end, size_t most) {
    (void)most;
    fill(end, end->sink);
    while (zmq_send(end->socket, end->sink, end->bytes, 0) < 0)
        if (errno != EINTR) _exit(3);
    return 1;
}

INLINE size_t get(struct end *end, size_t most) {
    (void)most;
    int count;
    while ((count = zmq_recv(end->socket, end->sink, sizeof end->sink, 0)) < 0)
        if (errno != EINTR) _exit(3);
    if (count != (int)end->bytes) _exit(3);
    check(end, end->sink);
    return 1;
}

#include "loops.h"

static int open_nothing(const struct run *run, struct end ends[2]) {
    (void)run;
    (void)ends;
    return 0;
}

static int attach(const struct run *run, struct end ends[2], int side) {
    void *context = zmq_ctx_new();
    if (context == NULL) return -1;
    for (int index = 0; index < 2; index++) {
        int sends = index == side;
        char address[256];
        snprintf(address, sizeof address, "ipc://%s/queue-%d", run->folder, index);
        void *socket = zmq_socket(context, sends ? ZMQ_PUSH : ZMQ_PULL);
        if (socket == NULL) return -1;
        if ((sends ? zmq_connect(socket, address) : zmq_bind(socket, address)) != 0) return -1;
        ends[index].socket = socket;
    }
    return 0;
}

const struct peer peer_zeromq = {.name = "zeromq",
                                 .what = "ZeroMQ ipc PUSH/PULL",
                                 .open = open_nothing,
                                 .attach = attach,
                                 LOOPS};
