import type { ForkUse } from '@firstlight/elf';
import { expect, test } from 'vitest';
import { forkWarnings } from './fork-warnings.ts';

const use: ForkUse = { object: '/bin/a', calls: ['fork', 'system'], how: 'imports', level: 'likely' };

test('a program that starts processes is named with what it calls, and the way out is said once', () => {
  const library: ForkUse = { ...use, object: '/lib/b.so', level: 'may' };
  const [first, second] = forkWarnings({ uses: [use, library], isUnknown: false });
  expect(first).toMatchObject({
    severity: 'warning',
    message: expect.stringMatching(
      /^\/bin\/a is likely to start other processes: it imports fork and system\..*threads/,
    ),
  });
  expect(second?.message).toBe('/lib/b.so can start other processes, and may never do so: it imports fork and system.');
});

test('a program without names cannot be judged, and that is said', () => {
  expect(forkWarnings({ uses: [], isUnknown: true })[0]?.message).toContain('stripped of its names');
  expect(forkWarnings({ uses: [], isUnknown: false })).toEqual([]);
});
