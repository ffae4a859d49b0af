/* The most that the network takes at a time. */
#ifndef EMBER_NET_SIZES_H
#define EMBER_NET_SIZES_H

/* Clients at once; further ones wait until one has gone. */
#define NET_CLIENTS_MOST 100
/* Requests of the function to other servers at once; the shim of `fetch` keeps further ones back. */
#define NET_FETCHES_MOST 16
/* Ports that the function serves HTTP on: as many as the config block has. */
#define NET_PORTS_MOST 4

#endif
