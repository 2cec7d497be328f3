// A library, but no plugin: it lacks its entry.
#include "skeleton.h"

ABI(POISE_PLUGIN_ABI)

void *unused[] = {(void *)plain_create, (void *)plain_start, (void *)plain_stop};
