import { hex } from './describe-signal.ts';
import type { CrashContext } from './read-context.ts';
import type { CrashFrame, NanosCrash } from './read-crash.ts';

/** A frame for display. */
export interface DecodedFrame extends CrashFrame {
  /** False for an address that was only found on the stack. */
  readonly isSure: boolean;
}

/** The message, and a line for each frame; a repeated frame is written once. */
export function renderStack({ message }: NanosCrash, frames: readonly DecodedFrame[]): string {
  const lines: string[] = [message];
  for (let at = 0; at < frames.length; ) {
    const frame = frames[at] as DecodedFrame;
    let times = 1;
    while (frames[at + times]?.address === frame.address) times++;
    lines.push(`    at ${renderFrame(frame)}${times > 1 ? `, ${times} times` : ''}`);
    at += times;
  }
  return lines.join('\n');
}

function renderFrame({ address, object, symbol, isSure }: DecodedFrame): string {
  const perhaps = isSure ? '' : ', perhaps';
  const where = object === null ? hex(address) : `${object}, ${hex(address)}`;
  if (symbol === null) return object === null ? `${where}${perhaps}` : `${hex(address)} (${object})${perhaps}`;
  return `${symbol.name} + ${hex(BigInt(symbol.offset))} (${where})${perhaps}`;
}

const perLine = 4;

/** The registers, some to a line. */
export function renderRegisters({ registers }: CrashContext): string {
  const cells = [...registers].map(
    ([name, { address }]) => `${name.padStart(6)} ${address.toString(16).padStart(16, '0')}`,
  );
  const lines: string[] = [];
  for (let at = 0; at < cells.length; at += perLine) lines.push(cells.slice(at, at + perLine).join('  '));
  return lines.join('\n');
}
