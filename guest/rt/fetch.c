#include "fetch.h"

#include "../net/net.h"

#ifdef EMBER_NETWORK

#include "engine.h"
#include "memory.h"

/* begin: id, host, port, request, is HEAD, ms. next: five words for a result. read: buffers for headers and body. cancel: id. */
enum fetch_operation { FETCH_BEGIN, FETCH_NEXT, FETCH_READ, FETCH_CANCEL };

static uint32_t number(uint32_t box) { return js_number(js_unbox(box)); }

/* The bytes of an ArrayBuffer; null when the value is none. */
static struct iovec bytes_of(uint32_t box) {
  uint32_t length;
  const void *data = js_buffer(box, &length);
  return (struct iovec){data, length};
}

static void begin(const uint32_t *args) {
  uint32_t length, host = js_text(js_unbox(args[2]), &length);
  if (!host) return;
  net_fetch_begin(number(args[1]), (struct iovec){engine_at(host), length}, number(args[3]), bytes_of(args[4]), number(args[5]), number(args[6]));
  js_free_text(host);
}

static void copy_into(uint32_t box, struct iovec from) {
  struct iovec to = bytes_of(box);
  if (from.length > 0) memcpy((void *)to.base, from.base, from.length < to.length ? from.length : to.length);
}

void fetch_call(uint32_t argc, const uint32_t *args) {
  uint32_t operation = argc > 0 ? number(args[0]) : UINT32_MAX;
  struct fetch_result result;
  if (operation == FETCH_BEGIN && argc == 7) {
    begin(args);
  } else if (operation == FETCH_NEXT && argc == 2) {
    if (!net_fetch_next(&result)) return;
    uint32_t words[] = {result.id, result.failure, result.status, result.headers.length, result.body.length};
    copy_into(args[1], (struct iovec){words, sizeof words});
  } else if (operation == FETCH_READ && argc == 3) {
    if (!net_fetch_next(&result)) return;
    copy_into(args[1], result.headers);
    copy_into(args[2], result.body);
  } else if (operation == FETCH_CANCEL && argc == 2) {
    net_fetch_cancel(number(args[1]));
  }
}

#else

void fetch_call(uint32_t argc, const uint32_t *args) {
  (void)argc;
  (void)args;
}

#endif
