/**
 * Tells the kernel's lines from the program's. Both are on the one serial port, and the kernel keeps both in its log too
 * (`klog_write` in `src/unix/unix.c` and `src/runtime/buffer.c`), so only what the kernel says, and how often, tells.
 */

/** Source: `src/net/net.c`. It is said before the program starts. */
export const noNetworkLine = 'NET: no network interface found';
/** Source: `lwip_ext_callback` in `src/net/net.c`. An IPv6 address is said when no other machine has answered for it: in the program's time. */
export const assignedLine = (address: string): string => `en1: assigned ${address}`;

/** A message may begin in the middle of a line that the program has not ended yet. It is one write of the kernel. */
const anyMessage = /\[\d+\.\d{1,6}\] (en\d+: assigned [\da-fA-F.:]+|NET: .*|gitversion: .*)\r?$/;
const stamped = /\[\d+\.\d{1,6}\] ([^[\]]+?)\r?$/;
/** Above what a kernel says at any start. */
const maxLines = 64;

export interface KernelLines {
  /** Takes the end of a line. Returns where the kernel's message begins in it, or -1. The same message comes once. */
  readonly take: (line: string) => number;
}

/** Shape: `expected` are the messages that this kernel has to say, without their stamps; null: any of the known forms. */
export function createKernelLines(expected: readonly string[] | null): KernelLines {
  const said = new Set<string>();
  return {
    take(line) {
      const [message = '', text = ''] = (expected === null ? anyMessage : stamped).exec(line) ?? [];
      if (message === '' || said.has(text) || said.size >= maxLines) return -1;
      if (expected !== null && !expected.includes(text)) return -1;
      said.add(text);
      return line.length - message.length;
    },
  };
}
