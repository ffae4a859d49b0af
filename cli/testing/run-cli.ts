import { vi } from 'vitest';
import { createScriptedEngine } from '../../test/contract/scripted-engine.ts';
import { main } from '../program.ts';
import { createFakeIo, type FakeIo } from './fake-io.ts';
import { project, run } from './samples.ts';

export type Parts = Parameters<typeof createScriptedEngine>[0];

export const opening: Parts['calls'] = { 'projects:list': () => [], 'projects:open': () => project };
export const runParts: Parts = { calls: { ...opening, 'instances:run': () => run } };

/** Runs a command line with an engine made of these parts. */
export async function cli(argv: readonly string[], parts: Parts = {}, io: FakeIo = createFakeIo()) {
  const close = vi.fn(async () => undefined);
  const engine = createScriptedEngine(parts);
  const exitCode = await main(argv, io, async () => ({ ...engine, close }));
  return { exitCode, out: io.out(), err: io.err(), close };
}
