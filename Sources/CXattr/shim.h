#pragma once

// Extended attributes of the C library, which the module Glibc leaves out.
#include <sys/xattr.h>
