import type { Sampler } from '#core/metrics/sampler.ts';
import type { ConsolePart, ConsoleSplitter } from '#core/runtime/console.ts';
import type { Runtime } from '#core/runtime/runtime.ts';
import type { RunStore } from '#core/store/run-store.ts';
import type { CallContext, CallHandlers, EngineStream, StreamHandlers } from '#shared/contract/index.ts';
import { FirstlightError, toWireError } from '#shared/errors.ts';
import type { RuntimeId } from '#shared/model/project.ts';
import type { Invocation, Run } from '#shared/model/run.ts';
import type { InstanceId } from '#shared/model/units.ts';
import type { LiveInstance } from './live-instance.ts';
import type { MapError } from './map-error.ts';
import type { Registry } from './registry.ts';
import type { RunRequest } from './runner-options.ts';

type InstanceCallName = Extract<keyof CallHandlers, `instances:${string}` | `metrics:${string}`>;

export interface InstanceCallsOptions {
  readonly registry: Registry;
  readonly run: (request: RunRequest, context: CallContext) => Promise<Run>;
  readonly sampler: Sampler;
  readonly mapError: MapError;
  /** Settles when the hosts have been read, or have not answered in time. */
  readonly reconciled: () => Promise<void>;
}

/** The calls `instances:*` and `metrics:*`. */
export function instanceCalls(options: InstanceCallsOptions): Pick<CallHandlers, InstanceCallName> {
  const { registry, run, sampler, mapError, reconciled } = options;

  /** An instance by its id. One that an earlier program kept is known once its host has been read. */
  const find = async (id: InstanceId): Promise<LiveInstance> => {
    await reconciled();
    return registry.get(id);
  };

  return {
    'instances:list': async () => {
      await reconciled();
      return registry.list();
    },
    'instances:run': run,
    'instances:invoke': async ({ instanceId, event }, { signal }): Promise<Invocation> => {
      const instance = await find(instanceId);
      const { bundleId, timeoutMs } = instance.record;
      const { outcome, sentAtNs, receivedAtNs } = await instance.invoke({ event, timeoutMs, signal });
      const durationMs = (receivedAtNs - sentAtNs) / 1e6;
      if (outcome.ok) return { response: outcome.response, error: null, durationMs };
      const error = await mapError(outcome.error, bundleId);
      if (error.code === 'CANCELLED') throw error;
      return { response: null, error: toWireError(error), durationMs };
    },
    'instances:suspend': async ({ instanceId }) => {
      await (await find(instanceId)).suspend();
      return null;
    },
    'instances:resume': async ({ instanceId }) => {
      await (await find(instanceId)).resume();
      return null;
    },
    'instances:stop': async ({ instanceId }) => {
      await (await find(instanceId)).stopAndWait();
      return null;
    },
    'instances:remove': async ({ instanceId }) => {
      await find(instanceId);
      registry.remove(instanceId);
      return null;
    },
    'instances:describe': async ({ instanceId }) => {
      const instance = await find(instanceId);
      if (instance.isOver) {
        throw new FirstlightError('INSTANCE_LOST', `The instance ${instanceId} has ended.`, {
          hint: 'Its run keeps what was recorded of it.',
        });
      }
      return { domainXml: await instance.machine.describe() };
    },
    'metrics:recent': async ({ instanceId }) => {
      await find(instanceId);
      return sampler.recent(instanceId);
    },
  };
}

export interface InstanceStreamsOptions extends Pick<InstanceCallsOptions, 'registry' | 'reconciled'> {
  readonly runs: RunStore;
  readonly runtimes: ReadonlyMap<RuntimeId, Runtime>;
}

/** The streams `console:*`. */
export function instanceStreams({
  registry,
  runs,
  runtimes,
  reconciled,
}: InstanceStreamsOptions): Pick<StreamHandlers, `console:${string}` & keyof StreamHandlers> {
  function splitterOf(id: RuntimeId, part: ConsolePart): ConsoleSplitter | undefined {
    if (part === 'all') return undefined;
    const splitter = runtimes.get(id)?.splitConsole?.(part) ?? undefined;
    if (splitter !== undefined || (part !== 'stdout' && part !== 'stderr')) return splitter;
    // What the person asked for would be answered with something else.
    throw new FirstlightError(
      'BAD_INPUT',
      `The console of the runtime ${id} is one stream: its ${part} cannot be told apart.`,
      { hint: 'Leave the option out to see everything.' },
    );
  }

  return {
    'console:attach': async ({ instanceId, part }, stream) => {
      await reconciled();
      const instance = registry.get(instanceId);
      // The console of an instance that an earlier program kept is opened for its first viewer. Its channel stays free for
      // a caller that invokes it.
      if (!instance.isOver) await instance.openConsole();
      const { viewer, finish } = onlyPart(stream, splitterOf(instance.record.runtime, part));
      await instance.console.serve(viewer);
      await finish();
    },
    'console:replay': async ({ runId, part }, stream) => {
      const runtime = part === 'all' ? null : (await runs.get(runId)).runtime;
      const { viewer, finish } = onlyPart(stream, runtime === null ? undefined : splitterOf(runtime, part));
      for await (const piece of runs.readConsole(runId)) {
        if (stream.signal.aborted) break;
        await viewer.write(piece);
      }
      await finish();
    },
  };
}

/** A viewer that gets the splitter's output, or everything without one. `finish` passes on the bytes kept back. */
function onlyPart(
  stream: EngineStream,
  splitter: ConsoleSplitter | undefined,
): { readonly viewer: EngineStream; readonly finish: () => Promise<void> } {
  if (splitter === undefined) return { viewer: stream, finish: async () => undefined };
  const pass = async (bytes: Uint8Array) => {
    if (bytes.length > 0 && !stream.signal.aborted) await stream.write(bytes);
  };
  return {
    viewer: { ...stream, write: (chunk) => pass(splitter.push(chunk)) },
    finish: () => pass(splitter.end()),
  };
}
