/* Clients of the function and probes of the cluster: their connections and their order. */
#ifndef FIRSTLIGHT_CLIENTS_H
#define FIRSTLIGHT_CLIENTS_H

#include "supervisor.h"
#include <poll.h>

#define MOST_CLIENTS 64

/* The state of the guest and of its current request. Units: `_ns` since 1970, `_ms` of the monotonic clock. */
struct state {
  struct machine machine;
  const char *why;	/* the reason for the accelerator */
  struct buffer in, out;	/* the channel */
  struct buffer boot_marks, first_marks;
  uint64_t hz, hello_counter;
  int64_t started_ns, vmm_ns, resumed_ns, spoke_ns, hello_ns, first_request_ns, first_answered_ns;
  int64_t boot_deadline, invoke_deadline, stopped_ms;
  bool is_invoking, is_stopping;
  bool has_said;	/* a guest that serves HTTP itself has reported that it listens */
  uint32_t id;
  unsigned restarts, requests;
};

/* A socket that listens on all addresses. */
int listen_on(int port);
/* Opens the port of probes, and that of requests for a guest that takes frames. */
void clients_open(struct state *state, const struct options *options);
/* Fills in the poll entries and returns their number. */
size_t clients_poll(struct pollfd *polled);
void clients_take(const struct pollfd *polled);
/* Hands the oldest waiting request to the guest. */
void clients_send_next(const struct options *options);
/* Answers the guest's current request. */
void clients_answer(const struct frame *frame);
void clients_fail(int status, const char *why);
/* For the replacement of a guest that has sent nothing yet: its request waits again. */
void clients_requeue(void);
/* True when no client is waiting. */
bool clients_idle(void);

#endif
