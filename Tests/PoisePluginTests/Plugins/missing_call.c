// Has no create in its table.
#include "skeleton.h"

PLUGIN(.start = plain_start, .stop = plain_stop)
