/** Gives a parser thousands of broken inputs, and finds forbidden behaviour. */
import { Worker } from 'node:worker_threads';
import { FormatError } from '../format-error.ts';
import { mutate } from './mutate.ts';

/** A parser of bytes from outside, with sound inputs to start from. */
export interface FuzzTarget {
  readonly name: string;
  /** Small sound inputs: the smaller they are, the more of them are tried in the same time. */
  readonly corpus: () => readonly Uint8Array[] | Promise<readonly Uint8Array[]>;
  /** Succeeds, or throws an error that `isRefusal` accepts. It does nothing else. */
  readonly parse: (input: Uint8Array) => unknown;
  /** True for an error that refuses an input as it should. Default: a FormatError. */
  readonly isRefusal?: (thrown: unknown) => boolean;
  /** The share of the usual count to try: less for large inputs. Default: 1. */
  readonly share?: number;
  /** The limit of processor time for one input, which a busy machine does not lengthen. Default: 1000. */
  readonly maxMs?: number;
  /** The amount by which one input may raise this process's peak memory. Default: 64 MiB. */
  readonly maxBytes?: number;
}

export interface FuzzOptions {
  readonly count: number;
  /** Ends the run early. */
  readonly signal?: AbortSignal;
  /** Default: 1. */
  readonly seed?: number;
  /** The number of the first input: to repeat a failure. Default: 0. */
  readonly first?: number;
  /** Called now and then with the number of inputs done. */
  readonly onProgress?: (done: number) => void;
}

/** The result of a run. */
export interface FuzzReport {
  readonly name: string;
  readonly count: number;
  /** Inputs that were read without an error, and those that were refused with a clear error. */
  readonly accepted: number;
  readonly refused: number;
  readonly seconds: number;
  readonly slowestMs: number;
  readonly failures: readonly FuzzFailure[];
}

/** An input that did harm. Shape: `mutate(corpus, seed, index)` makes it again; `input` is its first bytes, in hex. */
export interface FuzzFailure {
  readonly index: number;
  readonly seed: number;
  readonly reason: string;
  readonly input: string;
}

const isFormatError = (thrown: unknown): boolean => thrown instanceof FormatError;
const defaultMaxMs = 1000;
const defaultMaxBytes = 64 * 1024 ** 2;
/** The limit of failures: more give no new information. */
const maxFailures = 10;
const shownBytes = 64;
/** An input with this much processor time, or ten times as much time on a busy machine, will never end. */
const hangMs = 30_000;
const busyFactor = 10;
const progressEvery = 10_000;
const turnEvery = 1000;

/** Tries `count` inputs. `failures` contains the faults; the corpus itself must be read without an error. */
export async function runFuzz(target: FuzzTarget, options: FuzzOptions): Promise<FuzzReport> {
  const { count, seed = 1, first = 0, signal, onProgress } = options;
  const { maxMs = defaultMaxMs, maxBytes = defaultMaxBytes, isRefusal = isFormatError, parse } = target;
  const corpus = await target.corpus();
  for (const whole of corpus) await parse(whole);

  const watchdog = watch(`fuzz target ${target.name}, seed ${seed}`);
  const startedAt = performance.now();
  const failures: FuzzFailure[] = [];
  let accepted = 0;
  let slowestMs = 0;
  let done = 0;
  for (; done < count && failures.length < maxFailures; done++) {
    // Signals arrive in a turn of the event loop, which synchronous parsers never yield to.
    if (done % turnEvery === 0) await new Promise(setImmediate);
    if (signal?.aborted) break;
    const index = first + done;
    watchdog.tell(index);
    const input = mutate(corpus, seed, index);
    const peakBefore = peakBytes();
    const cpuBefore = process.cpuUsage();
    let reason = '';
    try {
      const result = parse(input);
      // Await only a real promise: a turn of the event loop for each input would take most of the time.
      if (result instanceof Promise) await result;
      accepted++;
    } catch (thrown) {
      if (!isRefusal(thrown)) reason = `threw ${describe(thrown)}`;
    }
    const used = process.cpuUsage(cpuBefore);
    const tookMs = (used.user + used.system) / 1000;
    slowestMs = Math.max(slowestMs, tookMs);
    const grownBytes = peakBytes() - peakBefore;
    if (reason === '' && tookMs > maxMs) reason = `took ${Math.round(tookMs)} ms`;
    if (reason === '' && grownBytes > maxBytes) reason = `took ${grownBytes} bytes of memory`;
    if (reason !== '') failures.push({ index, seed, reason, input: hex(input) });
    if (done % progressEvery === progressEvery - 1) onProgress?.(done + 1);
  }
  await watchdog.end();
  const seconds = (performance.now() - startedAt) / 1000;
  return {
    name: target.name,
    count: done,
    accepted,
    refused: done - accepted - failures.length,
    seconds,
    slowestMs,
    failures,
  };
}

/** Units: bytes. The system counts kibibytes. */
const peakBytes = () => process.resourceUsage().maxRSS * 1024;

const hex = (input: Uint8Array) => Buffer.from(input.subarray(0, shownBytes)).toString('hex');

function describe(thrown: unknown): string {
  return thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
}

/** Ends this process when one input never ends: code in the same thread could not. It prints the input's number. */
function watch(name: string): { readonly tell: (index: number) => void; readonly end: () => Promise<unknown> } {
  const shared = new Int32Array(new SharedArrayBuffer(4));
  const source = `
    const { workerData } = require('node:worker_threads');
    const { writeSync } = require('node:fs');
    let last = -1, since = Date.now(), usedBefore = process.cpuUsage();
    const usedMs = () => { const { user, system } = process.cpuUsage(usedBefore); return (user + system) / 1000; };
    setInterval(() => {
      const now = Atomics.load(workerData.shared, 0);
      if (now !== last) { last = now; since = Date.now(); usedBefore = process.cpuUsage(); return; }
      if (usedMs() < ${hangMs} && Date.now() - since < ${hangMs * busyFactor}) return;
      writeSync(2, '\\n' + workerData.name + ': input ' + now + ' is still being read after ' + Math.round((Date.now() - since) / 1000) + ' s\\n');
      process.kill(process.pid, 'SIGKILL');
    }, 1000);`;
  const worker = new Worker(source, { eval: true, workerData: { shared, name } });
  return { tell: (index) => void Atomics.store(shared, 0, index), end: () => worker.terminate() };
}
