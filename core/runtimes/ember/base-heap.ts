/** The heap that every image starts from: an empty QuickJS runtime with the prelude in it. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { EvalFlags, MAX_STACK_SIZE, QuickJS, type QuickJSOptions, type Snapshot } from 'quickjs-wasi';
import dispatchSource from '#core/runtime/function/dispatch.prelude.js';
import cloneSource from './prelude/clone.prelude.js';
import consoleSource from './prelude/console.prelude.js';
import errorsSource from './prelude/errors.prelude.js';
import globalsSource from './prelude/globals.prelude.js';
import inspectSource from './prelude/inspect.prelude.js';
import textSource from './prelude/text.prelude.js';
import timersSource from './prelude/timers.prelude.js';

/** The functions that the prelude calls, by the names that `guest/rt/imports.c` knows them by. */
const hostCalls = ['print', 'random', 'respond', 'respondPlain', 'fail', 'fetch', 'assets'] as const;
export type HostCall = (typeof hostCalls)[number];

/** Node's types declare WebAssembly's types but not its values. */
const wasm = (globalThis as unknown as { WebAssembly: { compile(bytes: Uint8Array): Promise<WebAssembly.Module> } })
  .WebAssembly;

/** A heap snapshot, and where in it the prelude's functions are. */
export interface BaseHeap {
  readonly module: WebAssembly.Module;
  readonly snapshot: Snapshot;
  /** Tokens of `QuickJS.exportHandle`: offsets of boxed function values in linear memory. */
  readonly tokens: Readonly<
    Record<
      'invoke' | 'finish' | 'report' | 'tick' | 'reset' | 'setHandler' | 'installEnviron' | 'takeEnviron' | 'takeReads',
      number
    >
  >;
}

/** The time in a virtual machine that bakes. `monotonicNs` moves only when a timer is waited for, so that equal sources give equal images. */
export interface VirtualClock {
  readonly wallNs: () => bigint;
  monotonicNs: bigint;
}

/** The options of a virtual machine that bakes. */
export function vmOptions(module: WebAssembly.Module, time: VirtualClock): QuickJSOptions {
  return {
    wasm: module,
    maxStackSize: MAX_STACK_SIZE,
    timezoneOffset: 0,
    wasi: (memory) => ({
      clock_time_get: (clock: number, _precision: bigint, result: number) => {
        new DataView(memory.buffer).setBigUint64(result, clock === 0 ? time.wallNs() : time.monotonicNs, true);
        return 0;
      },
    }),
  };
}

/**
 * One invocation, and answers of each kind, before any function is there. QuickJS makes a built-in function when it is first used: those that every
 * answer uses are then in the snapshot, and no guest makes them.
 */
const rehearsal = `(prelude) => {
  prelude.setHandler(async (event) => event, '', '');
  prelude.invoke({}).then((answer) => prelude.finish(answer));
  for (const body of ['', {}, null]) prelude.finish({ headers: { a: '' }, body });
}`;

/** Compiles the engine and evaluates the prelude. Takes some tens of milliseconds; done once for a worker. */
export async function createBaseHeap(): Promise<BaseHeap> {
  const wasmPath = createRequire(import.meta.url).resolve('quickjs-wasi/quickjs.wasm');
  const module = await wasm.compile(await readFile(wasmPath));
  const vm = await QuickJS.create({
    ...vmOptions(module, { wallNs: () => 0n, monotonicNs: 0n }),
    interruptHandler: () => false,
  });
  const host = vm.newObject();
  for (const name of hostCalls) {
    vm.setProp(
      host,
      name,
      vm.newFunction(name, () => vm.undefined),
    );
  }
  const call = (source: string, file: string, ...args: Parameters<typeof vm.callFunction>[1][]) =>
    vm.callFunction(vm.evalCode(source, file, EvalFlags.STRICT), vm.undefined, ...args);
  call(errorsSource, 'ember:errors');
  const inspect = call(inspectSource, 'ember:inspect');
  call(consoleSource, 'ember:console', host, inspect);
  call(textSource, 'ember:text');
  call(cloneSource, 'ember:clone');
  const globals = call(globalsSource, 'ember:globals', host, inspect);
  const now = vm.evalCode('performance.now.bind(performance)', 'ember:timers');
  const timers = call(timersSource, 'ember:timers', now, globals.getProp('network'));
  const prelude = call(dispatchSource, 'ember:dispatch', host, timers, globals);
  call(rehearsal, 'ember:rehearsal', prelude);
  vm.executePendingJobs();
  const token = (name: string) => vm.exportHandle(prelude.getProp(name));
  const tokens = {
    invoke: token('invoke'),
    finish: token('finish'),
    report: token('report'),
    tick: token('tick'),
    reset: token('reset'),
    setHandler: token('setHandler'),
    installEnviron: vm.exportHandle(globals.getProp('installEnviron')),
    takeEnviron: vm.exportHandle(globals.getProp('takeEnviron')),
    takeReads: vm.exportHandle(globals.getProp('takeReads')),
  };
  vm.runGC();
  // The machine is not disposed: its values must stay alive in the snapshot.
  return { module, snapshot: vm.snapshot(), tokens };
}
