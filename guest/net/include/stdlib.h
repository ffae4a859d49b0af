/* Memory of the function: what a request needs counts as the function's own. Null when there is none. */
#ifndef EMBER_NET_STDLIB_H
#define EMBER_NET_STDLIB_H

#include <stddef.h>

void *malloc(size_t);
void free(void *);

#endif
