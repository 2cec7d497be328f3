#include "poise_plugin.h"

#include <stddef.h>

// The border holds no padding that a compiler chose: every structure is the sum of its fields.
_Static_assert(sizeof(void *) == 8, "the border is made for 64-bit machines");
_Static_assert(sizeof(poise_cpus) == 16, "poise_cpus");
_Static_assert(sizeof(poise_core) == 24, "poise_core");
_Static_assert(sizeof(poise_accelerator) == 24, "poise_accelerator");
_Static_assert(sizeof(poise_allocation) == 144, "poise_allocation");
_Static_assert(sizeof(poise_text) == 16, "poise_text");
_Static_assert(sizeof(poise_gauge) == 56, "poise_gauge");
_Static_assert(sizeof(poise_report) == 72, "poise_report");
_Static_assert(sizeof(poise_host_functions) == 144, "poise_host_functions");
_Static_assert(sizeof(poise_trace) == 32, "poise_trace");
_Static_assert(sizeof(poise_outgoing) == 88, "poise_outgoing");
_Static_assert(sizeof(poise_message) == 104, "poise_message");
_Static_assert(sizeof(poise_creation) == 48, "poise_creation");
_Static_assert(sizeof(poise_plugin_functions) == 104, "poise_plugin_functions");
// What a plugin of ABI 1.0 has.
_Static_assert(offsetof(poise_plugin_functions, service_level) == 88, "ABI 1.0");
// What a host of ABI 1.1 has.
_Static_assert(offsetof(poise_host_functions, bus_topic) == 40, "ABI 1.1");
