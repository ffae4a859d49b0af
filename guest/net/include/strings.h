#ifndef EMBER_NET_STRINGS_H
#define EMBER_NET_STRINGS_H

#include <stddef.h>

int strcasecmp(const char *, const char *);
int strncasecmp(const char *, const char *, size_t);
char *strcasestr(const char *in, const char *wanted);

#endif
