// Was built against ABI 1.0: behind its table is what must not be called.
#include <stddef.h>

#include "skeleton.h"

static void crash(void) { abort(); }

static struct {
    poise_plugin_functions functions;
} old;

ABI(0x00010000u)

const poise_plugin_functions *poise_plugin_entry(uint32_t host_abi) {
    (void)host_abi;
    old.functions = (poise_plugin_functions){
        .size = offsetof(poise_plugin_functions, service_level), .abi = 0x00010000u,
        .name = "old", .version = "1.0", .create = plain_create, .start = plain_start,
        .stop = plain_stop, .service_level = (void (*)(void *, uint32_t))crash,
        .shrink = (void (*)(void *, uint64_t))crash};
    return &old.functions;
}
