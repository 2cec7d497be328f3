// What the test plugins have in common: calls that do nothing, and the two exported functions.
// A plugin includes it, writes what it does otherwise, and ends with PLUGIN(fields of its table).
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "poise_plugin.h"

static const poise_host_functions *host;

static int32_t plain_create(void *context, const poise_creation *creation, void **instance,
                            poise_text *why) {
    (void)context, (void)instance, (void)why;
    host = creation->host;
    return POISE_DONE;
}

static int32_t plain_start(void *instance, poise_text *why) {
    (void)instance, (void)why;
    return POISE_DONE;
}

static void plain_stop(void *instance) { (void)instance; }

#define ABI(number) \
    uint32_t poise_plugin_abi(void) { return number; }

#define TABLE(...)                                                                \
    const poise_plugin_functions *poise_plugin_entry(uint32_t host_abi) {         \
        (void)host_abi, (void)plain_create, (void)plain_start, (void)plain_stop;  \
        static const poise_plugin_functions functions = {                         \
            .size = sizeof functions, .abi = POISE_PLUGIN_ABI, .name = "test",    \
            .version = "1.2", __VA_ARGS__};                                       \
        return &functions;                                                        \
    }

#define PLUGIN(...) ABI(POISE_PLUGIN_ABI) TABLE(__VA_ARGS__)
