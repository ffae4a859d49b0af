/**
 * The contract: every call, event and stream between a client (renderer, CLI in attach mode, tests) and the engine.
 *
 * Electron and the web host bind this one map; adding a call touches its area file and core, nothing else.
 */
import type { z } from 'zod';
import { appCalls, appEvents } from './app.ts';
import { buildCalls, buildEvents } from './builds.ts';
import type { Progress } from './define.ts';
import { deployCalls, deployStreams } from './deploy.ts';
import { doctorCalls } from './doctor.ts';
import { gatewayCalls, gatewayEvents } from './gateway.ts';
import { hostCalls, hostEvents } from './hosts.ts';
import { imageCalls, imageStreams } from './images.ts';
import { importCalls } from './imports.ts';
import { instanceCalls, instanceEvents, instanceStreams } from './instances.ts';
import { kernelCalls, kernelEvents } from './kernels.ts';
import { projectCalls, projectEvents } from './projects.ts';
import { runCalls, runEvents } from './runs.ts';
import { runtimeCalls } from './runtimes.ts';
import { volumeCalls, volumeEvents } from './volumes.ts';

export const calls = {
  ...appCalls,
  ...projectCalls,
  ...imageCalls,
  ...importCalls,
  ...buildCalls,
  ...instanceCalls,
  ...runCalls,
  ...doctorCalls,
  ...runtimeCalls,
  ...kernelCalls,
  ...volumeCalls,
  ...hostCalls,
  ...deployCalls,
  ...gatewayCalls,
};
export const events = {
  ...appEvents,
  ...projectEvents,
  ...buildEvents,
  ...instanceEvents,
  ...runEvents,
  ...kernelEvents,
  ...volumeEvents,
  ...hostEvents,
  ...gatewayEvents,
};
export const streams = { ...instanceStreams, ...imageStreams, ...deployStreams };

export type CallName = keyof typeof calls;
export type EventName = keyof typeof events;
export type StreamName = keyof typeof streams;

/** The input of a call as a client passes it: defaults may be left out. */
export type CallInput<Name extends CallName> = z.input<(typeof calls)[Name]['input']>;
/** The input of a call as a handler receives it: validated, with defaults. */
export type CallRequest<Name extends CallName> = z.output<(typeof calls)[Name]['input']>;
export type CallOutput<Name extends CallName> = z.output<(typeof calls)[Name]['output']>;
export type EventPayload<Name extends EventName> = z.output<(typeof events)[Name]>;
export type StreamInput<Name extends StreamName> = z.input<(typeof streams)[Name]['input']>;
export type StreamRequest<Name extends StreamName> = z.output<(typeof streams)[Name]['input']>;

/** The context of a handler. */
export interface CallContext {
  /** Aborted when the client cancels or goes away. */
  readonly signal: AbortSignal;
  readonly progress: (progress: Progress) => void;
}

/** The engine's end of a byte stream. */
export interface EngineStream {
  /** Aborted when the client closed the stream or went away. */
  readonly signal: AbortSignal;
  /** Resolves when the client has room for more; rejects after the stream ended. */
  readonly write: (chunk: Uint8Array) => Promise<void>;
  /** Receives the client's bytes. */
  readonly onData: (listener: (chunk: Uint8Array) => void) => void;
}

type CallHandler<Name extends CallName> = (
  request: CallRequest<Name>,
  context: CallContext,
) => Promise<CallOutput<Name>> | CallOutput<Name>;
export type CallHandlers = { readonly [Name in CallName]: CallHandler<Name> };
/** A stream ends when its handler settles; its error reaches the client. */
export type StreamHandlers = {
  readonly [Name in StreamName]: (request: StreamRequest<Name>, stream: EngineStream) => Promise<void>;
};

/** Listens to every event. */
export type EventListener = <Name extends EventName>(name: Name, payload: EventPayload<Name>) => void;

/** The interface that a host binds to a transport: core implements it. */
export interface Engine {
  readonly calls: CallHandlers;
  readonly streams: StreamHandlers;
  /** Returns the function that stops listening. */
  readonly listen: (listener: EventListener) => () => void;
}
