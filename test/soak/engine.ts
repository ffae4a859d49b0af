import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { CallInput, CallName, CallOutput } from '#shared/contract/index.ts';
import { fromWireError, type WireError } from '#shared/errors.ts';
import type { SoakHome } from './home.ts';

export type EngineRequest = { readonly id: number } & (
  | { readonly kind: 'call'; readonly name: CallName; readonly input: unknown }
  | { readonly kind: 'memory' | 'warnings' | 'close' }
  | { readonly kind: 'attach'; readonly instanceId: string }
);
export type EngineReply =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: WireError };

/** An engine in a separate process, which has a home and can be killed. */
export interface EngineProcess {
  readonly child: ChildProcess;
  readonly call: <Name extends CallName>(name: Name, input: CallInput<Name>) => Promise<CallOutput<Name>>;
  /** Its resources after garbage collection. */
  readonly memory: () => Promise<{ readonly heapBytes: number; readonly rssBytes: number }>;
  /** Attaches to a console, and returns its output so far. */
  readonly consoleOf: (instanceId: string) => Promise<string>;
  /** Its warnings. */
  readonly warnings: () => Promise<readonly WireError[]>;
  readonly close: () => Promise<void>;
}

/** The bundle of `engine-process.ts`, which build/soak.mjs makes. */
const programPath = () => process.env.FIRSTLIGHT_SOAK_ENGINE ?? '';

/** Starts an engine on a home. Shape: `within` is a command that takes a command as its arguments: `unshare --user`. */
export function startEngine(
  home: SoakHome,
  env: Readonly<Record<string, string>> = {},
  within: readonly string[] = [],
): EngineProcess {
  const [file = '', ...args] = [...within, process.execPath, '--expose-gc', programPath()];
  const child = spawn(file, args, {
    cwd: home.dir,
    env: { ...home.env, ...env },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    detached: true,
  });
  let words = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    words = (words + chunk.toString()).slice(-4000);
  });
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  child.on('message', (message: EngineReply) => {
    const waiter = waiting.get(message.id);
    waiting.delete(message.id);
    if ('error' in message) waiter?.reject(fromWireError(message.error));
    else waiter?.resolve(message.value);
  });
  child.on('exit', () => {
    for (const { reject } of waiting.values()) reject(new Error(`The engine ended. ${words}`));
    waiting.clear();
  });
  let lastId = 0;
  const ask = async <Value>(request: object): Promise<Value> => {
    const id = ++lastId;
    const answer = new Promise<unknown>((resolve, reject) => waiting.set(id, { resolve, reject }));
    if (child.connected) child.send({ id, ...request });
    else waiting.get(id)?.reject(new Error(`The engine is gone. ${words}`));
    return (await answer) as Value;
  };
  return {
    child,
    call: (name, input) => ask({ kind: 'call', name, input }),
    memory: () => ask({ kind: 'memory' }),
    warnings: () => ask({ kind: 'warnings' }),
    consoleOf: (instanceId) => ask({ kind: 'attach', instanceId }),
    close: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      await ask({ kind: 'close' }).catch(() => undefined);
      child.disconnect();
      await ended;
    },
  };
}
