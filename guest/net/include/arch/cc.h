/* lwIP's view of this compiler. */
#ifndef EMBER_NET_CC_H
#define EMBER_NET_CC_H

#include "../../hooks.h"

#define LWIP_NO_INTTYPES_H 1
#define LWIP_NO_UNISTD_H 1
#define LWIP_NO_CTYPE_H 1
#define X8_F "x"
#define U16_F "u"
#define S16_F "d"
#define X16_F "x"
#define U32_F "u"
#define S32_F "d"
#define X32_F "x"
#define LWIP_NO_LIMITS_H 1
#define INT_MAX __INT_MAX__
#define SZT_F "lu"

#ifndef BYTE_ORDER
#define BYTE_ORDER LITTLE_ENDIAN
#endif
#define LWIP_RAND() net_random()
#define LWIP_PLATFORM_DIAG(words) ((void)0)
#define LWIP_PLATFORM_ASSERT(message) net_assert(message)

#endif
