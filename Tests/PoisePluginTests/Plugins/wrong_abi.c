// Was built against a border that does not exist yet; its entry must not be called.
#include "skeleton.h"

ABI(0x00070000u)

const poise_plugin_functions *poise_plugin_entry(uint32_t host_abi) {
    (void)host_abi, (void)plain_create, (void)plain_start, (void)plain_stop;
    abort();
}
