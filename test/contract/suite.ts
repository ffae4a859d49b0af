import { afterEach, describe } from 'vitest';
import { createScriptedEngine } from './scripted-engine.ts';
import { describeCalls } from './suite-calls.ts';
import { describeFaults } from './suite-faults.ts';
import type { Connect, Connection, Start } from './suite-parts.ts';
import { describeStreams } from './suite-streams.ts';

/** The required behaviour of every transport of the contract. */
export function describeContract(transport: string, connect: Connect): void {
  describe(`the contract over ${transport}`, () => {
    const open: Connection[] = [];
    afterEach(async () => {
      await Promise.all(open.splice(0).map((connection) => connection.dispose()));
    });
    const start: Start = async (parts) => {
      const engine = createScriptedEngine(parts);
      const connection = await connect(engine);
      open.push(connection);
      return { engine, ...connection };
    };
    describeCalls(start);
    describeStreams(start);
    describeFaults(start);
  });
}
