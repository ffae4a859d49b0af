/** Reads the serial port of a Nanos guest while it boots, and notes the time of each event. */
import { bootMarker } from '@firstlight/disk';
import type { InstanceLink } from '#core/runtime/session.ts';
import { createDeferred } from '#shared/deferred.ts';
import { type HostNs, ns } from '#shared/model/units.ts';
import type { HostMark } from '#shared/timeline/marks.ts';
import { createKernelLines, noNetworkLine } from './kernel-lines.ts';
import type { SessionInfo } from './session-info.ts';
import { readyMarker } from './wire.ts';

/** The output so far, and the events that are waited for. */
export interface BootWatch {
  /** Settles with the first output of the guest: a byte of its boot code or of its kernel. */
  readonly spoke: Promise<void>;
  /** Settles with the address that the kernel gave its interface. */
  readonly address: Promise<string>;
  /** Settles when a function's server reports that it listens. */
  readonly listening: Promise<void>;
  readonly marks: () => readonly HostMark[];
  /** The end of the output, without the kernel's messages about its start. */
  readonly output: () => Uint8Array;
  /** True when the beginning of the output was given up for its end. */
  readonly isCut: () => boolean;
  /** The same as text, for looking into. */
  readonly text: () => string;
  readonly stop: () => void;
}

/**
 * From the guest's write to this process: QEMU's serial port, a socket, an event loop. Over 34 emulated starts on two
 * processors, the marker of a listening function was here 1.9 to 12.4 ms after the guest's own stamp, 2.5 at the median; that
 * stamp's place was known to 3 ms.
 */
const serialErrorNs = ns(15_000_000);
/** The longest answer of a program that runs to its end. Units: bytes. */
export const maxPrinted = 16 * 1024 * 1024;
/** What a crash is read from. */
const maxOutput = 1024 * 1024;
/** A line is kept in pieces, but for as much of its end as a message of the kernel or a marker takes. */
const [pieceChars, tailChars] = [64 * 1024, 1024];
const addressLine = /\[\d+\.\d{1,6}\] en\d+: assigned (\d+\.\d+\.\d+\.\d+)\s*$/;

/** Listens from now on. Call `stop` when the first answer has arrived. */
export function watchBoot(
  onSerial: InstanceLink['onSerial'],
  { kind, boot, kernelSays }: Pick<SessionInfo, 'kind' | 'boot' | 'kernelSays'>,
): BootWatch {
  const kernelLines = createKernelLines(kernelSays ?? null);
  const marks: HostMark[] = [];
  const spoke = createDeferred<void>();
  const address = createDeferred<string>();
  const listening = createDeferred<void>();
  // The output of a program that runs to its end is its answer.
  const maxKept = kind === 'job' ? maxPrinted : maxOutput;
  let isCut = false;
  const kept: string[] = [];
  let keptLength = 0;
  let line = '';
  let lineAtNs: HostNs | null = null;
  let heard = false;
  let listens = false;
  let printed = false;
  // For a program that only prints, only this shows that it is up; a function's server reports more. The output of a
  // program that runs to its end is its own work; only its end follows.
  const outputOpens = kind === 'job' ? 'handler' : null;

  const mark = (name: string, label: string, atNs: HostNs, opens: HostMark['opens'] = null) =>
    void marks.push({ name, label, atNs, source: 'serial', errorNs: serialErrorNs, opens });

  function keep(text: string): void {
    kept.push(text);
    keptLength += text.length;
    if (keptLength <= maxKept) return;
    isCut = true;
    while (keptLength > maxKept && kept.length > 1) keptLength -= kept.shift()?.length ?? 0;
  }

  function noteNetwork(message: string, atNs: HostNs): void {
    const [, ip] = addressLine.exec(message) ?? [];
    if (ip !== undefined) {
      mark('network.address', `network address ${ip}`, atNs, 'runtime');
      address.resolve(ip);
    }
    if (message.includes(noNetworkLine)) mark('network.none', 'no network interface', atNs, 'runtime');
  }

  function endLine(): void {
    const kernelAt = kernelLines.take(line);
    if (kernelAt >= 0 && lineAtNs !== null) noteNetwork(line.slice(kernelAt), lineAtNs);
    if (kernelAt > 0) {
      // The program's line continues where it was.
      line = line.slice(0, kernelAt);
      return;
    }
    if (kernelAt === -1) {
      keep(`${line}\n`);
      if (!printed && lineAtNs !== null && kind !== 'function')
        mark('program.output', 'first line of the program', lineAtNs, outputOpens);
      printed = true;
    }
    line = '';
    lineAtNs = null;
  }

  const stop = onSerial((chunk, atNs) => {
    let bytes = chunk;
    if (!heard && bytes.length > 0) {
      heard = true;
      spoke.resolve();
      if (bytes[0] === bootMarker) {
        if (boot === 'direct') mark('kernel.entered', 'kernel entered', atNs, 'kernel');
        else mark('boot.sector', 'boot code of the disk runs', atNs, 'kernel');
        bytes = bytes.subarray(1);
      } else {
        mark('kernel.spoke', 'first word of the kernel', atNs, 'kernel');
      }
    }
    for (const char of Buffer.from(bytes).toString('latin1')) {
      if (char === '\n') endLine();
      else {
        lineAtNs ??= atNs;
        line += char;
        if (line.length >= pieceChars) {
          keep(line.slice(0, -tailChars));
          line = line.slice(-tailChars);
        }
        // A program that runs to its end may print these bytes too.
        if (char === '\\' && kind !== 'job' && line.endsWith(readyMarker)) {
          line = line.slice(0, -readyMarker.length);
          if (!listens) mark('listening.seen', 'the function listens', atNs);
          listens = true;
          listening.resolve();
        }
      }
    }
  });

  const output = () => Buffer.from(`${kept.join('')}${line}`, 'latin1');

  return {
    spoke: spoke.promise,
    address: address.promise,
    listening: listening.promise,
    marks: () => [...marks],
    output,
    isCut: () => isCut,
    text: () => output().toString('utf8').replaceAll('\r\n', '\n'),
    stop,
  };
}
