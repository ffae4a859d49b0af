import {
  type CallHandlers,
  calls,
  type Engine,
  type EventListener,
  type StreamHandlers,
  streams,
} from '#shared/contract/index.ts';
import { FirstlightError } from '#shared/errors.ts';

/** An engine whose handlers a test writes; `emit` sends an event to every client. */
export interface ScriptedEngine extends Engine {
  readonly emit: EventListener;
  /** Clients being served. */
  readonly listenerCount: () => number;
  /** Clients that were served and have disconnected. */
  readonly endedCount: () => number;
}

/** An engine with the given handlers; it refuses all other calls. */
export function createScriptedEngine(parts: {
  readonly calls?: Partial<CallHandlers>;
  readonly streams?: Partial<StreamHandlers>;
}): ScriptedEngine {
  const listeners = new Set<EventListener>();
  let ended = 0;
  const refuse = (name: string) => () => {
    throw new FirstlightError('INTERNAL', `The test has no ${name}.`);
  };
  const refusals = (names: object) => Object.fromEntries(Object.keys(names).map((name) => [name, refuse(name)]));
  return {
    calls: { ...refusals(calls), ...parts.calls } as CallHandlers,
    streams: { ...refusals(streams), ...parts.streams } as StreamHandlers,
    listen: (listener) => {
      listeners.add(listener);
      return () => {
        if (listeners.delete(listener)) ended++;
      };
    },
    emit: (name, payload) => {
      for (const listener of listeners) listener(name, payload);
    },
    listenerCount: () => listeners.size,
    endedCount: () => ended,
  };
}
