/** The worker thread behind `createBaker`: evaluates a bundle in QuickJS and writes the image. */
import { createHash, randomFillSync } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { open, readFile, rm, stat } from 'node:fs/promises';
import { parentPort } from 'node:worker_threads';
import { EvalFlags, JSException, type JSValueHandle, QuickJS } from 'quickjs-wasi';
import { withoutMarkers } from '#shared/console-streams.ts';
import { type BaseHeap, createBaseHeap, type HostCall, type VirtualClock, vmOptions } from './base-heap.ts';
import { buildImage, minMemoryMiB } from './image.ts';
import { linearBase, linearEnd, linearPageBytes, reservePages } from './layout.ts';
import type { BakeFailureReply, BakeJob, BakeReply, BakeResult, WarmJob } from './worker-messages.ts';

const maxOutputChars = 64 * 1024;
const pending = 0;
/** QuickJS takes 0 for no limit. */
const unlimited = 0;

/** A failed bake, with the reply that has the reason. */
class BakeFailure extends Error {
  readonly failure: BakeFailureReply;

  constructor(failure: BakeFailureReply) {
    super(failure.message);
    this.failure = failure;
  }
}

let base: Promise<BaseHeap> | undefined;
let kernel: { readonly path: string; readonly mtimeMs: number; readonly bytes: Uint8Array } | undefined;

/** The kernel's file, read again only when it has changed. */
async function kernelBytes(path: string): Promise<Uint8Array> {
  const { mtimeMs } = await stat(path);
  if (kernel?.path !== path || kernel.mtimeMs !== mtimeMs) kernel = { path, mtimeMs, bytes: await readFile(path) };
  return kernel.bytes;
}

/** Collects the module's output to both streams, up to a limit. */
class Output {
  text = '';

  add(text: string): void {
    const room = maxOutputChars - this.text.length;
    if (room > 0) this.text += withoutMarkers(text).slice(0, room);
  }
}

function registerHostCalls(vm: QuickJS, output: Output): void {
  const register = (name: HostCall, callback: Parameters<QuickJS['registerHostCallback']>[1]) =>
    vm.registerHostCallback(name, callback);
  register('print', (text) => {
    output.add(text.toString());
    return vm.undefined;
  });
  register('random', (buffer) => {
    const exports = vm._getExports();
    const length = exports.wasm_malloc(4);
    const data = exports.qjs_get_array_buffer(buffer.ptr, length);
    const view = new DataView(exports.memory.buffer);
    if (data !== 0) randomFillSync(new Uint8Array(exports.memory.buffer, data, view.getUint32(length, true)));
    exports.wasm_free(length);
    return vm.undefined;
  });
  register('assets', () => {
    throw new Error(
      'There are no assets while an image is built: code at the top level of a module runs then. Read them in the handler.',
    );
  });
  register('fetch', () => {
    throw new Error(
      'There is no network while an image is built: code at the top level of a module runs then. Fetch in the handler.',
    );
  });
}

function neverSettles(): BakeFailure {
  const message = 'The module waits at its top level for a promise that nothing will settle.';
  return new BakeFailure({ kind: 'threw', message, stack: '' });
}

function timedOut(job: BakeJob, stack = ''): BakeFailure {
  return new BakeFailure({
    kind: 'timeout',
    message: `The module did not finish loading within ${job.evalTimeoutMs} ms.`,
    stack,
  });
}

/**
 * Runs the module's top level until its promise settles; its namespace. Timers run in virtual time, without real
 * waiting.
 */
async function evaluate(vm: QuickJS, job: BakeJob, heap: BaseHeap, clock: VirtualClock): Promise<JSValueHandle> {
  const promise = vm.evalCode(job.bundleCode, job.bundleName, EvalFlags.TYPE_MODULE);
  const tick = vm.importHandle(heap.tokens.tick);
  for (vm.executePendingJobs(); promise.promiseState === pending; vm.executePendingJobs()) {
    const delayMs = vm.callFunction(tick, vm.undefined).toNumber();
    if (delayMs < 0) throw neverSettles();
    clock.monotonicNs += BigInt(Math.ceil(delayMs * 1e6));
    if (clock.monotonicNs > BigInt(job.evalTimeoutMs) * 1_000_000n) throw timedOut(job);
  }
  const settled = await vm.resolvePromise(promise);
  if ('error' in settled) throw thrown(job, describe(settled.error));
  return settled.value;
}

function thrown(job: BakeJob, { message, stack }: { message: string; stack: string }): BakeFailure {
  if (message !== 'InternalError: out of memory') return new BakeFailure({ kind: 'threw', message, stack });
  const words = `The module needs more than the function's ${job.memoryMiB} MiB of memory to load.`;
  return new BakeFailure({ kind: 'outOfMemory', message: words, stack });
}

function describe(error: JSValueHandle): { message: string; stack: string } {
  if (!error.isError) return { message: `The module threw ${error.toString()}, which is not an Error.`, stack: '' };
  const field = (name: string) => error.getProp(name).consume((value) => (value.isUndefined ? '' : value.toString()));
  return { message: `${field('name')}: ${field('message')}`, stack: framesIn(field('stack')) };
}

/** What follows the name and the message. */
const framesIn = (stack: string) => stack.slice(Math.max(stack.search(/^ +at /m), 0));

/** The engine's exception, as the reply to send. */
function failureOf(error: unknown, job: BakeJob, interrupted: boolean): BakeFailure {
  if (error instanceof BakeFailure && !interrupted) return error;
  if (error instanceof JSException) {
    const words = { message: `${error.name}: ${error.message}`, stack: framesIn(error.stack ?? '') };
    error.dispose();
    return interrupted ? timedOut(job, words.stack) : thrown(job, words);
  }
  if (interrupted) return timedOut(job);
  // The stack of this thread, or of the WebAssembly in it, is at its end.
  if (error instanceof Error && ['RangeError', 'RuntimeError'].includes(error.name)) {
    const message = `RangeError: It nests deeper than the engine can follow (${error.message}).`;
    return new BakeFailure({ kind: 'threw', message, stack: '' });
  }
  throw error;
}

async function bake(job: BakeJob, output: Output): Promise<BakeResult> {
  base ??= createBaseHeap();
  const heap = await base;
  const started = performance.now();
  const isLate = watchTime(job.evalTimeoutMs);
  let interrupted = false;
  // The guest uses no memory beyond its end, and QuickJS counts its limit in 32 bits.
  const end = Math.min(job.memoryMiB * 2 ** 20, linearEnd);
  const limit = end - linearBase - reservePages * linearPageBytes;
  if (limit <= heap.snapshot.memory.length) throw tooSmall(job, heap.snapshot.memory.length / linearPageBytes);
  const clock = { wallNs: () => BigInt(Date.now()) * 1_000_000n, monotonicNs: 0n };
  const vm = await QuickJS.restore(heap.snapshot, {
    ...vmOptions(heap.module, clock),
    memoryLimit: limit,
    interruptHandler: () => {
      interrupted ||= isLate();
      return interrupted;
    },
  });
  registerHostCalls(vm, output);
  let reads: Reads;
  try {
    const given = [vm.hostToHandle(job.env), vm.hostToHandle(job.args)] as const;
    vm.callFunction(vm.importHandle(heap.tokens.installEnviron), vm.undefined, ...given).dispose();
    const namespace = await evaluate(vm, job, heap, clock);
    const exported = namespace.getProp('default');
    const setHandler = vm.importHandle(heap.tokens.setHandler);
    const names = [vm.newString(job.functionName), vm.newString('ember')] as const;
    const wrong = vm.callFunction(setHandler, vm.undefined, exported, ...names).toString();
    if (wrong !== '') {
      const message = exported.isUndefined
        ? 'There is no default export.'
        : `The default export is ${/^[aeiou]/.test(wrong) ? 'an' : 'a'} ${wrong}, not a function.`;
      throw new BakeFailure({ kind: 'noHandler', message, stack: '' });
    }
    reads = readReads(vm.callFunction(vm.importHandle(heap.tokens.takeReads), vm.undefined).toString());
    setHandler.dispose();
    exported.dispose();
    namespace.dispose();
    // A timer that the module left running would be due at a time without meaning in the guest.
    vm.callFunction(vm.importHandle(heap.tokens.reset), vm.undefined).dispose();
  } catch (error) {
    throw failureOf(error, job, interrupted);
  }
  const evalMs = performance.now() - started;
  return { ...(await writeImage(vm, job, heap)), evalMs, output: output.text, ...reads };
}

/** A module that reads more names than this counts as one that reads all. */
const maxEnvNames = 200;
const maxEnvNameChars = 200;

type Reads = Pick<BakeResult, 'envAtLoad' | 'argsAtLoad'>;

function readReads(json: string): Reads {
  const { variables, args } = JSON.parse(json) as { readonly variables: string[]; readonly args: boolean };
  const isKept = variables.length <= maxEnvNames && variables.every((name) => name.length <= maxEnvNameChars);
  return { envAtLoad: isKept ? variables.sort() : ['*'], argsAtLoad: args };
}

const ownTimePath = '/proc/thread-self/schedstat';

/**
 * True when this thread has worked for longer than `limitMs`. A module never sleeps here, since its timers run in
 * virtual time, and waiting for a processor that others use is not its fault.
 *
 * Source: proc(5); `schedstat` begins with the nanoseconds on a processor. Reading it is slow, so the clock is read
 * first.
 */
function watchTime(limitMs: number): () => boolean {
  const hasOwnTime = existsSync(ownTimePath);
  const ownMs = () => (hasOwnTime ? Number.parseInt(readFileSync(ownTimePath, 'utf8'), 10) / 1e6 : performance.now());
  const startMs = ownMs();
  let askAtMs = performance.now() + limitMs;
  return () => {
    if (performance.now() < askAtMs) return false;
    const leftMs = limitMs - (ownMs() - startMs);
    askAtMs = performance.now() + Math.max(leftMs, 1);
    return leftMs <= 0;
  };
}

function tooSmall(job: BakeJob, heapPages: number): BakeFailure {
  const least = minMemoryMiB(heapPages);
  const message = `The function has ${job.memoryMiB} MiB of memory and needs at least ${least} MiB to boot.`;
  return new BakeFailure({ kind: 'memory', message, minMemoryMiB: least });
}

async function writeImage(
  vm: QuickJS,
  job: BakeJob,
  heap: BaseHeap,
): Promise<Omit<BakeResult, 'evalMs' | 'output' | keyof Reads>> {
  const exports = vm._getExports();
  exports.qjs_set_memory_limit(unlimited);
  vm.runGC();
  const memory = new Uint8Array(exports.memory.buffer);
  const heapPages = memory.length / linearPageBytes;
  const least = minMemoryMiB(heapPages);
  if (least > job.memoryMiB) throw tooSmall(job, heapPages);
  const config = {
    heapPages,
    stackPointer: exports.__stack_pointer.value as number,
    runtime: exports.qjs_get_runtime_ptr(),
    context: exports.qjs_get_context_ptr(),
    invoke: heap.tokens.invoke,
    finish: heap.tokens.finish,
    report: heap.tokens.report,
    tick: heap.tokens.tick,
    reset: heap.tokens.reset,
    takeEnviron: heap.tokens.takeEnviron,
    network: job.network,
  };
  const { pieces, heapBytes } = buildImage(await kernelBytes(job.kernelPath), memory, config, job.memoryMiB);
  const hash = createHash('sha256');
  let bytes = 0;
  await writeWhole(job.outPath, pieces, () => {
    for (const piece of pieces) {
      hash.update(piece);
      bytes += piece.length;
    }
  });
  return { bytes, sha256: hash.digest('hex'), heapPages, heapBytes, minMemoryMiB: least };
}

/** Calls `meanwhile` when another thread writes: before that, it would delay the write. A failure leaves no file. */
async function writeWhole(outPath: string, pieces: Uint8Array[], meanwhile: () => void): Promise<void> {
  try {
    const file = await open(outPath, 'w');
    try {
      const writing = file.writev(pieces);
      meanwhile();
      await writing;
    } finally {
      await file.close();
    }
  } catch (error) {
    await rm(outPath, { force: true });
    throw error;
  }
}

function replyOf(id: number, error: unknown, output: string): BakeReply {
  if (error instanceof BakeFailure) return { id, ok: false, failure: error.failure, output };
  const { message, code, path } = error as NodeJS.ErrnoException;
  return { id, ok: false, failure: { kind: 'system', message, errno: code ?? '', path: path ?? '' }, output };
}

parentPort?.on('message', async (job: BakeJob | WarmJob) => {
  const output = new Output();
  let reply: BakeReply;
  try {
    if ('warm' in job) {
      base ??= createBaseHeap();
      await base;
      reply = { id: job.id, ok: true, result: null };
    } else {
      reply = { id: job.id, ok: true, result: await bake(job, output) };
    }
  } catch (error) {
    reply = replyOf(job.id, error, output.text);
  }
  parentPort?.postMessage(reply);
});
