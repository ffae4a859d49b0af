/* Frames of the invocation channel as structures; all little-endian. guest/PROTOCOL.md describes them. */
#ifndef EMBER_FRAMES_H
#define EMBER_FRAMES_H

#include <stdint.h>

#define PROTOCOL_VERSION 1
#define MAX_BODY (16 * 1024 * 1024 + 256 * 1024)

enum frame_type { FRAME_HELLO = 1, FRAME_INVOKE, FRAME_RESPONSE, FRAME_ERROR, FRAME_PING, FRAME_PONG, FRAME_ENVIRON, FRAME_SEED };

enum error_code {
  ERROR_PROTOCOL,
  ERROR_THREW,
  ERROR_TIMEOUT,
  ERROR_OUT_OF_MEMORY,
  ERROR_NEVER_SETTLED,
  ERROR_UNSENDABLE,
  ERROR_CRASHED,
  ERROR_BAD_EVENT
};

enum body_kind { KIND_NONE, KIND_JSON, KIND_TEXT, KIND_BYTES };

struct frame_header {
  uint32_t body_bytes;
  uint8_t type, version;
  uint16_t zero;
  uint32_t id;
} __attribute__((packed));

struct invoke_body {
  uint32_t deadline_ms, zero;
  uint64_t wall_ns, tsc_hz;
  uint8_t seed[32];
  /* The event's JSON text follows. */
} __attribute__((packed));

struct seed_body {
  uint64_t wall_ns, tsc_hz;
  uint8_t seed[32];
} __attribute__((packed));

struct clock_block {
  uint64_t tsc_now, tsc_hz;
  uint16_t mark_count;
  /* Linear memory in pages of 64 KiB, and the bytes of it that JavaScript's values take. */
  uint16_t heap_pages;
  uint32_t heap_bytes;
} __attribute__((packed));

struct hello_body {
  struct clock_block clock;
  uint32_t version, heap_pages, max_pages, zero;
  /* Marks follow. */
} __attribute__((packed));

struct response_body {
  struct clock_block clock;
  uint16_t status;
  uint8_t kind, zero;
  uint32_t headers_bytes, body_bytes, zero2;
  /* Marks, headers (JSON) and body follow. */
} __attribute__((packed));

struct error_body {
  struct clock_block clock;
  uint16_t code;
  uint8_t fatal, zero;
  uint32_t name_bytes, message_bytes, stack_bytes;
  /* Marks, name, message and stack follow. */
} __attribute__((packed));

struct pong_body {
  uint64_t host_ns, tsc_received, tsc_sent, tsc_hz;
} __attribute__((packed));

struct wire_mark {
  uint16_t id, zero;
  uint32_t zero2;
  uint64_t tsc;
} __attribute__((packed));

#endif
