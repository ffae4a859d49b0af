import type { GuestPanic } from '#core/runtime/console.ts';

/** The panic of a Linux kernel: the only kernel here whose panic messages are known. */
export function readKernelPanic(consoleText: string): GuestPanic | null {
  const found = /^.*Kernel panic - not syncing: *(.*?)\s*$/m.exec(consoleText);
  if (found === null) return null;
  return { message: `The kernel panicked: ${found[1]}`, report: consoleText.slice(found.index), byProgram: false };
}
