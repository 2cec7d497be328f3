#define _GNU_SOURCE
#include "poise_bus_linux.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif
#define POISE_FUTEX_32 2 /* FUTEX_32; older headers have it not */
#define POISE_MPOL_PREFERRED 1

struct poise_waitv {
    uint64_t value;
    uint64_t address;
    uint32_t flags;
    uint32_t reserved;
};

int poise_bus_memory(const char *name, uint64_t bytes, int huge) {
    unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING | (huge ? MFD_HUGETLB : 0u);
    int descriptor = memfd_create(name, flags);
    if (descriptor < 0) return -errno;
    // Who has only a descriptor to read must not open the file again to write.
    if (fchmod(descriptor, S_IRUSR | S_IWUSR) != 0 || ftruncate(descriptor, (off_t)bytes) != 0 ||
        fcntl(descriptor, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
        int code = errno;
        close(descriptor);
        return -code;
    }
    return descriptor;
}

int poise_bus_is_sealed(int descriptor) {
    int seals = fcntl(descriptor, F_GET_SEALS);
    return seals >= 0 && (seals & F_SEAL_SHRINK) && (seals & F_SEAL_GROW);
}

int poise_bus_read_only(int descriptor) {
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
    int second = open(path, O_RDONLY | O_CLOEXEC);
    return second < 0 ? -errno : second;
}

int poise_bus_prefer_node(void *start, uint64_t bytes, int node) {
    unsigned long mask[16] = {0};
    unsigned long bits = 8 * sizeof mask;
    if (node < 0 || (unsigned long)node >= bits - 1) return -EINVAL;
    mask[(unsigned long)node / (8 * sizeof *mask)] = 1ul << ((unsigned long)node % (8 * sizeof *mask));
    return syscall(SYS_mbind, start, bytes, POISE_MPOL_PREFERRED, mask, bits, 0) == 0 ? 0 : -errno;
}

int poise_bus_advise_huge(void *start, uint64_t bytes) {
    return madvise(start, bytes, MADV_HUGEPAGE) == 0 ? 0 : -errno;
}

int poise_bus_punch_hole(int descriptor, uint64_t offset, uint64_t bytes) {
    int mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
    return fallocate(descriptor, mode, (off_t)offset, (off_t)bytes) == 0 ? 0 : -errno;
}

static struct timespec after(uint64_t nanoseconds) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    uint64_t sum = (uint64_t)time.tv_nsec + nanoseconds % 1000000000u;
    time.tv_sec += (time_t)(nanoseconds / 1000000000u + sum / 1000000000u);
    time.tv_nsec = (long)(sum % 1000000000u);
    return time;
}

int poise_bus_wait(const poise_bus_word *words, uint32_t count, uint64_t nanoseconds) {
    if (count > POISE_BUS_MOST_WORDS) return -EINVAL;
    struct timespec end = after(nanoseconds == UINT64_MAX ? 0 : nanoseconds);
    const struct timespec *limit = nanoseconds == UINT64_MAX ? NULL : &end;
    if (count == 1) {
        long result = syscall(SYS_futex, words->word, FUTEX_WAIT_BITSET, words->value, limit, NULL,
                              FUTEX_BITSET_MATCH_ANY);
        return result < 0 ? -errno : 0;
    }
    struct poise_waitv list[POISE_BUS_MOST_WORDS];
    for (uint32_t index = 0; index < count; index++)
        list[index] = (struct poise_waitv){.value = words[index].value,
                                           .address = (uint64_t)(uintptr_t)words[index].word,
                                           .flags = POISE_FUTEX_32};
    long result = syscall(SYS_futex_waitv, list, count, 0, limit, CLOCK_MONOTONIC);
    return result < 0 ? -errno : 0;
}

int poise_bus_wake(const uint32_t *word) {
    long result = syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
    return result < 0 ? -errno : (int)result;
}

int poise_bus_register_barrier(void) {
    int command = MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED;
    return syscall(SYS_membarrier, command, 0, 0) == 0 ? 0 : -errno;
}

int poise_bus_barrier(void) {
    return syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0) == 0 ? 0 : -errno;
}

union descriptor_room {
    char bytes[CMSG_SPACE(POISE_MOST_DESCRIPTORS * sizeof(int))];
    struct cmsghdr aligned;
};

int64_t poise_send_descriptors(int socket, const void *bytes, uint64_t length,
                               const int *descriptors, uint32_t count) {
    if (count > POISE_MOST_DESCRIPTORS) return -EINVAL;
    union descriptor_room room;
    memset(&room, 0, sizeof room);
    struct iovec part = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = length};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (count > 0) {
        message.msg_control = room.bytes;
        message.msg_controllen = CMSG_SPACE(count * sizeof(int));
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(count * sizeof(int));
        memcpy(CMSG_DATA(header), descriptors, count * sizeof(int));
    }
    ssize_t sent = sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    return sent < 0 ? -errno : sent;
}

int64_t poise_receive_descriptors(int socket, void *bytes, uint64_t capacity, int *descriptors,
                                  uint32_t *count) {
    uint32_t most = *count;
    *count = 0;
    union descriptor_room room;
    struct iovec part = {.iov_base = bytes, .iov_len = capacity};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = room.bytes,
                             .msg_controllen = sizeof room.bytes};
    ssize_t length = recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC | MSG_TRUNC);
    if (length < 0) return -errno;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    for (; header != NULL; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
        uint32_t came = (uint32_t)((header->cmsg_len - CMSG_LEN(0)) / sizeof(int));
        for (uint32_t index = 0; index < came; index++) {
            int descriptor;
            memcpy(&descriptor, CMSG_DATA(header) + index * sizeof(int), sizeof descriptor);
            if (*count < most)
                descriptors[(*count)++] = descriptor;
            else
                close(descriptor);
        }
    }
    return length;
}
