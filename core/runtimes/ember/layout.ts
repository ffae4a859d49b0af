/**
 * Addresses and numbers that the host and the guest kernel must agree on. `guest/boot/layout.h` has the same values; a
 * test compares them.
 */

/** The address of the config block of an image. */
export const configBase = 0x01df_f000;
/** The start of QuickJS's linear memory, in physical and virtual addresses alike. */
export const linearBase = 0x01e0_0000;
/** The highest end of linear memory, for any amount of RAM. */
export const linearEnd = 0xe000_0000;
/** The page directory in the kernel's file: 2048 entries of 8 bytes, one for each 2 MiB below 4 GiB. */
export const pageDirectory = 0x0010_9000;
export const largePageBytes = 2 * 2 ** 20;
/** Size of one page of linear memory. */
export const linearPageBytes = 65_536;
/** First word of the config block: `EMBR`, little-endian. */
export const configMagic = 0x5242_4d45;
export const configVersion = 5;
/** The most ports that a function serves HTTP on. */
export const networkPorts = 4;
/** Pages kept back from the function so that an error can still be reported when memory runs out. */
export const reservePages = 16;
/** Memory at the top that firmware may keep for its tables. */
export const firmwareTopBytes = 256 * 1024;

/** Boot marks by number, in the order they are taken. The number is the id on the wire. */
export const markNames = [
  'entry',
  'kernel',
  'memory',
  'discovery',
  'devices',
  'runtime',
  'function',
  'invoke',
  'handler',
  'returned',
  'respond',
] as const;

export type EmberMark = (typeof markNames)[number];

/** Name of the virtio-serial port that carries invocations. */
export const invokePortName = 'dev.firstlight.invoke.0';
/** Name of the virtio-serial port for the function's output. */
export const consolePortName = 'dev.firstlight.console.0';
/** The same two in a machine that has a vsock in their place: ports that the guest listens on. */
export const vsockPorts = { invocations: 1, console: 2 } as const;
