/* The address of the network card from a DHCP server, by lwIP's client: its timers, its faults, and when the lease has to be renewed. */
#ifndef EMBER_NET_LEASE_H
#define EMBER_NET_LEASE_H

#include <stdint.h>
#include "lwip/netif.h"

/* Asks for an address. Without this call all others come to nothing. */
void lease_begin(struct netif *);

/* Gives lwIP a frame. What is for the address that is not ours yet is kept until it is. */
void lease_input(struct pbuf *);

/* Calls the timers that are due. */
void lease_poll(uint64_t now_ms);

/* When `lease_poll` has to be called next, in milliseconds since boot; UINT64_MAX: never. */
uint64_t lease_due_ms(void);

#endif
