import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Layout } from '#core/store/layout.ts';

/**
 * The socket of an instance that a debugger connects to. QEMU creates it as its own user, and not libvirt, so it has a
 * folder of that user.
 */
export const gdbSocketIn = (socketDir: string): string => join(socketDir, 'gdb', 'gdb.sock');

/** Makes the folder of the socket. Errors: STORE_UNUSABLE. */
export async function makeGdbDir(layout: Pick<Layout, 'giveToQemu'>, socketDir: string): Promise<void> {
  const dir = dirname(gdbSocketIn(socketDir));
  await mkdir(dir, { mode: 0o700 });
  await layout.giveToQemu(dir);
}

/**
 * The command that debugs a machine, for a shell. A machine begins in 16 bits, and gdb takes the width of its registers
 * from the symbols, where there are some.
 */
export function writeGdbCommand(socketPath: string, symbolsPath: string | null): string {
  const commands = ['set architecture i386:x86-64', `target remote ${socketPath}`];
  return ['gdb', ...(symbolsPath === null ? [] : [symbolsPath]), ...commands.flatMap((one) => ['-ex', one])]
    .map(quote)
    .join(' ');
}

const quote = (word: string) => (/^[\w./:=-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);
