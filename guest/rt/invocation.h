/* The invocation that runs: its state, its answers and its handler. The files of invocations share it, nobody else. */
#ifndef EMBER_INVOCATION_H
#define EMBER_INVOCATION_H

#include <stdint.h>
#include "../dev/virtio.h"
#include "engine.h"
#include "frames.h"

/* The time limit for the prelude's report after a time-out. */
#define GRACE_NS 250000000

struct invocation {
  uint32_t id, deadline_ms;
  uint64_t deadline_tsc; /* 0: no limit */
  int answered, timed_out;
};

extern struct invocation current;

/* --- answer.c --- */

/*
 * Sends a frame: its fixed part, all marks so far, and up to three more pieces. `fixed` starts with a clock block. HELLO does not wait:
 * the invocation may have arrived already. All other frames wait, as they may point to memory that their sender frees.
 */
void send_frame(enum frame_type type, void *fixed, uint32_t fixed_bytes, const struct iovec *rest, int count);

/* Sends an ERROR, or the answer of the function's own server. `fatal`: the guest ends after it. */
void send_error(enum error_code code, int fatal, struct iovec name, struct iovec message, struct iovec stack);

/* The same with a message alone. */
void send_plain_error(enum error_code code, int fatal, const char *message);

/* Sends the error of an invocation whose time is used up. */
void send_timed_out(struct iovec stack);

/* Sends the usual answer: status 200 and a JSON text, which the caller still owns. */
void respond_json(js_value json);

/* The same for a value that is plain data. Returns 0, and has done nothing, when it is more than that. */
int respond_plain(js_value);

struct iovec text_of(const char *text);

/* --- handler.c --- */

/* Begins an invocation: its answer has this id. */
void begin_invocation(uint32_t id, uint64_t received_tsc);

/* Runs the handler with the event of this JSON text, which is freed, and answers. `deadline_ms` 0: no limit. */
void run_event(uint32_t text, uint32_t bytes, uint32_t deadline_ms, uint64_t received_tsc);

#endif
