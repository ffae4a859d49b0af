/* The C library's functions for lwIP and guest/http: net/libc.c has those that rt/memory.c has not. */
#ifndef EMBER_NET_STRING_H
#define EMBER_NET_STRING_H

#include "../../rt/memory.h"

void *memchr(const void *in, int byte, size_t count);
void *memmem(const void *in, size_t count, const void *wanted, size_t wanted_count);
int strcmp(const char *, const char *);
int strncmp(const char *, const char *, size_t);
char *strchr(const char *, int);
size_t strcspn(const char *, const char *without);
size_t strspn(const char *, const char *with);
/* Allocates: see stdlib.h. */
char *strndup(const char *, size_t most);

#endif
