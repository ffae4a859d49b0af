#include "given.h"

/* What is left of a command line. */
struct rest {
  const char *at, *end;
};

static char next(const struct rest *rest) { return rest->at < rest->end ? *rest->at : 0; }

static int take(struct rest *rest, char wanted) {
  if (next(rest) != wanted) return 0;
  rest->at++;
  return 1;
}

static int take_number(struct rest *rest, uint32_t *number) {
  int digits = 0;
  for (*number = 0; next(rest) >= '0' && next(rest) <= '9' && digits < 4; digits++) *number = *number * 10 + (uint32_t)(*rest->at++ - '0');
  return digits > 0 && *number <= 255;
}

static int take_address(struct rest *rest, uint32_t *address) {
  *address = 0;
  for (int part = 0; part < 4; part++) {
    uint32_t number;
    if ((part > 0 && !take(rest, '.')) || !take_number(rest, &number)) return 0;
    *address |= number << (8 * part);
  }
  return 1;
}

/* A field that may be empty. */
static int take_field(struct rest *rest, uint32_t *address) {
  *address = 0;
  return next(rest) == ':' || take_address(rest, address);
}

static int is_end(const struct rest *rest) { return next(rest) == 0 || next(rest) == ' ' || next(rest) == ':'; }

int given_read(const char *text, uint32_t bytes, struct given *to) {
  struct rest rest = {text, text + bytes};
  for (char before = ' '; next(&rest); before = *rest.at++) {
    struct rest word = rest;
    if (before != ' ' || !take(&word, 'i') || !take(&word, 'p') || !take(&word, '=')) continue;
    struct given found;
    uint32_t server;
    if (!take_address(&word, &found.address) || !take(&word, ':') || !take_field(&word, &server) || !take(&word, ':')) continue;
    if (!take_field(&word, &found.gateway) || !take(&word, ':') || !take_address(&word, &found.netmask) || !is_end(&word)) continue;
    if (!found.address) continue;
    *to = found;
    return 1;
  }
  return 0;
}
