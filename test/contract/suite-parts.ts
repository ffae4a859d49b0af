import { expect } from 'vitest';
import type { AppInfo } from '#shared/contract/app.ts';
import type { Client } from '#shared/contract/client.ts';
import type { Engine, EngineStream } from '#shared/contract/index.ts';
import type { InstanceId } from '#shared/model/units.ts';
import type { createScriptedEngine, ScriptedEngine } from './scripted-engine.ts';

/** A client and an engine joined by the transport under test. */
export interface Connection {
  readonly client: Client;
  /** Sends data that our clients never send. */
  readonly sendRaw: (message: unknown) => void;
  /** Drops the connection, like a killed process or a closed page. */
  readonly cut: () => void;
  readonly dispose: () => Promise<void>;
}
/** Starts an engine, and a client that is connected to it. Both end with the test. */
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
/** Resolves after a successful call, which proves that the session listens. */
export async function connected(client: Client, engine: ScriptedEngine): Promise<void> {
  await client.call('app:info', {});
  expect(engine.listenerCount()).toBe(1);
}

export const aborted = (signal: AbortSignal) =>
  new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));

/** Long enough for a possible message to cross any of the transports. */
export const settle = () => new Promise((resolve) => setTimeout(resolve, 50));

/** Writes `ready`, echoes its input, then ends. */
export async function echo(stream: EngineStream): Promise<void> {
  const received = new Promise<Uint8Array>((resolve) => stream.onData(resolve));
  await stream.write(Buffer.from('ready'));
  await stream.write(await received);
}

export const pattern = (from: number, length: number) =>
  Buffer.from(Uint8Array.from({ length }, (_, index) => ((from + index) * 31) % 251));
