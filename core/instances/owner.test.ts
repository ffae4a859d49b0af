import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { isAlive, thisOwner } from './owner.ts';

describe('isAlive', () => {
  it('knows this process, and not another with its number or of another boot', () => {
    const owner = thisOwner();
    expect(isAlive(owner)).toBe(true);
    expect(isAlive({ ...owner, startTicks: owner.startTicks + 1 })).toBe(false);
    expect(isAlive({ ...owner, bootId: 'another' })).toBe(false);
  });

  it('says no of a process that has ended', async () => {
    const child = spawn('true');
    await once(child, 'exit');
    expect(isAlive({ ...thisOwner(), pid: child.pid ?? 0 })).toBe(false);
  });
});
