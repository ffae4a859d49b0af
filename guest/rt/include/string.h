#include "../memory.h"
