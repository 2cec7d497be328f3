/*
 * poise_plugin.h: the border between a Poise plugin and its host.
 *
 * A plugin is a shared library that exports two C functions, poise_plugin_abi() and
 * poise_plugin_entry(). It is opened by poise-host, a process of the plugin's own, which calls the
 * functions of the plugin's table; the plugin calls back through the host's table.
 *
 *     poise_plugin_abi()     the number this header had when the plugin was built
 *     poise_plugin_entry()   the plugin's table
 *     create                 reads the configuration, opens nothing slow
 *     start                  begins work on threads of its own and returns at once
 *     apply                  a new allocation: any number of times
 *     service_level, shrink  do less; give up memory: any number of times
 *     healthy, sample        asked now and then
 *     drain                  finish what is under way, take nothing new
 *     stop                   end all threads, free everything; nothing is called after it
 *
 * Threads.   The host makes these calls one at a time, all on one thread, which is not the first
 *            thread of the process. Each has a deadline; a late answer counts as a failure. The
 *            functions of the host may be called from any thread, from create on.
 * Memory.    What a call hands over belongs to the caller and is valid until the call returns,
 *            except where a line below says otherwise. Nothing is freed across the border.
 * Text.      UTF-8, ends with a zero byte.
 * Growth.    Every structure that may grow begins with its size in bytes, written by the side that
 *            made it. Newer versions add fields at the end only; the reader looks at no field that
 *            lies beyond the size. Tables and structures are therefore never copied by assignment
 *            from the other side.
 * Bus.       Since ABI 1.2 features send messages to each other over shared memory; which topic
 *            goes to whom the policy says. The promises: messages of one sender and one priority
 *            arrive in the order in which they were committed, and a more urgent one overtakes all
 *            less urgent ones. A message is the receiver's only when it says done: what it had not
 *            done when it died comes again when it is started again, so each comes at least once,
 *            and exactly once to who keeps what it computed by bus_done_with. What a sender had
 *            not committed when it died was never there. Messages are lost only where the route
 *            says so (dropOldest, dropNewest), or with memory that somebody has damaged, and that
 *            is counted.
 * Unloading. A library is never unloaded. The process ends instead.
 *
 * The header is plain C11 and C++11 and needs nothing but <stdint.h>.
 */
#ifndef POISE_PLUGIN_H
#define POISE_PLUGIN_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The number of this border: the major in the high 16 bits, the minor in the low ones. A plugin
 * whose major differs from the host's is refused; a smaller or larger minor is not. */
#define POISE_PLUGIN_ABI 0x00010002u

/* Makes a function visible outside the library, also with -fvisibility=hidden. */
#define POISE_EXPORT __attribute__((visibility("default")))

/* What create and start return; also how poise-host exits. */
#define POISE_DONE 0            /* it worked */
#define POISE_CONFIGURATION 100 /* the configuration is wrong: do not start me again with it */
#define POISE_ENVIRONMENT 111   /* something outside failed: starting again may help */

/* What kind of core. */
#define POISE_PERFORMANCE 0u /* the most capable cores; all cores of a machine with one kind */
#define POISE_EFFICIENCY 1u  /* smaller cores, more work for the energy */
#define POISE_LOW_POWER 2u   /* cores that let the rest of the machine sleep */

/* How much a line of the log matters. */
#define POISE_DEBUG 0u   /* for the plugin's author */
#define POISE_INFO 1u    /* worth knowing */
#define POISE_WARNING 2u /* works with less than it should have */
#define POISE_ERROR 3u   /* something was lost */

/* What healthy returns. */
#define POISE_GOOD 0     /* all is well */
#define POISE_DEGRADED 1 /* works with less than it should have */
#define POISE_FAILING 2  /* does not do its work; start me anew */

/* At which level the machine works. A larger number is more: a plugin that its policy lets run at a
 * level also runs at all above it. */
#define POISE_EMERGENCY 0u /* only what keeps the machine alive and reachable */
#define POISE_ESSENTIAL 1u
#define POISE_REDUCED 2u
#define POISE_FULL 3u /* everything; what a plugin starts with */

/* "Not known", in the fields whose line says so. For a double it is NaN. */
#define POISE_UNKNOWN (-1)

/* "No limit", in the fields whose line says so. */
#define POISE_UNLIMITED UINT64_MAX

/* How many gauges of a report are looked at, and how long a name may be with its zero byte. */
#define POISE_GAUGES 32
#define POISE_GAUGE_NAME 48

/* A set of CPUs: CPU 64 * i + b is in it when bit b of words[i] is set. */
typedef struct poise_cpus {
    const uint64_t *words; /* may be null when count is 0 */
    uint32_t count;        /* how many words */
    uint32_t reserved;     /* 0 */
} poise_cpus;

/* One core, as far as the plugin may run on it. */
typedef struct poise_core {
    poise_cpus cpus;     /* the core's CPUs (SMT siblings) */
    uint32_t core_class; /* POISE_PERFORMANCE, POISE_EFFICIENCY or POISE_LOW_POWER */
    uint32_t reserved;   /* 0 */
} poise_core;

/* A part of an accelerator. */
typedef struct poise_accelerator {
    const char *id;        /* Poise's name of it, such as gpu0 */
    uint64_t bytes;        /* memory of it, 0 when none was asked for */
    int32_t share_percent; /* share of its time, or POISE_UNKNOWN when not told */
    uint32_t reserved;     /* 0 */
} poise_accelerator;

/* What the plugin may use. */
typedef struct poise_allocation {
    uint32_t size;                         /* sizeof(poise_allocation) of the host */
    uint32_t weight;                       /* its weight on CPUs that it shares, 1 to 10000 */
    uint64_t generation;                   /* goes up before CPUs are taken away */
    poise_cpus exclusive;                  /* CPUs that nobody else uses: whole cores */
    poise_cpus shared;                     /* CPUs that it shares with other features */
    poise_cpus borrowed;                   /* another feature's idle CPUs, taken back on demand */
    poise_cpus baseline;                   /* CPUs that it keeps for as long as it runs */
    const poise_core *cores;               /* cores that it may run on, with their class */
    const poise_accelerator *accelerators; /* what it has of accelerators */
    uint32_t core_count;                   /* how many cores */
    uint32_t core_size;                    /* bytes from one core to the next */
    uint32_t accelerator_count;            /* how many accelerators */
    uint32_t accelerator_size;             /* bytes from one accelerator to the next */
    uint32_t performance_millicores;       /* CPU time it is entitled to, 1000 is one core: */
    uint32_t efficiency_millicores;        /* of each class, exclusive and shared together */
    uint32_t low_power_millicores;
    uint32_t reserved;         /* 0 */
    uint64_t memory_low_bytes; /* kept from reclaim */
    uint64_t memory_max_bytes; /* never above, or POISE_UNLIMITED */
} poise_allocation;

/* Where the callee says why: it writes at most capacity bytes, the zero byte included. */
typedef struct poise_text {
    uint32_t size;     /* sizeof(poise_text) of the host */
    uint32_t capacity; /* how many bytes there are */
    char *bytes;       /* empty text at the call */
} poise_text;

/* One of the plugin's own values. */
typedef struct poise_gauge {
    char name[POISE_GAUGE_NAME]; /* letters, digits, _ . : - and a zero byte */
    double value;                /* NaN: not known, left out */
} poise_gauge;

/* What the plugin tells of itself. The host fills in "not known" everywhere before the call. */
typedef struct poise_report {
    uint32_t size;                /* sizeof(poise_report) of the host */
    uint32_t gauge_count;         /* how many gauges the plugin wrote, at most gauge_capacity */
    uint32_t gauge_capacity;      /* how many gauges there is room for */
    uint32_t reserved;            /* 0 */
    double utilisation;           /* 0 to 1 of what it was given; NaN: not known */
    double throughput_per_second; /* items a second; NaN: not known */
    double latency_p50_seconds;   /* half of the items take no longer; NaN: not known */
    double latency_p99_seconds;   /* 99 of 100 items take no longer; NaN: not known */
    int64_t queue_depth;          /* items that wait; POISE_UNKNOWN: not known */
    int64_t errors;               /* since it started; POISE_UNKNOWN: not known */
    poise_gauge *gauges;          /* room for gauge_capacity values */
} poise_report;

/* A named text beside a line of the log or an event. */
typedef struct poise_field {
    const char *key;
    const char *value;
} poise_field;

/* How urgent a message is: one of a lower number overtakes all of higher ones. */
#define POISE_URGENT 0u
#define POISE_HIGH 1u
#define POISE_NORMAL 2u
#define POISE_LOW 3u

/* What the functions of the bus return. */
#define POISE_BUS_DONE 0        /* it worked */
#define POISE_BUS_NOTHING 1     /* the time is over, or bus_wake was called: there is nothing */
#define POISE_BUS_NO_ROUTE 2    /* no route takes this topic from this feature */
#define POISE_BUS_FULL 3        /* no room in time: nothing was sent, try again or give up */
#define POISE_BUS_DROPPED 4     /* no room, and the route drops what has none: it is counted */
#define POISE_BUS_TOO_LONG 5    /* longer than the route, the state or the caller has room for */
#define POISE_BUS_BUSY 6        /* this thread has a message reserved, or another receives */
#define POISE_BUS_NO_WAY_BACK 7 /* no link leads from the one who is asked to the one who asks */
#define POISE_BUS_GONE 8        /* its link was taken away, or its memory is damaged */
#define POISE_BUS_LATE 9        /* the reply has not come by the deadline */
#define POISE_BUS_WRONG 10      /* an argument cannot be */

/* Most bytes of a state that bus_done_with keeps. */
#define POISE_BUS_STATE 960

/* Who caused a message, as the W3C recommendation Trace Context has it; all 0: nobody known. */
typedef struct poise_trace {
    uint64_t trace_high; /* the trace's number, 128 bits */
    uint64_t trace_low;
    uint64_t span;     /* the number of the step that sent it */
    uint32_t flags;    /* bit 0: sampled */
    uint32_t reserved; /* 0 */
} poise_trace;

/* A message that is being written. Fill in the first six lines (or {sizeof, topic, priority,
 * length} and 0), call bus_reserve, write to bytes, call bus_commit. */
typedef struct poise_outgoing {
    uint32_t size;              /* sizeof(poise_outgoing) of the plugin */
    uint32_t topic;             /* what bus_topic gave */
    uint32_t priority;          /* POISE_URGENT to POISE_LOW */
    uint32_t reserved;          /* 0 */
    uint64_t length;            /* how many bytes */
    uint64_t reply_nanoseconds; /* not 0: a reply is wanted within that time */
    poise_trace trace;          /* all 0: none */
    void *bytes;                /* set by bus_reserve: where its bytes go */
    uint64_t request;           /* set by bus_reserve: the number to await the reply by, or 0 */
    uint64_t handle;            /* set by bus_reserve: the host's own */
} poise_outgoing;

/* A message that came, where it lies in shared memory. Whoever checks something in its bytes
 * copies it first when it does not trust the sender, who could still change them. */
typedef struct poise_message {
    uint32_t size;                 /* sizeof(poise_message) of the plugin, set by the plugin */
    uint32_t topic;                /* what bus_topic gives for its topic's name */
    uint32_t priority;             /* POISE_URGENT to POISE_LOW */
    uint32_t source;               /* the link it came by, for bus_done_with and bus_state */
    const void *bytes;             /* valid until it is done */
    uint64_t length;               /* how many bytes */
    uint64_t sequence;             /* counts this source's messages of this priority from 0 */
    const char *from;              /* who sent it: a feature; valid for as long as the process */
    poise_trace trace;             /* all 0: none */
    uint64_t request;              /* not 0: a reply is wanted */
    uint64_t deadline_nanoseconds; /* until when, on the monotonic clock; 0: no reply is wanted */
    uint64_t sent_nanoseconds;     /* when it was sent, on the monotonic clock; 0: not known */
} poise_message;

/* Whether a host has a function: whether it is new enough. POISE_HOST_HAS(host, bus_reserve) */
#define POISE_HOST_HAS(host, function)                                              \
    ((const char *)(&(host)->function + 1) <= (const char *)(host) + (host)->size && \
     (host)->function)

/* What the plugin may ask of its host, from any thread. need, log and event return at once and
 * never fail; what comes faster than the host lets through is dropped and counted. */
typedef struct poise_host_functions {
    uint32_t size; /* sizeof(poise_host_functions) of the host */
    uint32_t abi;  /* POISE_PLUGIN_ABI of the host */
    void *context; /* the first argument of each function below */

    /* "I want this many millicores of this class in all, for that long." 0 millicores takes the
     * need back. */
    void (*need)(void *context, uint32_t core_class, uint32_t millicores, uint64_t milliseconds);

    /* One line of the log. fields may be null when field_count is 0. */
    void (*log)(void *context, uint32_t level, const char *text, const poise_field *fields,
                uint32_t field_count);

    /* Something that others may want to hear of. */
    void (*event)(void *context, const char *name, const poise_field *fields,
                  uint32_t field_count);

    /* Since ABI 1.2, from here on: the bus. Look with POISE_HOST_HAS before the first call. Unless
     * a line says otherwise they return one of POISE_BUS_…. */

    /* The number of a topic, the same for ever and everywhere; never 0. */
    uint32_t (*bus_topic)(void *context, const char *name);

    /* Room for a message, in place: fills in bytes, request and handle. Waits for room as long as
     * the route says. bus_commit, bus_stage or bus_abort follows soon, on the same thread, and
     * before it reserves another: whoever sends by the same link meanwhile waits for it. A topic
     * with several receivers is written once, and copied for the others by bus_commit. */
    int32_t (*bus_reserve)(void *context, poise_outgoing *message);

    /* As bus_reserve for the reply to a message that wants one: topic and request are set by the
     * host. POISE_BUS_LATE: the deadline has passed, nobody waits any more. */
    int32_t (*bus_reserve_reply)(void *context, const poise_message *request,
                                 poise_outgoing *message);

    /* The message is whole: it is sent, with all that were staged before it by the same links. */
    int32_t (*bus_commit)(void *context, poise_outgoing *message);

    /* The message is whole; it is sent with the next bus_commit by the same links, or with
     * bus_publish: several messages cost little more than one. */
    int32_t (*bus_stage)(void *context, poise_outgoing *message);

    /* Sends all that was staged. */
    void (*bus_publish)(void *context);

    /* The message is not sent. */
    void (*bus_abort)(void *context, poise_outgoing *message);

    /* The next message from anybody, the most urgent first; waits so many nanoseconds at most (0:
     * not at all; UINT64_MAX: for ever). Several may be received before they are done. One thread
     * receives at a time. */
    int32_t (*bus_receive)(void *context, poise_message *message, uint64_t nanoseconds);

    /* Ends the wait of who is in bus_receive, or of the next to call it: it gives
     * POISE_BUS_NOTHING. */
    void (*bus_wake)(void *context);

    /* All messages received so far are done; their bytes are no longer valid. By the thread that
     * receives. */
    void (*bus_done)(void *context);

    /* All messages received from this source are done, and in the same step these bytes, at most
     * POISE_BUS_STATE, replace those kept with the source's link. Whoever keeps what it computed
     * from the messages there sees each exactly once, wherever it was killed. By the thread that
     * receives. */
    int32_t (*bus_done_with)(void *context, uint32_t source, const void *state, uint64_t length);

    /* Copies what bus_done_with kept last with a source's link, also before this process was
     * started; gives its length, 0 when there is nothing, or -1 when there is no such source or no
     * room for it. By the thread that receives. */
    int64_t (*bus_state)(void *context, uint32_t source, void *state, uint64_t capacity);

    /* Waits for the reply to a request until its deadline, and copies it. POISE_BUS_TOO_LONG: it
     * has *length bytes, come again with more room. Of several replies the first counts. Each
     * request is awaited, by one thread; messages that come meanwhile are kept for bus_receive. */
    int32_t (*bus_await)(void *context, uint64_t request, void *bytes, uint64_t capacity,
                         uint64_t *length);
} poise_host_functions;

/* What a plugin is created with. */
typedef struct poise_creation {
    uint32_t size;                     /* sizeof(poise_creation) of the host */
    uint32_t config_length;            /* bytes of config without the zero byte */
    const poise_host_functions *host;  /* valid for as long as the process lives */
    const char *feature;               /* the feature's name */
    const char *state_folder;          /* a folder of its own that it may write to */
    const char *config;                /* the policy's config, as JSON text */
    const poise_allocation *allocation; /* the first one; apply is not called for it */
} poise_creation;

/* The plugin's table. It is valid for as long as the process lives. */
typedef struct poise_plugin_functions {
    uint32_t size;       /* sizeof(poise_plugin_functions) of the plugin */
    uint32_t abi;        /* POISE_PLUGIN_ABI of the plugin */
    const char *name;    /* what the plugin calls itself, at most 64 bytes */
    const char *version; /* its version, at most 64 bytes */
    void *context;       /* the plugin's own, given to create; may be null */

    /* Makes the plugin: *instance becomes the first argument of each call below. Checks the
     * configuration and opens nothing slow. Returns POISE_DONE, POISE_CONFIGURATION or
     * POISE_ENVIRONMENT, and says why in *why. */
    int32_t (*create)(void *context, const poise_creation *creation, void **instance,
                      poise_text *why);

    /* Begins work on threads of its own and returns at once. Returns as create does. */
    int32_t (*start)(void *instance, poise_text *why);

    /* A new allocation: called before CPUs are taken away and after they were added. When it
     * returns, no thread of the plugin wants the CPUs that are gone. May be null. */
    void (*apply)(void *instance, const poise_allocation *allocation);

    /* Finishes what is under way and takes nothing new; returns when that is done, or after so
     * many milliseconds. May be null. */
    void (*drain)(void *instance, uint64_t milliseconds);

    /* Ends all threads and frees everything. */
    void (*stop)(void *instance);

    /* POISE_GOOD, POISE_DEGRADED or POISE_FAILING, and why in *why. May be null: always good. */
    int32_t (*healthy)(void *instance, poise_text *why);

    /* Writes what it knows of its load. May be null: nothing is known. */
    void (*sample)(void *instance, poise_report *report);

    /* Since ABI 1.1. The machine is at another level from now on, POISE_FULL to POISE_EMERGENCY:
     * below POISE_FULL shed what can wait. A plugin whose policy does not let it run at that level
     * is stopped two seconds later. Returns at once. May be null. */
    void (*service_level)(void *instance, uint32_t level);

    /* Since ABI 1.1. Its memory is over its budget: give up so many bytes, by dropping caches and
     * shortening queues; who stays over the budget is ended. May be null. */
    void (*shrink)(void *instance, uint64_t bytes);
} poise_plugin_functions;

/* Exported by every plugin: POISE_PLUGIN_ABI, as it was built. Called first; when the major is not
 * the host's, nothing else is called. */
POISE_EXPORT uint32_t poise_plugin_abi(void);

/* Exported by every plugin: its table, or null when it does not want a host of this number. */
POISE_EXPORT const poise_plugin_functions *poise_plugin_entry(uint32_t host_abi);

#ifdef __cplusplus
}
#endif

#endif
