/* The invocation channel, and the port for what a function prints, over whichever device the machine has for them. */
#ifndef EMBER_CHANNEL_H
#define EMBER_CHANNEL_H

#include <stddef.h>
#include "virtio.h"

/* The pieces of one send. */
#define CHANNEL_PIECES_MOST 8

/* What a device does. */
struct channel_driver {
  /* 1 when `read` would return something. */
  int (*readable)(void);
  /* Copies at most `count` received bytes; 0 when none have come. */
  size_t (*read)(void *to, size_t count);
  /* Sends pieces once the send before is through. What they point to must stay as it is until `wait_sent` returns. */
  void (*post)(const struct iovec *, int count);
  /* Returns when the host has taken what was sent last. */
  void (*wait_sent)(void);
  /* 1 when there is a port for what a function prints. */
  int (*open_console)(void);
  /* Sends pieces; what they point to must stay until `is_console_sent`. One send at a time. */
  void (*post_console)(const struct iovec *, int count);
  int (*is_console_sent)(void);
};

/* Called by a driver, once its channel is open. */
void channel_use(const struct channel_driver *);

/* Null until the channel is open. */
const struct channel_driver *channel(void);

/* Sends pieces in order, and returns when the host has taken them. */
void channel_send(const struct iovec *, int count);

#endif
