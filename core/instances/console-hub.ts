import type { Duplex } from 'node:stream';
import { hostNow } from '#core/store/host-clock.ts';
import type { EngineStream } from '#shared/contract/index.ts';
import type { HostNs } from '#shared/model/units.ts';
import { type ByteRing, createByteRing } from './byte-ring.ts';

/** The record of a run, which a console is also written to. It bounds itself and never throws. */
export interface ConsoleRecorder {
  readonly write: (chunk: Uint8Array) => void;
  /** The kept part of what was written, from one place to another. */
  readonly read: (from: number, to: number) => AsyncIterable<{ readonly at: number; readonly bytes: Uint8Array }>;
}

/** The stored part of some output. */
export interface Printed {
  /** The last bytes as text, for messages. */
  readonly tail: (maxBytes: number) => string;
  /** The number of bytes that the guest has printed there. */
  readonly totalBytes: () => number;
}

/** One instance's console, for as many viewers as there are. */
export interface ConsoleHub extends Printed {
  /** The output of the serial port alone. A function with its own port cannot write there. */
  readonly serial: Printed;
  /**
   * Takes the guest's output from here on; an earlier source is released. With a `port`, the function's output comes
   * there, and the serial port has the rest: the firmware's messages, and a panic. Output on the port before a panic
   * comes before it; a byte on the serial port may come after bytes that were on the port a moment later.
   */
  readonly connect: (serial: Duplex, port?: Duplex | null) => void;
  /** Records the output kept so far, then all later output. */
  readonly record: (recorder: ConsoleRecorder | null) => void;
  /**
   * Calls `listener` with the serial port's output as it comes in, with its time; returns the function that
   * unsubscribes.
   */
  readonly onSerial: (listener: (chunk: Uint8Array, atNs: HostNs) => void) => () => void;
  /** Calls `listener` after each output; returns the function that unsubscribes. */
  readonly watch: (listener: () => void) => () => void;
  /** Serves one viewer: the output kept so far, then all later output, until the console ends or the viewer leaves. */
  readonly serve: (viewer: EngineStream) => Promise<void>;
  /** Ends the console: viewers get the rest and then the end. */
  readonly end: () => void;
}

/** The output kept in memory: some 25,000 full lines. What comes before is read from the record. */
const keptBytes = 2 * 1024 * 1024;
const chunkBytes = 64 * 1024;
/** A viewer gets as much from the record at once: a window keeps no more. One that is further behind goes on from there. */
const mostRecordedBytes = 16 * 1024 * 1024;
/** A panic's report takes 2 to 12 KB. */
const keptSerialBytes = 32 * 1024;
/**
 * The limit for input that waits for a guest that does not read its serial port. A 16550 takes 16 bytes at a time and a
 * function never reads it, so that input would fill this process's memory; more is dropped, as a UART does.
 */
const maxWaitingInputBytes = 64 * 1024;

/** A hub without a source. Viewers each read from the ring at their own pace, so that none slows the guest or another. */
export function createConsoleHub(capacityBytes = keptBytes): ConsoleHub {
  const ring = createByteRing(capacityBytes);
  const serialRing = createByteRing(keptSerialBytes);
  const waiting = new Set<() => void>();
  const watchers = new Set<() => void>();
  const serialListeners = new Set<(chunk: Uint8Array, atNs: HostNs) => void>();
  let source: Duplex | null = null;
  let port: Duplex | null = null;
  let recorder: ConsoleRecorder | null = null;
  /** The place in the output where its record begins. */
  let recordedFrom = 0;
  let ended = false;

  const wake = () => {
    for (const resume of [...waiting]) resume();
  };
  const more = (signal: AbortSignal) =>
    new Promise<void>((resolve) => {
      const done = () => {
        waiting.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      waiting.add(done);
      signal.addEventListener('abort', done, { once: true });
    });

  const onData = (chunk: Uint8Array) => {
    // The record gets it first, so that it misses no output that a viewer saw.
    recorder?.write(chunk);
    ring.append(chunk);
    wake();
    for (const watcher of watchers) watcher();
  };

  // The guest empties the port before it writes to the serial port. All of it has reached this process or its kernel
  // when the serial bytes come in; after a round of the event loop it has been read.
  const onSerialData = (chunk: Uint8Array) => {
    if (serialListeners.size > 0) {
      const atNs = hostNow();
      for (const listener of serialListeners) listener(chunk, atNs);
    }
    const take = () => {
      serialRing.append(chunk);
      onData(chunk);
    };
    if (port === null) take();
    else setImmediate(take);
  };

  /**
   * Gives a viewer the output from `from` on that only the record has; the place where the ring goes on. `note` says how
   * much is left out.
   */
  async function serveRecorded(
    viewer: EngineStream,
    from: number,
    note: (bytes: number) => Uint8Array,
  ): Promise<number> {
    const to = ring.start;
    const first = Math.max(from, recordedFrom, to - mostRecordedBytes);
    let at = from;
    const skipTo = async (next: number) => {
      if (next > at) await viewer.write(note(next - at));
      at = next;
    };
    try {
      for await (const piece of recorder?.read(first - recordedFrom, to - recordedFrom) ?? []) {
        await skipTo(piece.at + recordedFrom);
        if (viewer.signal.aborted) return at;
        await viewer.write(piece.bytes);
        at += piece.bytes.length;
      }
    } catch {
      // The note says that it is missing; the error is reported when the run is stored.
    }
    await skipTo(to);
    return at;
  }

  function disconnect(): void {
    source?.off('data', onSerialData);
    port?.off('data', onData);
    source = port = null;
  }

  return {
    connect(next, nextPort = null) {
      disconnect();
      source = next;
      port = nextPort;
      next.on('data', onSerialData);
      port?.on('data', onData);
    },
    record(next) {
      recorder = next;
      recordedFrom = ring.start;
      // The output from before the recorder was attached.
      if (next !== null && ring.end > 0) next.write(ring.read(ring.start, ring.end - ring.start));
    },
    onSerial(listener) {
      serialListeners.add(listener);
      return () => serialListeners.delete(listener);
    },
    watch(listener) {
      watchers.add(listener);
      return () => watchers.delete(listener);
    },
    async serve(viewer) {
      viewer.onData((chunk) => {
        if (source?.writable && source.writableLength <= maxWaitingInputBytes) source.write(chunk);
      });
      for (let at = 0, isLate = ring.start > 0; !viewer.signal.aborted; ) {
        if (at < ring.start) {
          at = await serveRecorded(viewer, at, isLate ? earlierNote : gapNote);
          isLate = false;
        } else if (at < ring.end) {
          const chunk = ring.read(at, chunkBytes);
          at += chunk.length;
          await viewer.write(chunk);
        } else if (ended) {
          return;
        } else {
          await more(viewer.signal);
        }
      }
    },
    ...printedIn(ring),
    serial: printedIn(serialRing),
    end() {
      // Output on its way is taken first: it is read within this round of the event loop, and the serial port's
      // follows.
      setImmediate(() =>
        setImmediate(() => {
          ended = true;
          disconnect();
          wake();
        }),
      );
    },
  };
}

function printedIn(ring: ByteRing): Printed {
  return {
    tail: (maxBytes) => {
      const from = Math.max(ring.start, ring.end - maxBytes);
      return new TextDecoder().decode(ring.read(from, maxBytes));
    },
    totalBytes: () => ring.end,
  };
}

/** The note for a viewer that comes late: how much is not shown. */
function earlierNote(earlierBytes: number): Uint8Array {
  const text = `\u001b[0m[${earlierBytes} bytes before this are not in this view: the run's console has them]\r\n`;
  return new TextEncoder().encode(text);
}

/** The note in a viewer's console for output that it missed. It begins by resetting the attributes. */
function gapNote(lostBytes: number): Uint8Array {
  const text = `\u001b[0m\r\n[${lostBytes} bytes skipped: they came faster than this view could take them]\r\n`;
  return new TextEncoder().encode(text);
}
