/** Runs a bundled function in the guest's engine, with the heap that images start from, and without a machine. */
import { randomFillSync } from 'node:crypto';
import { EvalFlags, type JSValueHandle, QuickJS } from 'quickjs-wasi';
import { type BaseHeap, createBaseHeap, type HostCall, vmOptions } from '../base-heap.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** The JSON value, the text or the bytes of the answer. */
  readonly body: unknown;
}

export interface OpenFunction {
  /** Errors: throws the handler's exception, by its message. */
  readonly call: (event?: unknown) => Promise<Answer>;
  /** The output since the last call. */
  readonly printed: () => string;
  /** The heap's size after the module was evaluated. Units: bytes. */
  readonly heapBytes: number;
}

const kinds = ['none', 'json', 'text', 'bytes'];
const pending = 0;
let base: Promise<BaseHeap> | undefined;

/** Evaluates a bundle. Errors: throws the module's exception. Units: `deadlineMs` since the Unix epoch; what runs then is stopped. */
export async function openFunction(
  code: string,
  env: Readonly<Record<string, string>> = {},
  deadlineMs = Number.POSITIVE_INFINITY,
): Promise<OpenFunction> {
  base ??= createBaseHeap();
  const heap = await base;
  const started = performance.now();
  const time = { wallNs: () => BigInt(Date.now()) * 1_000_000n, monotonicNs: 0n };
  const vm = await QuickJS.restore(heap.snapshot, {
    ...vmOptions(heap.module, time),
    interruptHandler: () => Date.now() > deadlineMs,
  });
  const register = (name: HostCall, callback: Parameters<QuickJS['registerHostCallback']>[1]) =>
    vm.registerHostCallback(name, callback);
  let text = '';
  let answer: Answer | undefined;
  let failure: Error | undefined;
  const bytesOf = (buffer: JSValueHandle): Uint8Array => {
    const exports = vm._getExports();
    const length = exports.wasm_malloc(4);
    const data = exports.qjs_get_array_buffer(buffer.ptr, length);
    const size = new DataView(exports.memory.buffer).getUint32(length, true);
    exports.wasm_free(length);
    return new Uint8Array(exports.memory.buffer, data, data === 0 ? 0 : size);
  };
  register('print', (printed) => {
    text += printed.toString();
    return vm.undefined;
  });
  register('random', (buffer) => {
    randomFillSync(bytesOf(buffer));
    return vm.undefined;
  });
  register('respond', (status, headers, kindOf, body, offset, length) => {
    const kind = kinds[kindOf.toNumber()];
    const read = () => {
      if (kind === 'none') return '';
      if (kind === 'bytes') {
        const from = offset.toNumber();
        return bytesOf(body).slice(from, from + length.toNumber());
      }
      return kind === 'json' ? JSON.parse(body.toString()) : body.toString();
    };
    answer = { status: status.toNumber(), headers: JSON.parse(headers.toString()), body: read() };
    return vm.undefined;
  });
  register('respondPlain', () => vm.false);
  register('fail', (code, name, message, stack) => {
    failure = new Error(`${name.toString()}: ${message.toString()}`);
    failure.stack = `${code.toNumber()} ${failure.message}\n${stack.toString()}`;
    return vm.undefined;
  });
  const token = (name: keyof BaseHeap['tokens']) => vm.importHandle(heap.tokens[name]);

  /** Runs jobs and timers until the promise settles, or there are none. Timers need no real time. */
  function settle(isDone: () => boolean): void {
    for (;;) {
      vm.executePendingJobs();
      if (isDone()) return;
      if (Date.now() > deadlineMs) throw new Error('It did not end in time.');
      const delayMs = vm.callFunction(token('tick'), vm.undefined).toNumber();
      // What the timer set off comes first, and may set timers that are due sooner.
      if (vm.executePendingJobs() > 0) continue;
      if (delayMs < 0) throw new Error('It waits for something that nothing will ever do.');
      time.monotonicNs += BigInt(Math.ceil(delayMs * 1e6));
    }
  }
  const reason = async (promise: JSValueHandle) => {
    const settled = await vm.resolvePromise(promise);
    if ('error' in settled) {
      const said = settled.error.isError
        ? `${settled.error.getProp('name').toString()}: ${settled.error.getProp('message').toString()}\n${settled.error.getProp('stack').toString()}`
        : settled.error.toString();
      throw new Error(said);
    }
    return settled.value;
  };
  vm.callFunction(token('installEnviron'), vm.undefined, vm.hostToHandle(env), vm.hostToHandle([])).dispose();
  const promise = vm.evalCode(code, 'bundle.js', EvalFlags.TYPE_MODULE);
  settle(() => promise.promiseState !== pending);
  const namespace = await reason(promise);
  const names = [vm.newString('test'), vm.newString('ember')] as const;
  vm.callFunction(token('setHandler'), vm.undefined, namespace.getProp('default'), ...names).dispose();
  vm.callFunction(token('reset'), vm.undefined).dispose();
  vm.runGC();
  const heapBytes = vm._getExports().memory.buffer.byteLength - heap.snapshot.memory.length;

  return {
    heapBytes,
    printed: () => {
      const taken = text;
      text = '';
      return taken;
    },
    call: async (event = {}) => {
      answer = undefined;
      failure = undefined;
      time.monotonicNs = BigInt(Math.round((performance.now() - started) * 1e6));
      let value: JSValueHandle;
      try {
        value = vm.callFunction(token('invoke'), vm.undefined, vm.hostToHandle(event));
        for (;;) {
          if (value.isPromise) {
            const waiting = value;
            settle(() => waiting.promiseState !== pending);
            value = await reason(waiting);
          }
          value = vm.callFunction(token('finish'), vm.undefined, value);
          if (!value.isPromise) break;
        }
      } finally {
        vm.executePendingJobs();
      }
      if (failure !== undefined) throw failure;
      return answer ?? { status: 200, headers: {}, body: JSON.parse(value.toString()) };
    },
  };
}
