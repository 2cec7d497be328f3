// Closes the channel that its host speaks to poised on.
#include "harm.h"

HARM_ON_A_THREAD()

static void harm(void) { tell_outcome("close", close(3)); }
