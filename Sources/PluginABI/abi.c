#include "poise_plugin.h"
