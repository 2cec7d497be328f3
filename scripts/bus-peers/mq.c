// POSIX message queues: a system call a message, and no batched form.
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <stdio.h>
#include <unistd.h>

#include "peers.h"

INLINE size_t put(struct end *end, size_t most) {
    (void)most;
    if (end->filled == 0) {
        fill(end, end->sink);
        end->filled = 1;
    }
    if (mq_send((mqd_t)end->descriptor, (const char *)end->sink, end->bytes, 0) != 0) {
        if (errno == EINTR) return 0;
        _exit(3);
    }
    end->filled = 0;
    return 1;
}

INLINE size_t get(struct end *end, size_t most) {
    (void)most;
    ssize_t count = mq_receive((mqd_t)end->descriptor, (char *)end->sink, sizeof end->sink, NULL);
    if (count < 0 && errno == EINTR) return 0;
    if (count != (ssize_t)end->bytes) _exit(3);
    check(end, end->sink);
    return 1;
}

#include "loops.h"

static int open_queues(const struct run *run, struct end ends[2]) {
    for (int index = 0; index < 2; index++) {
        char name[64];
        snprintf(name, sizeof name, "/poise-bench-%d-%d", (int)getpid(), index);
        // More than 10 messages need a privilege or another limit (fs.mqueue.msg_max).
        const long sizes[] = {1024, 10};
        mqd_t queue = (mqd_t)-1;
        for (int attempt = 0; attempt < 2 && queue == (mqd_t)-1; attempt++) {
            struct mq_attr attributes = {.mq_maxmsg = sizes[attempt],
                                         .mq_msgsize = (long)run->bytes};
            queue = mq_open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600, &attributes);
        }
        if (queue == (mqd_t)-1) return -1;
        mq_unlink(name);
        ends[index].descriptor = (int)queue;
    }
    return 0;
}

const struct peer peer_mq = {
    .name = "posixMq", .what = "POSIX message queue", .open = open_queues, LOOPS};
