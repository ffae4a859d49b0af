#ifndef EMBER_NET_CTYPE_H
#define EMBER_NET_CTYPE_H

static inline int isdigit(int c) { return c >= '0' && c <= '9'; }
static inline int tolower(int c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; }
static inline int isalnum(int c) { return isdigit(c) || (tolower(c) >= 'a' && tolower(c) <= 'z'); }
static inline int isxdigit(int c) { return isdigit(c) || (tolower(c) >= 'a' && tolower(c) <= 'f'); }

#endif
