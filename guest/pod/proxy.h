/* A guest that serves HTTP itself: its clients' connections are joined to its port, byte by byte. */
#ifndef FIRSTLIGHT_PROXY_H
#define FIRSTLIGHT_PROXY_H

#include "clients.h"

#define MOST_PAIRS 64
#define PROXY_POLLS (2 + 2 * MOST_PAIRS)

/* Opens the port for clients. `variables` is a JSON object, `arguments` a JSON array, for a guest that reports when it
 * listens: it gets them before any client. Empty: none. */
void proxy_open(struct state *state, const struct options *options, const struct buffer *variables, const struct buffer *arguments);
/* Fills in PROXY_POLLS poll entries. */
void proxy_poll(struct pollfd *polled);
void proxy_take(const struct pollfd *polled);
/* Ends all connections: the guest has gone. */
void proxy_drop_all(void);
/* True when no connection has carried anything for a moment. */
bool proxy_idle(void);

/* Finds out whether the guest is ready by now, without waiting: it has reported so itself, or answers HTTP. */
void proxy_watch_start(void);

#endif
