import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Instance } from '#shared/model/instance.ts';
import { domains, makeHome, openStudio, removeHome, until, whyNot } from './studio.ts';

// A busy machine needs long to start a QEMU.
vi.setConfig({ testTimeout: 120_000 });
const reason = whyNot();
const root = join(import.meta.dirname, '../..');

describe.skipIf(reason !== null)(`lifetimes of instances${reason === null ? '' : ` (skipped: ${reason})`}`, () => {
  const home = reason === null ? makeHome() : '';
  // Below the root, so that modules outside the bundle are found.
  const outDir = mkdtempSync(join(root, 'node_modules/.fl-it-'));
  const program = join(outDir, 'owner-process.mjs');
  const children: ChildProcess[] = [];

  beforeAll(async () => {
    await build({
      entryPoints: [join(import.meta.dirname, 'owner-process.ts')],
      outfile: program,
      bundle: true,
      platform: 'node',
      format: 'esm',
      packages: 'external',
      // Our packages are bundled from their sources: they are built only for other projects.
      alias: Object.fromEntries(
        readdirSync(join(root, 'packages')).map((name) => [
          name === 'node-libvirt' ? name : `@firstlight/${name}`,
          join(root, 'packages', name, 'src/index.ts'),
        ]),
      ),
      loader: { '.prelude.js': 'text' },
    });
  });
  afterAll(() => {
    for (const child of children) child.kill('SIGKILL');
    rmSync(outDir, { recursive: true, force: true });
    removeHome(home);
  });

  async function startOwner(...args: string[]): Promise<{ child: ChildProcess; instance: Instance }> {
    const child = spawn(process.execPath, [program, home, ...args], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(child);
    const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
    const failed = once(child, 'exit').then(() => {
      throw new Error('the owner process ended');
    });
    const [line] = (await Promise.race([once(lines, 'line'), failed])) as [string];
    failed.catch(() => undefined);
    const said = JSON.parse(line) as { instance: Instance | null; error: unknown };
    expect(said.error).toBeNull();
    return { child, instance: said.instance as Instance };
  }

  it('leaves no domain and no files behind a process that was killed', async () => {
    const { child, instance } = await startOwner('session');
    expect(domains()).toContain(instance.domain);
    child.kill('SIGKILL');
    await once(child, 'exit');
    await until('libvirt has ended it', () => !domains().includes(instance.domain));
    const studio = await openStudio({ home });
    expect((await studio.client.call('instances:list', {})).map(({ id }) => id)).not.toContain(instance.id);
    const sockets = join(home, 'run/sockets');
    await until('its sockets are removed', () => !existsSync(sockets) || readdirSync(sockets).length === 0);
    await studio.close();
  });

  it('shows an instance of another live process, and leaves it alone', async () => {
    const { child, instance } = await startOwner('session');
    const studio = await openStudio({ home });
    const seen = (await studio.client.call('instances:list', {})).find(({ id }) => id === instance.id);
    expect(seen).toMatchObject({ state: 'ready', functionName: `owned-${child.pid}` });
    await expect(studio.client.call('instances:invoke', { instanceId: instance.id })).rejects.toMatchObject({
      code: 'CONFLICT',
    });
    await studio.close();
    expect(domains()).toContain(instance.domain);
    child.kill('SIGKILL');
    await until('libvirt has ended it', () => !domains().includes(instance.domain));
  });

  it('takes over an instance that was kept, and can stop it', async () => {
    const { child, instance } = await startOwner('forever');
    child.kill('SIGKILL');
    await once(child, 'exit');
    const studio = await openStudio({ home });
    const seen = (await studio.client.call('instances:list', {})).find(({ id }) => id === instance.id);
    expect(seen).toMatchObject({ state: 'ready', keep: true });
    const answer = await studio.client.call('instances:invoke', { instanceId: instance.id });
    expect(answer.response?.body).toEqual({ kind: 'json', value: 'here' });
    await studio.close();
    expect(domains()).toContain(instance.domain);

    const third = await openStudio({ home });
    expect((await third.client.call('instances:invoke', { instanceId: instance.id })).error).toBeNull();
    await third.client.call('instances:remove', { instanceId: instance.id });
    await until('it is gone', () => !domains().includes(instance.domain));
    await third.close();
  });

  it('ends what is its own when it closes', async () => {
    const studio = await openStudio({ home });
    const project = await studio.project('mine', `export default () => 1;`);
    const run = await studio.client.call('instances:run', { projectId: project.id, lifetime: 'session' });
    await studio.close();
    const domain = run.instance?.domain;
    expect(domain).toMatch(/^firstlight-mine-/);
    await until('libvirt has ended it', () => !domains().includes(domain ?? ''));
  });
});
