import { execFileSync, spawn } from 'node:child_process';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { findProgram } from '#core/exec/launch.ts';
import shipped from '#core/runtimes/ember/shipped.json' with { type: 'json' };
import { createLayout } from '#core/store/layout.ts';
import { isAlive, type Owner } from '#core/store/owner.ts';
import { findFirecracker } from '#core/vmm/firecracker/find-firecracker.ts';
import { findJailer } from '#core/vmm/firecracker/find-jailer.ts';
import type { Instance } from '#shared/model/instance.ts';
import type { Project } from '#shared/model/project.ts';
import type { Run } from '#shared/model/run.ts';
import { restoreOf } from '#shared/timeline/index.ts';
import { makeHome, openStudio, removeHome, resources, type Studio, until } from './studio.ts';

vi.setConfig({ testTimeout: 60_000 });
const cli = join(import.meta.dirname, '../../dist/cli.mjs');

/** The reason why Firecracker cannot be tested here, or null when it can. */
function whyNot(): string | null {
  const named = process.env.FIRSTLIGHT_FIRECRACKER ?? '';
  if (named === '' && findProgram(['firecracker'], process.env) === null)
    return 'no firecracker on PATH or in FIRSTLIGHT_FIRECRACKER';
  try {
    accessSync('/dev/kvm', constants.R_OK | constants.W_OK);
  } catch {
    return '/dev/kvm cannot be opened';
  }
  return existsSync(resources.pathOf(shipped.emberKernel)) ? null : 'no guest kernel';
}

const handler = `
export default async (event) => {
  if (event.run === 'big') return event.text.length;
  if (event.run === 'print') for (let i = 0; i < 2000; i++) console.log('line ' + i);
  if (event.run === 'spin') for (;;);
  if (event.run === 'id') return { id: crypto.randomUUID(), random: Math.random(), now: Date.now() };
  if (event.run === 'slow') await new Promise((resolve) => setTimeout(resolve, 30000));
  return { hello: event.name ?? 'world' };
};`;

/** The reason why machines are not jailed here, or null when they are. */
async function whyUnjailed(): Promise<string | null> {
  const noSettings = { get: async () => ({}) };
  const program = await findFirecracker(noSettings, process.env);
  if (program === null) return 'no firecracker';
  const jailer = await findJailer(program, noSettings, { env: process.env, uid: process.getuid?.() ?? 0 });
  return jailer.program === null ? jailer.reason : null;
}

const reason = whyNot();
const unjailed = await whyUnjailed();
describe.skipIf(reason !== null)(`Firecracker${reason === null ? '' : ` (skipped: ${reason})`}`, () => {
  const home = reason === null ? makeHome() : '';
  const { socketsDir, disksDir } = createLayout({ home, env: {}, uid: process.getuid?.() ?? 0 });
  let studio: Studio;
  let project: Project;

  beforeAll(async () => {
    studio = await openStudio({ home });
    project = await studio.project('hello', handler);
  });
  afterAll(async () => {
    await studio.close();
    removeHome(home);
  });

  const run = async (more: object = {}): Promise<Run> =>
    await studio.client.call('instances:run', {
      projectId: project.id,
      host: 'firecracker',
      lifetime: 'session',
      ...more,
    });
  const processIdOf = ({ id }: Instance): Owner => {
    const { process } = JSON.parse(readText(join(folderOf(id) ?? '', 'firecracker.json')));
    expect(readText(`/proc/${process.pid}/cmdline`)).toContain('api.sock');
    return process;
  };
  const stop = async (instance: Instance) => {
    const owner = processIdOf(instance);
    const jail = join(disksDir, basename(folderOf(instance.id) ?? ''));
    await studio.client.call('instances:stop', { instanceId: instance.id });
    expect(isAlive(owner)).toBe(false);
    await until('its folders are gone', () => folderOf(instance.id) === null && !existsSync(jail));
  };
  const invoke = async (instance: Instance, event: object) =>
    await studio.client.call('instances:invoke', { instanceId: instance.id, event: event as never });

  const folders = () => (existsSync(socketsDir) ? readdirSync(socketsDir) : []).map((name) => join(socketsDir, name));
  /** The folder of an instance's sockets. */
  const folderOf = (id: string) =>
    folders().find((dir) => readText(join(dir, 'firecracker.json')).includes(id)) ?? null;

  it('answers a cold start, with the steps of Firecracker in the timeline', async () => {
    const { error, response, timeline, instance } = await run({ event: { name: 'Ada' } });
    expect(error).toBeNull();
    expect(response).toMatchObject({ status: 200, body: { kind: 'json', value: { hello: 'Ada' } } });
    const names = timeline?.marks.map(({ name }) => name) ?? [];
    const order = ['domain.create', 'vmm.started', 'vmm.answers', 'vmm.configured', 'domain.resume', 'ember.entry'];
    expect(names.filter((name) => order.includes(name))).toEqual(order);
    expect(timeline).toMatchObject({ complete: true, accel: 'kvm' });
    const [listed] = (await studio.client.call('instances:list', {})).filter(({ id }) => id === instance?.id);
    expect(listed).toMatchObject({ host: 'firecracker', state: 'ready' });
    const { domainXml } = await studio.client.call('instances:describe', { instanceId: (listed as Instance).id });
    expect(JSON.parse(domainXml)).toMatchObject({ 'machine-config': { mem_size_mib: 64 } });
    await stop(listed as Instance);
  });

  it('gives a guest the arguments of its run, also one that was saved before', async () => {
    const { id: projectId } = await studio.project('argued', 'export default () => process.argv.slice(2);', {
      args: ['own'],
    });
    for (const startMode of ['cold', 'restored'])
      for (const args of [['--verbose', 'é'], undefined]) {
        const answer = await run({ projectId, startMode, lifetime: 'stop', ...(args && { args }) });
        expect(answer).toMatchObject({ error: null, startMode });
        expect(answer.response?.body).toEqual({ kind: 'json', value: args ?? ['own'] });
      }
  });

  it('restores a saved guest twice: with other random values, the right time, and no boot', async () => {
    const values: { readonly id: string; readonly random: number }[] = [];
    for (let turn = 0; turn < 2; turn++) {
      const before = Date.now();
      const { error, response, timeline, instance, startMode, waitedMs } = await run({
        startMode: 'restored',
        event: { run: 'id' },
      });
      expect({ error, startMode, waited: waitedMs !== undefined }).toEqual({
        error: null,
        startMode: 'restored',
        waited: turn === 0,
      });
      if (response?.body.kind !== 'json') throw new Error('the answer is not JSON');
      const value = response.body.value as { readonly id: string; readonly random: number; readonly now: number };
      expect(value.now).toBeGreaterThanOrEqual(before - 1);
      expect(value.now).toBeLessThanOrEqual(Date.now() + 1);
      values.push(value);
      const lengths = Object.fromEntries(timeline?.phases.map(({ name, durationNs }) => [name, durationNs]) ?? []);
      expect(lengths).toMatchObject({ firmware: 0, kernel: 0, runtime: 0 });
      expect(timeline?.marks.map(({ name }) => name)).not.toContain('ember.entry');
      expect(timeline && restoreOf(timeline)?.durationNs).toBeGreaterThan(0);
      const live = (await studio.client.call('instances:list', {})).find(({ id }) => id === instance?.id) as Instance;
      // It is an instance like any other: warm calls, prints, stops.
      expect((await invoke(live, { run: 'big', text: 'x'.repeat(100_000) })).response?.body).toMatchObject({
        value: 100_000,
      });
      await stop(live);
    }
    expect(values[0]?.id).not.toBe(values[1]?.id);
    expect(values[0]?.random).not.toBe(values[1]?.random);
    // The deadline counts from the request.
    const spun = await run({ startMode: 'restored', event: { run: 'spin' } });
    expect(spun).toMatchObject({ startMode: 'restored', error: { code: 'FUNCTION_TIMEOUT' } });
  });

  it('starts cold, with a warning, where the saved guest was cut in half, and saves another', async () => {
    const warnings: string[] = [];
    const stopListening = studio.client.subscribe('app:warned', ({ error }) => void warnings.push(error.message));
    const root = join(home, 'cache', 'snapshots');
    for (const name of readdirSync(root)) truncateSync(join(root, name, 'memory'), 10 * 1024 * 1024);
    const { error, startMode } = await run({ startMode: 'restored', lifetime: 'stop' });
    expect({ error, startMode }).toEqual({ error: null, startMode: 'cold' });
    expect(warnings.join()).toContain('The saved machine of hello was damaged.');
    expect(await run({ startMode: 'restored', lifetime: 'stop' })).toMatchObject({
      error: null,
      startMode: 'restored',
    });
    stopListening();
  });

  it('serves warm calls, of a megabyte too, prints, is paused, and meets deadlines', async () => {
    const { instance } = await run({ startMode: 'prestarted', event: { run: 'print' } });
    const live = (await studio.client.call('instances:list', {})).find(({ id }) => id === instance?.id) as Instance;
    expect(live.startMode).toBe('prestarted');
    expect((await invoke(live, { run: 'big', text: 'x'.repeat(1_000_000) })).response?.body).toMatchObject({
      value: 1_000_000,
    });
    await studio.client.call('instances:suspend', { instanceId: live.id });
    await studio.client.call('instances:resume', { instanceId: live.id });
    expect((await invoke(live, {})).response?.body).toMatchObject({ value: { hello: 'world' } });
    let text = '';
    const replay = studio.client.openStream('console:attach', { instanceId: live.id, part: 'all' }, (chunk) => {
      text += new TextDecoder().decode(chunk);
    });
    await until('all lines are there', () => text.includes('line 1999'));
    expect(text).toContain('line 0\r\nline 1\r\n');
    replay.close();
    await stop(live);
    const late = await run({ event: { run: 'slow' }, lifetime: 'stop' });
    expect(late.error).toMatchObject({ code: 'FUNCTION_TIMEOUT' });
  });

  it('reads assets from its image, which several machines have as a disk at once', async () => {
    const source = `import { readFileSync, readdirSync } from 'node:fs';
export default ({ path }) => ({ names: readdirSync('/assets'), text: readFileSync(path, 'utf8').length });`;
    const reader = await studio.project('reader', source, { memoryMiB: 128, ember: { assets: 'public' } });
    mkdirSync(join(reader.dir, 'public'));
    writeFileSync(join(reader.dir, 'public/large.txt'), 'x'.repeat(3_000_000));
    const ask = { projectId: reader.id, event: { path: '/assets/large.txt' } };
    const value = { names: ['large.txt'], text: 3_000_000 };
    const lives: Instance[] = [];
    for (const startMode of ['cold', 'prestarted'] as const) {
      const { error, response, instance } = await run({ ...ask, startMode });
      expect({ error, body: response?.body }).toMatchObject({ error: null, body: { value } });
      lives.push((await studio.client.call('instances:list', {})).find(({ id }) => id === instance?.id) as Instance);
    }
    for (const live of lives) expect((await invoke(live, ask.event)).response?.body).toMatchObject({ value });
    for (const live of lives) await stop(live);
  });

  it('one that is killed is reported', async () => {
    const answering = run({ event: { run: 'slow' } });
    await until('it is there', async () =>
      (await studio.client.call('instances:list', {})).some(({ state }) => state === 'booting'),
    );
    const [booting] = (await studio.client.call('instances:list', {})).filter(({ state }) => state === 'booting');
    process.kill(processIdOf(booting as Instance).pid, 'SIGKILL');
    expect((await answering).error?.message).toMatch(/ended/);
  });

  it('a kept one outlives its program, and is taken over by the next', async () => {
    const env = { ...process.env, FIRSTLIGHT_HOME: home };
    const args = [cli, 'run', project.dir, '--vmm', 'firecracker', '--keep', '--json'];
    const kept = JSON.parse(execFileSync(process.execPath, args, { env, encoding: 'utf8' })) as Run;
    const next = await openStudio({ home });
    try {
      const find = async () =>
        (await next.client.call('instances:list', {})).find(({ id }) => id === kept.instance?.id) as Instance;
      await until('it is found', async () => (await find()) !== undefined);
      const live = await find();
      expect(live).toMatchObject({ host: 'firecracker', state: 'ready', keep: true });
      const again = await next.client.call('instances:invoke', {
        instanceId: live.id,
        event: { run: 'print', name: 'again' },
      });
      expect(again.response?.body).toMatchObject({ value: { hello: 'again' } });
      const owner = processIdOf(live);
      await next.client.call('instances:stop', { instanceId: live.id });
      expect(isAlive(owner)).toBe(false);
    } finally {
      await next.close();
    }
  });

  it('one whose program was killed is ended by the next', async () => {
    const env = { ...process.env, FIRSTLIGHT_HOME: home };
    const args = [cli, 'run', project.dir, '--vmm', 'firecracker', '--event', '{"run":"slow"}'];
    const owner = spawn(process.execPath, args, { env, stdio: 'ignore' });
    const theirs = () =>
      folders().find((dir) => readText(join(dir, 'firecracker.json')).includes(`"pid":${owner.pid}`));
    await until('its machine is there', () => theirs() !== undefined);
    const folder = theirs() ?? '';
    const jail = join(disksDir, basename(folder));
    const machine = JSON.parse(readText(join(folder, 'firecracker.json'))).process as Owner;
    owner.kill('SIGKILL');
    await until('it is gone', () => owner.signalCode !== null);
    expect(isAlive(machine)).toBe(true);
    const next = await openStudio({ home });
    try {
      await until('it is ended', () => !isAlive(machine));
      await until('its folders are gone', () => theirs() === undefined && !existsSync(jail));
    } finally {
      await next.close();
    }
  });

  it('is booted by the doctor, which says whether it is jailed', async () => {
    const { checks } = await studio.client.call('doctor:run', {});
    const { status, found } = checks.find(({ id }) => id === 'firecracker') ?? {};
    const held = unjailed === null ? 'jailed by ' : `not jailed: ${unjailed}`;
    expect({ status, found }).toEqual({
      status: 'ok',
      found: expect.stringContaining(`a guest booted in it, ${held}`),
    });
  });

  it.skipIf(unjailed !== null)(
    `each has a user and a root of its own${unjailed === null ? '' : ` (skipped: ${unjailed})`}`,
    async () => {
      const users = new Set<string>();
      for (const startMode of ['cold', 'prestarted', 'prebooted', 'restored'] as const) {
        const { error, instance, ...answered } = await run({ startMode, event: { name: 'Ada' } });
        expect({ error, startMode: answered.startMode }).toEqual({ error: null, startMode });
        const live = (await studio.client.call('instances:list', {})).find(({ id }) => id === instance?.id) as Instance;
        const { pid } = processIdOf(live);
        const status = readText(`/proc/${pid}/status`);
        const [, uid = '0'] = /^Uid:\t(\d+)\t/m.exec(status) ?? [];
        users.add(uid);
        expect(status).toMatch(new RegExp(`^Uid:(\\t${uid}){4}$`, 'm'));
        expect(status).toMatch(/^CapEff:\t0+$/m);
        const seen = readdirSync(`/proc/${pid}/root`);
        expect(seen).toContain('api.sock');
        for (const name of ['etc', 'proc', 'home']) expect(seen).not.toContain(name);
        expect((await invoke(live, { run: 'big', text: 'abc' })).response?.body).toMatchObject({ value: 3 });
        await stop(live);
      }
      expect(users.size).toBe(4);
      expect(users).not.toContain('0');
    },
  );
});

/** Shape: empty for a missing file or an ended process. */
function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // It was removed while the folder was read.
    return '';
  }
}
