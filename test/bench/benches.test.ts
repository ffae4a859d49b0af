import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { whyNot } from '../e2e/real-studio.ts';

const root = new URL('../..', import.meta.url).pathname;
const reason = whyNot();

/** Each benchmark with the fewest runs that measure something. Those of Nanos need a build of it, and run with its tests. */
const short: readonly [name: string, runs: number][] = [
  ['coldstart', 1],
  ['http', 1],
  ['rebuild', 1],
  ['image', 1],
  ['rpc', 1],
  ['ui', 1],
  ['edit', 1],
  ['fuzz', 50],
];

describe.skipIf(reason !== null)(`benchmarks${reason === null ? '' : ` (skipped: ${reason})`}`, () => {
  it.each(short)(
    '%s runs whole, short',
    (name, runs) => {
      const args = ['build/bench.mjs', name, '--runs', String(runs)];
      const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
      expect(status, stderr).toBe(0);
      const document = JSON.parse(stdout);
      expect(document).not.toHaveProperty('error');
      expect(document).toHaveProperty('machine');
    },
    300_000,
  );
});
