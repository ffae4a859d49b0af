/* Process 1 of a pod that carries its own virtual machine: starts QEMU, hands HTTP requests to the guest, answers probes,
 * and ends the guest in an orderly way. docs/deploying.md describes it for people. */
#ifndef FIRSTLIGHT_SUPERVISOR_H
#define FIRSTLIGHT_SUPERVISOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "../http/http.h"
#include "../rt/frames.h"

/* The options of the command line. Units: ms. */
struct options {
  const char *args_path;	/* QEMU's arguments, one per line */
  const char *run_dir;	/* the directory of its sockets */
  const char *accel;	/* auto, kvm or tcg */
  int port;
  int status_port;
  int forward_port;	/* where QEMU forwards to a guest that serves HTTP itself; 0: the guest takes frames */
  bool says_ready;	/* such a guest reports on its console when it listens */
  int timeout_ms;
  int boot_ms;
  int grace_ms;
  char **words;		/* the arguments for the function, up to a null pointer */
};

void buffer_format(struct buffer *to, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Prints a line on standard error, which is the pod's log. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Does the same and ends this process with code 1. */
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

int64_t now_ms(void);
/* Nanoseconds since 1970: the cluster's own times use that clock. */
int64_t wall_ns(void);

/* The answer in a RESPONSE frame; false when the frame is incomplete. */
bool answer_response(struct buffer *to, const uint8_t *body, size_t length);
/* The answer to an ERROR frame; `fatal` means that the guest powers off. */
bool answer_error(struct buffer *to, const uint8_t *body, size_t length, bool *fatal);

/* The variables for the guest: those of this process whose names begin with FIRSTLIGHT_ENV_. The names may be logged, the
 * values may not. Shape: a JSON object of texts, without the prefix; the number of variables. */
size_t environ_read(struct buffer *json, struct buffer *names);
/* The arguments as a JSON array of texts. */
void environ_arguments(struct buffer *json, char **words);

/* Frames of guest/PROTOCOL.md. */
struct frame {
  uint8_t type;
  uint32_t id;
  const uint8_t *body;
  size_t length;
  size_t taken;		/* bytes of the stream */
};
/* 1: a frame, 0: incomplete, -1: the guest broke the protocol. */
int frame_read(const struct buffer *bytes, struct frame *frame);
void frame_invoke(struct buffer *to, uint32_t id, uint32_t timeout_ms, const struct buffer *event);
void frame_environ(struct buffer *to, const struct buffer *json);
/* The marks of a frame's clock block as a JSON array, the counter when it was sent, and the counter's rate. */
void frame_marks(const struct frame *frame, struct buffer *json, uint64_t *now, uint64_t *hz);

/* QEMU, by its process and its sockets. */
struct machine {
  int pid;		/* 0: none */
  int qmp, serial;	/* -1: not open */
  int channel, console;	/* the same; never open for a guest that serves HTTP itself */
  bool is_kvm;
};
/* Starts QEMU paused and opens its sockets. False when it ended at once. */
bool machine_start(struct machine *machine, const struct options *options, bool use_kvm);
void machine_execute(struct machine *machine, const char *command);
/* Closes the sockets, ends the process and waits for its exit. */
void machine_end(struct machine *machine);
/* True when /dev/kvm can be opened. */
bool kvm_opens(const char **why);

#endif
