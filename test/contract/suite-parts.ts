import { expect } from 'vitest';
import type { AppInfo } from '#shared/contract/app.ts';
import type { Client } from '#shared/contract/client.ts';
import type { Engine, EngineStream } from '#shared/contract/index.ts';
import type { InstanceId } from '#shared/model/units.ts';
import type { createScriptedEngine, ScriptedEngine } from './scripted-engine.ts';

/** A client and an engine joined by the transport under test. */
export interface Connection {
  readonly client: Client;
  /** Sends what no client of ours would. */
  readonly sendRaw: (message: unknown) => void;
  /** Loses the connection, as a killed process or a closed page does. */
  readonly cut: () => void;
  readonly dispose: () => Promise<void>;
}
/** Starts an engine, and a client that is connected to it. What it starts ends with the test. */
export type Start = (
  parts: Parameters<typeof createScriptedEngine>[0],
) => Promise<Connection & { readonly engine: ScriptedEngine }>;
export type Connect = (engine: Engine) => Promise<Connection>;

export const info: AppInfo = {
  version: '1.2.3',
  uri: 'test:///',
  accel: null,
  connection: 'connected',
  projectsDir: '/projects',
  settingsPath: '/settings.json',
};
export const instanceId = 'hello-1' as InstanceId;
/** Resolves when a call has gone through, so that the session is known to listen. */
export async function connected(client: Client, engine: ScriptedEngine): Promise<void> {
  await client.call('app:info', {});
  expect(engine.listenerCount()).toBe(1);
}

export const aborted = (signal: AbortSignal) =>
  new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));

/** Long enough for a message to cross any of the transports, were there one. */
export const settle = () => new Promise((resolve) => setTimeout(resolve, 50));

/** Writes `ready`, then what it gets, then ends. */
export async function echo(stream: EngineStream): Promise<void> {
  const received = new Promise<Uint8Array>((resolve) => stream.onData(resolve));
  await stream.write(Buffer.from('ready'));
  await stream.write(await received);
}

export const pattern = (from: number, length: number) =>
  Buffer.from(Uint8Array.from({ length }, (_, index) => ((from + index) * 31) % 251));
