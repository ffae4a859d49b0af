/**
 * Makes a disk's boot code signal its start: one carriage return on the serial port, before all other output.
 *
 * No other sign of a disk boot marks the end of the firmware's time and the start of the kernel's. It costs one port
 * write, and is invisible on a console.
 *
 * Source: nanovms/nanos, `platform/pc/boot/stage1.s`: its first instructions set up the serial port by the BIOS, and the
 * bytes after its last word are not used before it requests the memory map.
 */

/** The printed byte. */
export const bootMarker = 13;

/** `mov ax, 0x00e3; xor dx, dx; int 0x14`: the start of the known boot code. */
const knownStart = Buffer.from('b8e30031d2cd14', 'hex');
/** The length of the first instruction, which a jump of the same length replaces. */
const firstInstructionBytes = 3;
/** The end of the free bytes, before the memory map, which grows down from the partition table. */
const lastFreeByte = 0x1a0;

/** Adds the sign to known boot code with enough room. Shape: true when it did; else nothing is changed. */
export function addBootMarker(sector: Buffer): boolean {
  if (sector.compare(knownStart, 0, knownStart.length, 0, knownStart.length) !== 0) return false;
  const write = Buffer.from([0xba, 0xf8, 0x03, 0xb0, bootMarker, 0xee]); // mov dx, 0x3f8; mov al, sign; out dx, al
  const replaced = Buffer.from(sector.subarray(0, firstInstructionBytes));
  const bytes = write.length + replaced.length + firstInstructionBytes;
  const at = findRoom(sector, bytes);
  if (at === null) return false;
  const back = at + bytes;
  Buffer.concat([write, replaced, jump(firstInstructionBytes - back)]).copy(sector, at);
  jump(at - firstInstructionBytes).copy(sector, 0);
  return true;
}

/** The place of that many zero bytes behind the code, with spare bytes on both sides. */
function findRoom(sector: Buffer, bytes: number): number | null {
  const spare = 8;
  let used = lastFreeByte;
  while (used > 0 && sector[used - 1] === 0) used--;
  const at = used + spare;
  return at + bytes + spare <= lastFreeByte ? at : null;
}

/** `jmp` over that many bytes, counted from the next instruction. */
function jump(distance: number): Buffer {
  const code = Buffer.from([0xe9, 0, 0]);
  code.writeInt16LE(distance, 1);
  return code;
}
