/*
 * The network of a function that asks for it: the function serves HTTP on ports of its own, beside the invocation channel, and sends
 * requests to other servers. A kernel without the network has none of it, and these calls come to nothing.
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

/* Why a request to another server has no response. core/bundle/shims/fetch.ts has the same numbers. */
enum fetch_failure {
  FETCH_FINE,
  FETCH_NO_NETWORK,
  FETCH_NO_ADDRESS,
  FETCH_REFUSED,
  FETCH_UNREACHABLE,
  FETCH_RESET,
  FETCH_CUT_SHORT,
  FETCH_LATE,
  FETCH_NOT_HTTP,
  FETCH_TOO_LARGE,
  FETCH_NO_MEMORY,
  FETCH_NO_LEASE,
  FETCH_CANCELLED,
};

/*
 * Sends a request, head and body, to a server whose host is a name or an address; what was given is copied. `most_ms` is for all of it.
 * It is answered with its id, by `net_fetch_next`, unless it is cancelled.
 */
void net_fetch_begin(uint32_t id, struct iovec host, uint16_t port, struct iovec request, int is_head, uint32_t most_ms);

struct fetch_result {
  uint32_t id;
  enum fetch_failure failure;
  uint32_t status;
  /* Name, zero, value, zero, ... */
  struct iovec headers;
  struct iovec body;
};

/* The result that came first, which stays until it is cancelled. Returns 0 when there is none. */
int net_fetch_next(struct fetch_result *);

/* Frees what a request has, and closes its connection. */
void net_fetch_cancel(uint32_t id);
void net_fetch_cancel_all(void);

/* 1 when there is a result, and when there is a result or may be one later. */
int net_fetch_is_ready(void);
int net_fetch_is_pending(void);

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
static inline void net_fetch_cancel_all(void) {}
static inline int net_fetch_is_ready(void) { return 0; }
static inline int net_fetch_is_pending(void) { return 0; }
static inline void net_finish(void) {}
static inline void net_abandon(void) {}

#endif

#endif
