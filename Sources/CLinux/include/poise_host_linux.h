#pragma once
#include <stdint.h>

// What poise-host and the worker pools of plugins need beside poise_linux.h. Functions that can fail
// return zero or more, or -errno.

// Starts a detached thread called `name` (at most 15 bytes of it are kept) that runs
// body(context). pthread_create(3), pthread_setname_np(3).
int32_t poise_host_thread(const char *name, void (*body)(void *), void *context);

// The CPU the calling thread runs on now. sched_getcpu(3).
int32_t poise_host_cpu(void);

// No program that this process or its children start gains rights. prctl(2), PR_SET_NO_NEW_PRIVS.
int32_t poise_host_no_new_privileges(void);

// A descriptor that becomes readable on SIGTERM and SIGINT, which are blocked in the calling
// thread and all that it starts; SIGPIPE is ignored. signalfd(2).
int32_t poise_host_signals(void);

// A counter to wake another thread by; `blocking` says whether a read waits. eventfd(2).
int32_t poise_host_doorbell(int32_t blocking);

// Makes standard output and standard error give out whole lines at once. setvbuf(3).
void poise_host_line_buffering(void);

// Opens a library for good: RTLD_NOW, RTLD_LOCAL, RTLD_NODELETE. Null when that fails; the text
// is then in dlerror(3).
void *poise_host_open_library(const char *path);

// Removes a folder with all that is in it, not following links. nftw(3).
int32_t poise_host_remove_folder(const char *path);
