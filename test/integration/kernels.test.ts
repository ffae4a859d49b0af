import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import ember from '#core/runtimes/ember/shipped.json' with { type: 'json' };
import type { Project } from '#shared/model/project.ts';
import { domains, makeHome, openStudio, removeHome, resources, type Studio, until, whyNot } from './studio.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });
const reason = whyNot();

/** Kernels of a person. Ours represent them: the floor guest never ends, Ember without a function does. */
describe.skipIf(reason !== null)(`kernels of one's own${reason === null ? '' : ` (skipped: ${reason})`}`, () => {
  let home = '';
  let studio: Studio;
  beforeAll(async () => {
    home = makeHome();
    studio = await openStudio({ home });
  });
  afterAll(async () => {
    await studio?.close();
    removeHome(home);
  });

  async function project(name: string, kernel: string, keys: object, more: object = {}): Promise<Project> {
    const dir = join(home, 'p', name);
    mkdirSync(dir, { recursive: true });
    copyFileSync(kernel, join(dir, 'kernel.elf'));
    const config = { name, runtime: 'kernel', memoryMiB: 64, kernel: { file: 'kernel.elf', ...keys }, ...more };
    writeFileSync(join(dir, 'firstlight.json'), JSON.stringify(config));
    return await studio.client.call('projects:open', { dir });
  }
  const run = (project: Project, more: object = {}) =>
    studio.client.call('instances:run', { projectId: project.id, lifetime: 'stop', ...more });

  it('is up when it has printed its text, is drawn, and runs on until it is stopped', async () => {
    const floor = await project('floor', resources.floorKernelPath, { ready: 'F' });
    const result = await run(floor, { lifetime: 'session' });
    expect(result.error).toBeNull();
    expect(result.response?.body).toEqual({ kind: 'text', value: 'F' });
    const names = result.timeline?.marks.map(({ name }) => name) ?? [];
    expect(names).toEqual(expect.arrayContaining(['kernel.spoke', 'kernel.ready']));
    const instanceId = result.instance?.id;
    if (instanceId === undefined) throw new Error('the run has no instance');
    expect(domains()).toContain(result.instance?.domain);
    await studio.client.call('instances:stop', { instanceId });
    await until('it is gone', () => !domains().includes(result.instance?.domain ?? ''));
  });

  it('answers with what it printed when it ends', async () => {
    const ending = await project('ending', resources.pathOf(ember.emberKernel), {});
    const result = await run(ending);
    expect(result.response?.body).toMatchObject({ kind: 'text', value: expect.stringContaining('no function') });
    await until('it is gone', () => !domains().includes(result.instance?.domain ?? ''));
  });

  it('gets its command line, initrd and disks, and leaves the disk’s file as it was', async () => {
    const dir = join(home, 'p', 'parts');
    mkdirSync(dir, { recursive: true });
    writeFileSync(join(dir, 'initrd'), 'an initrd');
    writeFileSync(join(dir, 'disk.img'), Buffer.alloc(1 << 20, 7));
    const parts = await project('parts', resources.floorKernelPath, {
      ready: 'F',
      cmdline: 'quiet <&> "x"',
      initrd: 'initrd',
      disks: [{ file: 'disk.img' }],
      network: { ports: [] },
    });
    const result = await run(parts, { lifetime: 'session' });
    const xml = execFileSync('virsh', ['dumpxml', result.instance?.domain ?? ''], { encoding: 'utf8' });
    expect(xml).toContain('<cmdline>quiet &lt;&amp;&gt; ');
    expect(xml).toMatch(/<initrd>.*\/initrd<\/initrd>/);
    expect(xml).toMatch(/<source file='[^']*disk-0\.qcow2'/);
    expect(readFileSync(join(dir, 'disk.img')).every((byte) => byte === 7)).toBe(true);
    const instanceId = result.instance?.id;
    if (instanceId !== undefined) await studio.client.call('instances:remove', { instanceId });
  });

  it('says what is missing: the section, the file, a kernel in it', async () => {
    const none = await project('none', resources.floorKernelPath, {});
    writeFileSync(join(none.dir, 'firstlight.json'), '{ "name": "none", "runtime": "kernel" }');
    await expect(run(none)).rejects.toMatchObject({ code: 'BAD_INPUT', hint: expect.stringContaining('"kernel"') });
    // The others are still listed.
    const listed = await studio.client.call('projects:list', {});
    expect(listed.map(({ name }) => name)).toEqual(expect.arrayContaining(['none', 'floor']));
    const gone = await project('gone', resources.floorKernelPath, { file: 'nothing.elf' });
    await expect(run(gone)).rejects.toMatchObject({ code: 'NOT_FOUND', hint: expect.stringContaining('kernel.file') });
    const text = await project('text', resources.floorKernelPath, { file: 'firstlight.json' });
    await expect(run(text)).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: expect.stringContaining('not a kernel'),
    });
  });

  it('is given up when it says nothing in time', async () => {
    const silent = await project('silent', resources.floorKernelPath, { ready: 'never' }, { timeoutMs: 1_500 });
    const result = await run(silent);
    expect(result.error).toMatchObject({ code: 'BOOT_TIMEOUT', message: expect.stringContaining('never') });
    await until('it is gone', () => !domains().includes(result.instance?.domain ?? ''));
  });
});
