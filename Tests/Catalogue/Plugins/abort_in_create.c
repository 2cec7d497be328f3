// Ends itself while it is created, each time; there is no moment before its harm.
#include "harm.h"

static int32_t create(void *context, const poise_creation *creation, void **instance,
                      poise_text *why) {
    harm_create(context, creation, instance, why);
    begin_harm();
    abort();
}

#undef PLUGIN
#define PLUGIN(...)                                                               \
    uint32_t poise_plugin_abi(void) { return POISE_PLUGIN_ABI; }                  \
    const poise_plugin_functions *poise_plugin_entry(uint32_t host_abi) {         \
        (void)host_abi, (void)set_moment;                                         \
        static const poise_plugin_functions functions = {                         \
            .size = sizeof functions, .abi = POISE_PLUGIN_ABI, .name = "bad",     \
            .version = "1.0", __VA_ARGS__};                                       \
        return &functions;                                                        \
    }

PLUGIN(.create = create, .start = plain_start, .stop = plain_stop)
