import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Consoles of real guests that crashed, each on a Nanos kernel under QEMU. */
export const consoleNames = [
  'user-fault',
  'stack-full',
  'out-of-memory',
  'abort',
  'symbols',
  'kernel-fault',
  'assertion',
  'no-program',
  'no-library',
] as const;

export type ConsoleName = (typeof consoleNames)[number];

/** The output of the guest. */
export const consoleOf = (name: ConsoleName): string => readFileSync(join(import.meta.dirname, `${name}.txt`), 'utf8');

/** Nanos' output for a fault of a program whose frames are these addresses, the faulting one first. */
export function consoleWith(frames: readonly bigint[], stack: readonly bigint[] = []): string {
  const word = (value: bigint) => value.toString(16).padStart(16, '0');
  const [instruction = 0n, ...callers] = frames;
  const lines = (values: readonly bigint[]) =>
    values.map((value, index) => `${word(0xffe7_3d00n + BigInt(index * 8))}:   ${word(value)}\n`).join('');
  return consoleOf('user-fault')
    .replace(/^( +rip: )[0-9a-f]{16}$/m, (_, name: string) => name + word(instruction))
    .replace(/(\nframe trace:\n)[\s\S]*?(?=\nkernel load)/, (_, title: string) => title + lines(callers))
    .replace(/(\nstack trace:\n)[\s\S]*?(?=\n {3}core)/, (_, title: string) => title + lines(stack));
}
