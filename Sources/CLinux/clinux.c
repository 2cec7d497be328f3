#include "poise_linux.h"
