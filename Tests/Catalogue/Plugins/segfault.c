// Writes where nothing is.
#include "harm.h"

HARM_ON_A_THREAD()

static void harm(void) { *(volatile int *)8 = 1; }
