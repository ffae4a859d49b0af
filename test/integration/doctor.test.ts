import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { makeHome, openStudio, removeHome, type Studio, whyNot } from './studio.ts';

// The probe of the accelerator starts a QEMU and gives it time to respond.
vi.setConfig({ testTimeout: 120_000 });
const reason = whyNot();

describe.skipIf(reason !== null)(`the doctor${reason === null ? '' : ` (skipped: ${reason})`}`, () => {
  const home = reason === null ? makeHome() : '';
  let studio: Studio;
  beforeAll(async () => {
    studio = await openStudio({ home, accel: undefined });
  });
  afterAll(async () => {
    await studio.close();
    removeHome(home);
  });

  it('finds everything that a run needs, and tries the accelerator out', async () => {
    const report = await studio.client.call('doctor:run', {});
    expect(report.checks.filter(({ status }) => status === 'failed')).toEqual([]);
    expect(report.ok).toBe(true);
    expect(report.accel?.reason).toBeTruthy();
    expect(report.versions).toMatchObject({ libvirt: expect.any(String), qemu: expect.any(String) });
    for (const check of report.checks) if (check.status !== 'ok') expect(check.why).toBeTruthy();
    // The chosen accelerator works.
    const project = await studio.project('probe', 'export default () => 1;');
    const run = await studio.client.call('instances:run', { projectId: project.id, lifetime: 'stop' });
    expect(run).toMatchObject({ error: null, instance: { accel: report.accel?.kind } });
  });

  it('keeps what the probe found', async () => {
    const probes = join(home, 'cache/probes');
    const writtenAt = () => readdirSync(probes).map((name) => [name, statSync(join(probes, name)).mtimeMs]);
    const before = writtenAt();
    expect(before).not.toEqual([]);
    const second = await openStudio({ home, accel: undefined });
    const report = await second.client.call('doctor:run', {});
    expect(report.accel).not.toBeNull();
    await second.close();
    expect(writtenAt()).toEqual(before);
  });

  it('refuses to repair what needs no repairing', async () => {
    await expect(studio.client.call('doctor:fix', { checkId: 'node' })).rejects.toMatchObject({ code: 'BAD_INPUT' });
    await expect(studio.client.call('doctor:fix', { checkId: 'nonsense' })).rejects.toMatchObject({
      code: 'BAD_INPUT',
    });
  });
});
