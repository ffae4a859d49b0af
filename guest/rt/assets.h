/* The disk of assets and the shared folder, as the shim of `node:fs` reads them: sectors and messages. The shim knows what is in them. */
#ifndef EMBER_ASSETS_H
#define EMBER_ASSETS_H

#include <stdint.h>

void assets_call(uint32_t argc, const uint32_t *args);

#endif
