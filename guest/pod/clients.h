/* Clients of the function and probes of the cluster: their connections, and whose turn it is. */
#ifndef FIRSTLIGHT_CLIENTS_H
#define FIRSTLIGHT_CLIENTS_H

#include "supervisor.h"
#include <poll.h>

#define MOST_CLIENTS 64

/* What is known of the guest and of the request that it has. Units: `_ns` since 1970, `_ms` of the monotonic clock. */
struct state {
  struct machine machine;
  const char *why;	/* of the accelerator */
  struct buffer in, out;	/* the channel */
  struct buffer boot_marks, first_marks;
  uint64_t hz;
  int64_t started_ns, vmm_ns, resumed_ns, hello_ns, first_request_ns, first_answered_ns;
  int64_t boot_deadline, invoke_deadline, stopped_ms;
  bool is_invoking, is_stopping;
  uint32_t id;
  unsigned restarts, requests;
};

/* Opens both ports. */
void clients_open(struct state *state, const struct options *options);
/* Fills in what to poll for; the answer is how many there are. */
size_t clients_poll(struct pollfd *polled);
void clients_take(const struct pollfd *polled);
/* Hands the oldest request that waits to the guest. */
void clients_send_next(const struct options *options);
/* Answers the request that the guest has. */
void clients_answer(const struct frame *frame);
void clients_fail(int status, const char *why);
/* A guest that said nothing yet is replaced: the request that it was sent waits again. */
void clients_requeue(void);
/* True when no client waits for anything. */
bool clients_idle(void);

#endif
