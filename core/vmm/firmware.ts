import { existsSync } from 'node:fs';

/** The places where distributions install qboot. */
const firmwarePaths = ['/usr/share/qemu/qboot.rom', '/usr/share/qemu/qemu-bios/qboot.rom', '/usr/share/qboot/bios.bin'];

/** qboot where it is installed, else null: the machine's own firmware, which takes 25–35 ms more. */
export function findFirmware(): string | null {
  return firmwarePaths.find((path) => existsSync(path)) ?? null;
}
