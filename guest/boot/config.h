/* The config block of an image: everything that the host baked except the heap itself. */
#ifndef EMBER_CONFIG_H
#define EMBER_CONFIG_H

#include <stdint.h>
#include "layout.h"

struct ember_config {
  uint32_t magic;
  uint32_t version;
  uint32_t heap_pages;    /* linear memory in use, in pages of 64 KiB */
  uint32_t stack_pointer; /* QuickJS's own stack inside linear memory */
  uint32_t runtime;       /* JSRuntime and JSContext, as offsets in linear memory */
  uint32_t context;
  uint32_t invoke; /* boxed JS functions of the prelude, as offsets in linear memory */
  uint32_t finish;
  uint32_t report;
  uint32_t tick;
  uint32_t reset;
  uint32_t take_environ;
  /* The network: an IPv4 address, its netmask and gateway, in network byte order; the ports that the function serves HTTP on, 0: none. */
  uint32_t address;
  uint32_t netmask;
  uint32_t gateway;
  uint32_t ports[4];
  uint32_t timeout_ms; /* the longest time for a request of the function's own server */
  uint32_t nameserver; /* where `fetch` asks for the addresses of names, in network byte order; 0: nowhere */
};

/* The image's config. Valid only after `config_valid()` has returned 1. */
static inline const struct ember_config *config(void) { return (const struct ember_config *)EMBER_CONFIG_BASE; }

/* 1 when an image was baked onto this kernel, 0 for the bare kernel. */
static inline int config_valid(void) {
  return config()->magic == EMBER_CONFIG_MAGIC && config()->version == EMBER_CONFIG_VERSION;
}

#endif
