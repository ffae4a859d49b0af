import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { whyNot } from '../integration/studio.ts';

const root = join(import.meta.dirname, '../..');
// Its own libvirtd and its own file systems are mounted.
const reason = whyNot() ?? (process.getuid?.() === 0 ? null : 'not root');

/** Each part with the fewest rounds that show its purpose, and the counts that are then not zero. */
const short: readonly [part: string, count: number, seen: readonly string[]][] = [
  ['kill9', 4, ['kills', 'killed: kept', 'killed: engine']],
  // So many that a leak of 66 KB a start, as there was one, is more than what collections leave.
  ['starts', 40, ['starts', 'descriptors at the end']],
  ['modes', 1, ['libvirt cold', 'libvirt prestarted', 'libvirt prebooted', 'libvirt restored']],
  ['kept', 4, ['kept instances', 'stopped by one command', 'consoles that showed their word']],
  ['daemons', 1, ['kills of libvirtd', 'times the kept instance answered and showed it']],
  ['fuzz', 10_000, ['inputs', 'inputs that were refused']],
  ['faults', 1, ['commands: disk full', 'commands: read-only', 'engines without inotify watches']],
];

describe.skipIf(reason !== null)(`the soak, short${reason === null ? '' : ` (skipped: ${reason})`}`, () => {
  it.each(short)(
    '%s does no harm',
    async (part, count, seen) => {
      const args = ['build/soak.mjs', part, '--count', String(count), '--seed', '7'];
      const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { cwd: root }).catch(
        // It ends with 1 on harm, and still reports the kind.
        (failure: { stdout: string; stderr: string }) => failure,
      );
      const report = JSON.parse(stdout) as { counts: Record<string, number>; harm: string[] };
      expect(report.harm, stderr).toEqual([]);
      for (const name of seen) expect(report.counts[name], name).toBeGreaterThan(0);
    },
    600_000,
  );
});
