/* The invocation channel: guest/PROTOCOL.md. All data from the guest is checked against limits before use. */
#define _GNU_SOURCE
#include "supervisor.h"
#include <string.h>
#include <sys/random.h>

#define MOST_MARKS 64
/* HELLO, RESPONSE and ERROR alike have a fixed part of this size, and their marks follow it. */
#define FIXED_BYTES sizeof(struct response_body)

int frame_read(const struct buffer *bytes, struct frame *frame)
{
  struct frame_header header;

  if (bytes->length < sizeof header)
    return 0;
  memcpy(&header, bytes->data, sizeof header);
  if (header.version != PROTOCOL_VERSION || header.body_bytes > MAX_BODY)
    return -1;
  if (bytes->length - sizeof header < header.body_bytes)
    return 0;
  *frame = (struct frame){ header.type, header.id, bytes->data + sizeof header, header.body_bytes,
         sizeof header + header.body_bytes };
  return 1;
}

void frame_invoke(struct buffer *to, uint32_t id, uint32_t timeout_ms, const struct buffer *event)
{
  struct invoke_body body = { .deadline_ms = timeout_ms, .wall_ns = (uint64_t)wall_ns() };
  struct frame_header header = { .body_bytes = (uint32_t)(sizeof body + event->length), .type = FRAME_INVOKE,
               .version = PROTOCOL_VERSION, .id = id };

  if (getrandom(body.seed, sizeof body.seed, 0) != sizeof body.seed)
    fail("the system has no random numbers");
  buffer_add(to, &header, sizeof header);
  buffer_add(to, &body, sizeof body);
  buffer_add(to, event->data, event->length);
}

void frame_environ(struct buffer *to, const struct buffer *json)
{
  struct frame_header header = { .body_bytes = (uint32_t)json->length, .type = FRAME_ENVIRON,
               .version = PROTOCOL_VERSION };

  if (json->length > MAX_BODY)
    fail("the environment is larger than a frame may be");
  buffer_add(to, &header, sizeof header);
  buffer_add(to, json->data, json->length);
}

void frame_marks(const struct frame *frame, struct buffer *json, uint64_t *now, uint64_t *hz)
{
  struct clock_block clock = { 0 };

  if (frame->length >= FIXED_BYTES)
    memcpy(&clock, frame->body, sizeof clock);
  *now = clock.tsc_now;
  if (clock.tsc_hz != 0)
    *hz = clock.tsc_hz;
  buffer_text(json, "[");
  for (uint32_t i = 0; i < clock.mark_count && i < MOST_MARKS; i++) {
    struct wire_mark mark;
    size_t at = FIXED_BYTES + i * sizeof mark;

    if (at + sizeof mark > frame->length)
      break;
    memcpy(&mark, frame->body + at, sizeof mark);
    buffer_format(json, "%s[%u,%llu]", i ? "," : "", mark.id, (unsigned long long)mark.tsc);
  }
  buffer_text(json, "]");
}
