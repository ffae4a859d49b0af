/* The parts of lwIP that Ember uses, and their sizes. Everything lives in the 2 MiB page of ring 3's data. */
#ifndef EMBER_LWIPOPTS_H
#define EMBER_LWIPOPTS_H

#include "sizes.h"

#define NO_SYS 1
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_NETCONN 0
#define LWIP_SOCKET 0
#define LWIP_STATS 0
#define LWIP_RAW 0
/* For the questions to the name server and to the DHCP server. */
#define LWIP_UDP 1
#define MEMP_NUM_UDP_PCB (NET_FETCHES_MOST + 1)
#define LWIP_DHCP 1
/* An address that another machine has is declined. */
#define DHCP_DOES_ARP_CHECK 1
#define LWIP_DNS 1
#define DNS_TABLE_SIZE NET_FETCHES_MOST
#define DNS_MAX_SERVERS 1
#define LWIP_IPV6 0
#define IP_REASSEMBLY 0
#define IP_FRAG 0
#define LWIP_NETIF_TX_SINGLE_PBUF 0
#define LWIP_BROADCAST_PING 0
#define ETHARP_SUPPORT_STATIC_ENTRIES 0

/* Nothing wakes for a timer that is not needed: net/stack.c calls the timers. */
#define LWIP_TIMERS 0

#define MEM_ALIGNMENT 8
/* What all clients' windows hold, when nobody reads them. */
#define MEM_SIZE (1280 * 1024)
/* A received frame is copied into a buffer of its own size. */
#define PBUF_POOL_SIZE 4
/* lwIP would have the pool hold a whole window; nothing is in it. */
#define LWIP_DISABLE_TCP_SANITY_CHECKS 1
#define MEMP_NUM_PBUF 2048
#define MEMP_NUM_TCP_SEG 2048
/* A client that has closed keeps its place for two minutes; the oldest of those gives way to a new one. */
#define MEMP_NUM_TCP_PCB (NET_CLIENTS_MOST + NET_FETCHES_MOST + 64)
#define MEMP_NUM_TCP_PCB_LISTEN NET_PORTS_MOST

/* Packets that wait until the address of the next machine is known: one from each client. Without this lwIP keeps the last one only. */
#define ARP_QUEUEING 1
#define ARP_QUEUE_LEN NET_CLIENTS_MOST
#define MEMP_NUM_ARP_QUEUE NET_CLIENTS_MOST

#define TCP_MSS 1460
#define TCP_WND (8 * TCP_MSS)
#define TCP_SND_BUF (16 * TCP_MSS)
#define TCP_SND_QUEUELEN 64
/* What got lost before the first round trip is repeated after this time. Source: RFC 6298, section 2.1. */
#define LWIP_TCP_RTO_TIME 1000
#define TCP_LISTEN_BACKLOG 1
#define TCP_DEFAULT_LISTEN_BACKLOG NET_CLIENTS_MOST
/* A sender that loses frames must not fill the memory with those that came after. */
#define TCP_OOSEQ_MAX_PBUFS 8

#define LWIP_HOOK_FILENAME "hooks.h"
#define LWIP_HOOK_TCP_ISN(local, local_port, remote, remote_port) net_random()

#endif
