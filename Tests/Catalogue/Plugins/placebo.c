// Does no harm at all: what the others' figures are to be compared with, because a machine that
// does other work as well is never quiet.
#include "harm.h"

HARM_ON_A_THREAD()

static void harm(void) {}
