import { existsSync } from 'node:fs';
import { mkdir, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { requestOfEvent } from '#core/runtime/function/request-of-event.ts';
import { toStoreError } from '#core/store/store-error.ts';
import { FirstlightError } from '#shared/errors.ts';
import { createQueue } from '#shared/queue.ts';
import type { BakedImage, BakeRequest, Baker, BakerOptions } from './types.ts';
import type { BakeFailureReply, BakeJob, BakeReply, BakeResult, WarmJob } from './worker-messages.ts';

/** The time after the worker's own deadline at which the thread is ended: it may be inside one long native call. */
const graceMs = 2000;

/** A baker with its own worker thread, started at the first bake or by `warm`. Call `close` when done. */
export function createBaker(options: BakerOptions = {}): Baker {
  let worker: Promise<Worker> | undefined;
  let nextId = 1;
  /** The thread runs one job at a time, and the deadline of a second job must not run while it waits. */
  const queue = createQueue();
  let closed = false;

  async function start(): Promise<Worker> {
    const thread = new Worker(await findWorker(options.workerPath));
    thread.unref();
    return thread;
  }

  async function stop(): Promise<void> {
    const current = worker;
    worker = undefined;
    await (await current?.catch(() => undefined))?.terminate();
  }

  /**
   * Sends one job and waits for its reply; ends the thread on time-out and cancellation, since it cannot be stopped
   * otherwise.
   */
  async function ask(job: BakeJob | WarmJob, timeoutMs: number, signal?: AbortSignal): Promise<BakeReply> {
    worker ??= start();
    const thread = await worker;
    const done = new AbortController();
    try {
      return await new Promise<BakeReply>((resolve, reject) => {
        const onMessage = (reply: BakeReply) => {
          if (reply.id === job.id) resolve(reply);
        };
        const onError = (error: Error) => reject(workerDied(error));
        const onExit = () => reject(workerDied(undefined));
        thread.on('message', onMessage).on('error', onError).on('exit', onExit);
        done.signal.addEventListener('abort', () => {
          thread.off('message', onMessage).off('error', onError).off('exit', onExit);
        });
        const stopWatch = onceBusyFor(timeoutMs, () => {
          resolve({
            id: job.id,
            ok: false,
            output: '',
            failure: { kind: 'timeout', message: lateWords(job), stack: '' },
          });
          void stop();
        });
        done.signal.addEventListener('abort', stopWatch);
        const cancel = () => {
          reject(new FirstlightError('CANCELLED', 'The build was cancelled.'));
          void stop();
        };
        if (signal?.aborted) cancel();
        else signal?.addEventListener('abort', cancel, { signal: done.signal });
        thread.postMessage(job);
      });
    } catch (error) {
      if (!(error instanceof FirstlightError && error.code === 'CANCELLED')) worker = undefined;
      throw error;
    } finally {
      done.abort();
    }
  }

  return {
    bake: (request) =>
      queue(async () => {
        if (closed) throw new FirstlightError('CANCELLED', 'The image writer has been closed.');
        if (request.signal?.aborted) throw new FirstlightError('CANCELLED', 'The build was cancelled.');
        const started = performance.now();
        const job = jobOf(request, nextId++);
        const reply = await ask(job, job.evalTimeoutMs + graceMs, request.signal);
        if (!reply.ok) throw errorOf(reply.failure, reply.output, request);
        const result = reply.result as BakeResult;
        return { path: request.outPath, ...result, bakeMs: performance.now() - started } satisfies BakedImage;
      }),
    warm: () =>
      queue(async () => {
        const reply = await ask({ id: nextId++, warm: true }, 30_000);
        if (!reply.ok)
          throw new FirstlightError('INTERNAL', `The JavaScript engine does not start: ${reply.failure.message}`);
      }),
    async close() {
      closed = true;
      await stop();
    },
  };
}

function jobOf(request: BakeRequest, id: number): BakeJob {
  return {
    id,
    bundleCode: request.bundleCode,
    bundleName: request.bundleName ?? 'bundle.js',
    functionName: request.functionName ?? 'function',
    env: request.env,
    args: request.args ?? [],
    memoryMiB: request.memoryMiB,
    kernelPath: request.kernelPath,
    outPath: request.outPath,
    network: request.network,
    evalTimeoutMs: request.evalTimeoutMs ?? 5000,
  };
}

function lateWords(job: BakeJob | WarmJob): string {
  return 'warm' in job
    ? 'It took more than 30 s.'
    : `The module did not finish loading within ${job.evalTimeoutMs} ms.`;
}

function workerDied(cause: Error | undefined): FirstlightError {
  return new FirstlightError('INTERNAL', 'The thread that evaluates functions ended unexpectedly.', { cause });
}

function errorOf(failure: BakeFailureReply, output: string, request: BakeRequest): FirstlightError {
  const said = output === '' ? {} : { output };
  switch (failure.kind) {
    case 'threw':
      return new FirstlightError(
        'EVALUATION_THREW',
        `The function's module failed while it was loaded. ${failure.message}`,
        {
          details: { stack: failure.stack, ...said },
        },
      );
    case 'timeout':
      return new FirstlightError('EVALUATION_TIMEOUT', failure.message, {
        hint: 'Code at the top level of a module runs once, when the image is built. Move long work into the handler.',
        details: { stack: failure.stack, ...said },
      });
    case 'outOfMemory':
      return new FirstlightError('MEMORY_TOO_SMALL', failure.message, {
        hint: 'Raise "memoryMiB" in firstlight.json, or load less at the top level of the module.',
        details: { stack: failure.stack, ...said },
      });
    case 'noHandler':
      return new FirstlightError('EXPORT_MISSING', failure.message, {
        hint: hintForExport(failure.message),
        details: said,
      });
    case 'memory':
      return new FirstlightError('MEMORY_TOO_SMALL', failure.message, {
        hint: `Set "memoryMiB" to ${failure.minMemoryMiB} or more in firstlight.json.`,
        details: { subject: String(failure.minMemoryMiB) },
      });
    case 'system':
      return systemError(failure, request);
  }
}

function hintForExport(message: string): string {
  if (message.includes('`fetch`'))
    return `Export a function that calls it: export default (event) => app.fetch(${requestOfEvent});`;
  if (message.includes('`handler`'))
    return 'Say which one it is: `module.exports = exports.handler;`. For a handler of AWS Lambda, set "convention": "lambda" in firstlight.json.';
  return 'Write: export default async function handler(event, context) { … }';
}

function systemError(failure: Extract<BakeFailureReply, { kind: 'system' }>, request: BakeRequest): FirstlightError {
  if (failure.errno === 'ENOENT' && failure.path === request.kernelPath) {
    return new FirstlightError('KERNEL_MISSING', `The guest kernel is not at ${request.kernelPath}.`, {
      hint: 'Run `npm start`, or `node build/guest.mjs`, to build it.',
    });
  }
  const cause = Object.assign(new Error(failure.message), { code: failure.errno });
  return toStoreError(cause, 'write the image', request.outPath);
}

/** A machine this much too busy for one thread counts as one that hangs. */
const busyFactor = 10;

/**
 * Calls back when this process has worked for `ms`, or ten times that has passed; returns the function that cancels it.
 */
function onceBusyFor(ms: number, callback: () => void): () => void {
  const before = process.cpuUsage();
  let rounds = 0;
  const look = () => {
    const { user, system } = process.cpuUsage(before);
    rounds++;
    if ((user + system) / 1000 >= ms || rounds === busyFactor) callback();
    else timer = setTimeout(look, ms);
  };
  let timer = setTimeout(look, ms);
  return () => clearTimeout(timer);
}

let fallback: Promise<string> | undefined;

/** The worker's file: the configured one, beside the bundled program, or bundled now from the source beside this file. */
async function findWorker(configuredPath: string | undefined): Promise<string> {
  if (configuredPath !== undefined) return configuredPath;
  const here = path.dirname(fileURLToPath(import.meta.url));
  const beside = path.join(here, 'bake-worker.mjs');
  if (existsSync(beside)) return beside;
  fallback ??= bundleWorker(path.join(here, 'bake-worker.ts'));
  return fallback;
}

async function bundleWorker(source: string): Promise<string> {
  const { build } = await import('esbuild');
  // Inside node_modules, so that the worker's own imports resolve.
  const cache = path.resolve(path.dirname(source), '../../../node_modules/.cache/firstlight');
  await mkdir(cache, { recursive: true }).catch(() => undefined);
  const dir = await mkdtemp(path.join(existsSync(cache) ? cache : tmpdir(), 'worker-'));
  const outfile = path.join(dir, 'bake-worker.mjs');
  await build({
    entryPoints: [source],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    loader: { '.prelude.js': 'text' },
    logLevel: 'silent',
  });
  return outfile;
}
