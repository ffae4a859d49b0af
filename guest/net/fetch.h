/* Requests of the function to other servers: HTTP/1.1, one for each connection, with their deadlines. What is common to all of `net/`. */
#ifndef EMBER_NET_FETCH_H
#define EMBER_NET_FETCH_H

#include <stdint.h>

/* Closes the connections that have ended, and goes on with what waited for an address. Not for lwIP's callbacks. */
void fetches_sweep(void);

/* Ends what has taken too long. */
void fetches_look_after(uint64_t now_ms);

#endif
