/* The invocation channel, and the port for a function's output, over the device that the machine has for them. */
#ifndef EMBER_CHANNEL_H
#define EMBER_CHANNEL_H

#include <stddef.h>
#include "virtio.h"

/* The pieces of one send. */
#define CHANNEL_PIECES_MOST 8

/* The operations of a device. */
struct channel_driver {
  /* 1 when `read` would return something. */
  int (*readable)(void);
  /* Copies at most `count` received bytes and returns their number; 0 when none have arrived. */
  size_t (*read)(void *to, size_t count);
  /* Sends pieces once the previous send is complete. The memory they point to must not change until `wait_sent` returns. */
  void (*post)(const struct iovec *, int count);
  /* Returns when the host has taken the last send. */
  void (*wait_sent)(void);
  /* 1 when there is a port for a function's output. */
  int (*open_console)(void);
  /* Sends pieces; the memory they point to must not change until `is_console_sent`. One send at a time. */
  void (*post_console)(const struct iovec *, int count);
  int (*is_console_sent)(void);
};

/* A driver calls this once its channel is open. */
void channel_use(const struct channel_driver *);

/* Null until the channel is open. */
const struct channel_driver *channel(void);

/* Sends pieces in order, and returns when the host has taken them. */
void channel_send(const struct iovec *, int count);

#endif
