/* HTTP answers from frames of the guest. Each ends its connection. */
#include "supervisor.h"
#include <string.h>

static const struct answer_form closing = { false, false };

bool answer_response(struct buffer *to, const uint8_t *body, size_t length)
{
  struct response_body head;

  if (length < sizeof head)
    return false;
  memcpy(&head, body, sizeof head);
  uint64_t at = sizeof head + (uint64_t)head.clock.mark_count * sizeof(struct wire_mark);

  if (at + head.headers_bytes + head.body_bytes != length)
    return false;
  const char *headers = (const char *)body + at;

  return answer_function(to, closing, head.status, headers, head.headers_bytes, headers + head.headers_bytes, head.body_bytes);
}

bool answer_error(struct buffer *to, const uint8_t *body, size_t length, bool *fatal)
{
  struct error_body head;

  if (length < sizeof head)
    return false;
  memcpy(&head, body, sizeof head);
  uint64_t at = sizeof head + (uint64_t)head.clock.mark_count * sizeof(struct wire_mark);

  if (at + head.name_bytes + head.message_bytes + head.stack_bytes != length)
    return false;
  const char *name = (const char *)body + at, *message = name + head.name_bytes;

  *fatal = head.fatal;
  /* The stack goes to the log: a caller of the function must not see it. */
  say("the function failed: %.*s%s%.*s", (int)head.name_bytes, name, head.name_bytes ? ": " : "", (int)head.message_bytes, message);
  if (head.stack_bytes)
    say("%.*s", (int)head.stack_bytes, message + head.message_bytes);
  answer_failure(to, closing, head.code == ERROR_TIMEOUT ? 504 : 500, name, head.name_bytes, message, head.message_bytes);
  return true;
}
