/*
 * The network of a function that asks for it: the function serves HTTP on ports of its own, beside the invocation channel. A kernel
 * without the network has none of it, and these calls come to nothing.
 */
#ifndef EMBER_NET_H
#define EMBER_NET_H

#include <stddef.h>
#include <stdint.h>
#include "../dev/timer.h"
#include "../dev/virtio.h"

#ifdef EMBER_NETWORK

/* 1 when the network may be waited for: it opens at the first call, and there is a card. */
int net_is_open(void);

/*
 * Takes the next whole request, as the JSON text of an event in linear memory, which ends with a zero byte and which the engine's
 * `free` takes. Returns 0 when none waits. From then on, until its answer, the request is the one being served.
 */
int net_take_request(struct iovec *event);

/* 1 while a request has no answer. */
int net_is_serving(void);

/* Answers the request that is being served; what was given is copied. */
void net_respond(uint32_t status, struct iovec headers, struct iovec body);
void net_fail(uint32_t status, struct iovec name, struct iovec message);

/* Handles what has arrived, if the network is open. */
void net_poll(void);

/* The same for code that runs often: looks first whether anything has arrived. */
void net_glance(void);

/* Sleeps until an interrupt, a timer of the network, or for at most `ns`. */
void net_sleep_for(uint64_t ns);

/* Waits a little while clients take the answers that are under way. For the end of the guest. */
void net_finish(void);

/* For a panic: leaves the network as it is from now on. */
void net_abandon(void);

#else

static inline int net_is_serving(void) { return 0; }
static inline void net_respond(uint32_t status, struct iovec headers, struct iovec body) { (void)status, (void)headers, (void)body; }
static inline void net_fail(uint32_t status, struct iovec name, struct iovec message) { (void)status, (void)name, (void)message; }
static inline void net_poll(void) {}
static inline void net_glance(void) {}
static inline void net_sleep_for(uint64_t ns) { cpu_sleep_for(ns); }
static inline void net_finish(void) {}
static inline void net_abandon(void) {}

#endif

#endif
