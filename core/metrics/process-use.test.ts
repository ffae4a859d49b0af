import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findQemu, readProcessUse } from './process-use.ts';

describe('process use', () => {
  it('counts the time and the memory of a process that works', () => {
    const allBefore = process.cpuUsage();
    const before = readProcessUse(process.pid);
    const end = performance.now() + 60;
    while (performance.now() < end);
    const after = readProcessUse(process.pid);
    expect(before?.memoryBytes).toBeGreaterThan(10e6);
    const usedMs = ((after?.cpuNs ?? 0) - (before?.cpuNs ?? 0)) / 1e6;
    const { user, system } = process.cpuUsage(allBefore);
    // On a machine that others use as well, some of the 60 ms were theirs.
    expect(usedMs).toBeGreaterThan(1);
    // The kernel counts in ticks of up to 10 ms, for each thread.
    expect(usedMs).toBeLessThan((user + system) / 1000 + 100);
  });

  it('knows nothing of a process that is gone', () => {
    expect(readProcessUse(2 ** 22 + 1)).toBeNull();
  });

  it('does not believe a pid file that another process has come to answer to', () => {
    const dir = mkdtempSync(join(tmpdir(), 'fl-pid-'));
    const name = 'firstlight-no-such-domain';
    mkdirSync(join(dir, 'libvirt/qemu/run'), { recursive: true });
    writeFileSync(join(dir, `libvirt/qemu/run/${name}.pid`), `${process.pid}\n`);
    expect(findQemu(name, { XDG_RUNTIME_DIR: dir, XDG_CACHE_HOME: dir })).toBeNull();
    expect(findQemu('firstlight-none', { XDG_RUNTIME_DIR: dir, XDG_CACHE_HOME: dir })).toBeNull();
    rmSync(dir, { recursive: true });
  });
});
