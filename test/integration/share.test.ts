/** A folder of this machine that a function reads while it runs, through libvirt. */
import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Instance } from '#shared/model/instance.ts';
import type { Project } from '#shared/model/project.ts';
import type { Run } from '#shared/model/run.ts';
import { makeHome, openStudio, removeHome, type Studio } from './studio.ts';

vi.setConfig({ testTimeout: 60_000 });

const source = `import { readFileSync, readdirSync } from 'node:fs';
export default ({ path }) => {
  try { return { names: readdirSync('/share'), text: readFileSync(path, 'utf8') }; } catch ({ code }) { return { code }; }
};`;

describe('a shared folder', () => {
  const home = makeHome();
  // QEMU's user reads it: below a person's own folders it could not.
  const outside = mkdtempSync('/var/tmp/fl-share-');
  let studio: Studio;
  beforeAll(async () => {
    chmodSync(outside, 0o755);
    writeFileSync(join(outside, 'a.txt'), 'first', { mode: 0o644 });
    writeFileSync(join(outside, 'out.txt'), 'out', { mode: 0o644 });
    mkdirSync(join(outside, 'data'));
    writeFileSync(join(outside, 'data/a.txt'), 'first', { mode: 0o644 });
    symlinkSync('../out.txt', join(outside, 'data/link.txt'));
    studio = await openStudio({ home });
  });
  afterAll(async () => {
    await studio.close();
    removeHome(home);
    rmSync(outside, { recursive: true });
  });

  const projectOf = async (name: string, share: string) =>
    await studio.project(name, source, { memoryMiB: 128, ember: { share } });
  const run = async ({ id }: Project, path: string, more: object = {}): Promise<Run> =>
    await studio.client.call('instances:run', { projectId: id, event: { path }, lifetime: 'session', ...more });

  it('is read by the function as it is then, and nothing outside it', async () => {
    const project = await projectOf('shares', join(outside, 'data'));
    const { error, response, instance } = await run(project, '/share/a.txt');
    const names = ['a.txt', 'link.txt'];
    expect({ error, body: response?.body }).toMatchObject({ error: null, body: { value: { names, text: 'first' } } });
    const invoke = async (path: string) =>
      (await studio.client.call('instances:invoke', { instanceId: (instance as Instance).id, event: { path } }))
        .response?.body;
    writeFileSync(join(outside, 'data/a.txt'), 'second');
    expect(await invoke('/share/a.txt')).toMatchObject({ value: { text: 'second' } });
    expect(await invoke('/share/link.txt')).toMatchObject({ value: { code: 'ELOOP' } });
    await studio.client.call('instances:stop', { instanceId: (instance as Instance).id });
  });

  it('outside the project needs trust', async () => {
    const { id } = await projectOf('untrusted', join(outside, 'data'));
    const project = await studio.client.call('projects:trust', { projectId: id, trusted: false });
    const asked = run(project, '/share/a.txt').then(
      ({ error }) => error,
      (thrown: unknown) => thrown,
    );
    expect(await asked).toMatchObject({
      code: 'PROJECT_NOT_TRUSTED',
      message: expect.stringContaining(`Reads ${join(outside, 'data')} while it runs`),
    });
  });

  it('of an untrusted project is not left by a link that took its place since it was checked', async () => {
    const dir = join(outside, 'inner');
    mkdirSync(join(dir, 'data'), { recursive: true });
    writeFileSync(join(dir, 'data/a.txt'), 'inside', { mode: 0o644 });
    writeFileSync(join(dir, 'handler.ts'), source);
    writeFileSync(join(dir, 'firstlight.json'), '{"name":"inner","memoryMiB":128,"ember":{"share":"data"}}');
    const project = await studio.client.call('projects:open', { dir });
    expect(project).toMatchObject({ trusted: false, asks: [] });
    let isReplaced = false;
    const replace = ({ step }: { readonly step: string }) => {
      // Its trust is checked before; the start is yet to come.
      if (step !== 'evaluate' || isReplaced) return;
      renameSync(join(dir, 'data'), join(dir, 'before'));
      symlinkSync(join(outside, 'data'), join(dir, 'data'));
      isReplaced = true;
    };
    const request = { projectId: project.id, event: { path: '/share/a.txt' }, lifetime: 'stop' } as const;
    const { response, error } = await studio.client.call('instances:run', request, { onProgress: replace });
    expect({ response, error, isReplaced }).toMatchObject({
      response: null,
      error: { code: 'PROJECT_NOT_TRUSTED', message: expect.stringContaining(`Reads ${join(outside, 'data')}`) },
      isReplaced: true,
    });
  });

  it('that is missing is named', async () => {
    const project = await projectOf('missing', 'data');
    expect((await run(project, '/share/a.txt')).error).toMatchObject({
      code: 'NOT_FOUND',
      hint: expect.stringContaining('ember.share'),
    });
  });

  const isRoot = process.getuid?.() === 0;
  it.skipIf(!isRoot)(
    `that is closed to the user of QEMU is named, with what to do${isRoot ? '' : ' (skipped: QEMU runs as you)'}`,
    async () => {
      const project = await projectOf('closed', join(outside, 'data'));
      chmodSync(outside, 0o700);
      expect((await run(project, '/share/a.txt')).error).toMatchObject({
        code: 'STORE_UNUSABLE',
        message: expect.stringContaining(`${outside} is closed`),
        hint: expect.stringContaining(`chmod o+x '${outside}'`),
      });
    },
  );
});
