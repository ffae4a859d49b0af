import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { main } from '../../cli/program.ts';
import { createFakeIo } from '../../cli/testing/fake-io.ts';
import { createSecondLibvirtd, whyNoSecondLibvirtd } from './second-libvirtd.ts';
import { domains, makeHome, openStudio, removeHome, type Studio, until, whyNot } from './studio.ts';

// A busy machine needs long to start a QEMU.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });
const cliPath = join(import.meta.dirname, '../../dist/cli.mjs');
const reason = whyNot() ?? whyNoSecondLibvirtd();

/** The hosts except Firecracker, which some machines lack. */
const addedHosts = async (studio: Studio) =>
  (await studio.client.call('hosts:list', {})).filter(({ name }) => name !== 'firecracker');

describe.skipIf(reason !== null)(`two hosts${reason === null ? '' : ` (skipped: ${reason})`}`, () => {
  const home = reason === null ? makeHome() : '';
  const lab = createSecondLibvirtd(join(home, 'lab'));
  let studio: Studio;

  beforeAll(async () => {
    await lab.start();
    studio = await openStudio({ home });
    await studio.client.call('hosts:add', { name: 'lab', uri: lab.uri });
  });
  afterAll(async () => {
    lab.thaw();
    // The daemon ends in every case.
    await Promise.allSettled([studio?.close()]);
    lab.destroyDomains();
    await lab.kill();
    removeHome(home);
  });

  const list = () => studio.client.call('instances:list', {});
  const hostOf = async (name: string) =>
    (await studio.client.call('hosts:list', {})).find((host) => host.name === name);
  const readConsole = async (instanceId: string) => {
    let text = '';
    const stream = studio.client.openStream('console:attach', { instanceId: instanceId as never }, (chunk) => {
      text += new TextDecoder().decode(chunk);
    });
    await until('it has printed', () => text.includes('hello from'));
    stream.close();
    return text;
  };

  it('run the same function, each with its own instance, console, metrics and record, listed together', async () => {
    const source = 'export default (event) => { console.log("hello from " + event.from); return event.from; };';
    const project = await studio.project('twice', source);
    const run = (host: string) =>
      studio.client.call('instances:run', { projectId: project.id, host, event: { from: host } });
    const [here, there] = [await run('local'), await run('lab')];
    for (const [done, host] of [
      [here, 'local'],
      [there, 'lab'],
    ] as const) {
      expect([done.error, done.response?.body]).toEqual([null, { kind: 'json', value: host }]);
      expect(await readConsole(done.instance?.id ?? '')).toContain(`hello from ${host}`);
    }
    expect(there.subject?.host).toBe(lab.uri);
    expect(here.subject?.host).not.toBe(lab.uri);

    const instances = await list();
    const listed = Object.fromEntries(instances.map(({ id, host, state }) => [id, [host, state]]));
    expect(listed).toEqual({
      [here.instance?.id ?? '']: ['local', 'ready'],
      [there.instance?.id ?? '']: ['lab', 'ready'],
    });
    expect(lab.domains()).toEqual([there.instance?.domain]);
    expect(domains()).not.toContain(there.instance?.domain);
    expect(domains()).toContain(here.instance?.domain);

    for (const { id } of instances) {
      const recent = async () => (await studio.client.call('metrics:recent', { instanceId: id })).length;
      const before = await recent();
      await until(`${id} is sampled`, async () => (await recent()) > before);
    }
    for (const { id } of instances) await studio.client.call('instances:stop', { instanceId: id });
    expect(lab.domains()).toEqual([]);
  });

  it('prestarts on the host that is asked for', async () => {
    const project = await studio.project('ahead', 'export default () => 1;');
    const request = { projectId: project.id, startMode: 'prestarted', lifetime: 'stop' } as const;
    const run = await studio.client.call('instances:run', { ...request, host: 'lab' });
    expect(run).toMatchObject({ error: null, startMode: 'prestarted', subject: { host: lab.uri } });
  });

  it('makes the next instance on the host that a build names', async () => {
    const project = await studio.project('next', 'export default () => 1;');
    await studio.client.call('builds:prestart', { projectId: project.id, host: 'lab' });
    const waiting = lab.domains().filter((name) => name.includes('-next-'));
    expect(waiting).toHaveLength(1);
    const request = { projectId: project.id, startMode: 'prestarted', lifetime: 'stop', host: 'lab' } as const;
    const run = await studio.client.call('instances:run', request);
    expect(run).toMatchObject({ error: null, startMode: 'prestarted', subject: { host: lab.uri } });
    expect(waiting).toEqual([run.instance?.domain]);
  });

  it('finds an instance that was kept on another host, and the CLI lists it with its host', async () => {
    const project = await studio.project('kept', 'export default () => "here";');
    await studio.close();
    const env = { ...process.env, FIRSTLIGHT_HOME: home, FIRSTLIGHT_ACCEL: 'tcg' };
    // A separate process: this one knows its own instances anyway.
    const args = [cliPath, 'run', project.dir, '--host', 'lab', '--keep', '--json'];
    let instance: { id: string };
    const io = createFakeIo({ env });
    try {
      instance = JSON.parse((await promisify(execFile)(process.execPath, args, { env })).stdout).instance;
      expect({ code: await main(['ps'], io), err: io.err() }).toMatchObject({ code: 0 });
    } finally {
      studio = await openStudio({ home });
    }
    expect(io.out()).toMatch(new RegExp(`^${instance.id} +lab +kept +ready`, 'm'));

    const instanceId = instance.id as never;
    const answer = await studio.client.call('instances:invoke', { instanceId });
    expect(answer.response?.body).toEqual({ kind: 'json', value: 'here' });
    await studio.client.call('instances:stop', { instanceId });
    expect(lab.domains()).toEqual([]);
  });

  it('a host that hangs keeps nothing waiting for long, and the other goes on', async () => {
    lab.freeze();
    const second = await openStudio({ home });
    const hosts = await addedHosts(second);
    expect(hosts.map(({ name, state }) => [name, state])).toEqual([
      ['local', 'connected'],
      ['lab', 'lost'],
    ]);
    expect(hosts[1]?.failure).toContain('does not answer within 3 s');
    const project = await second.project('meanwhile', 'export default () => 2;');
    const run = await second.client.call('instances:run', { projectId: project.id, lifetime: 'stop' });
    expect(run.error).toBeNull();
    const onLab = second.client.call('instances:run', { projectId: project.id, host: 'lab' });
    await expect(onLab).rejects.toMatchObject({ code: 'LIBVIRT_UNREACHABLE' });
    await second.close();
    lab.thaw();
  });

  it('a host that goes down is reported with its reason, and is back when its daemon is', async () => {
    const changes: (string | undefined)[] = [];
    studio.client.subscribe('hosts:changed', ({ hosts }) => {
      changes.push(hosts.find(({ name }) => name === 'lab')?.state);
    });
    await until('it is connected', async () => (await hostOf('lab'))?.state === 'connected');
    await lab.kill();
    await until('it is lost', async () => (await hostOf('lab'))?.state === 'lost');
    expect((await hostOf('lab'))?.failure).toContain(lab.uri);
    expect((await hostOf('local'))?.state).toBe('connected');
    const project = await studio.project('alone', 'export default () => 3;');
    const run = await studio.client.call('instances:run', { projectId: project.id, lifetime: 'stop' });
    expect(run.error).toBeNull();
    const report = await studio.client.call('doctor:run', {});
    expect(report.checks.find(({ id }) => id === 'host-lab')).toMatchObject({ status: 'warning' });

    await lab.start();
    await until('it is connected again', async () => (await hostOf('lab'))?.state === 'connected', 60_000);
    expect(changes).toContain('lost');
    const again = { projectId: project.id, host: 'lab', lifetime: 'stop' } as const;
    expect((await studio.client.call('instances:run', again)).error).toBeNull();
  });

  it('is forgotten when it is removed', async () => {
    await studio.client.call('hosts:remove', { name: 'lab' });
    expect((await addedHosts(studio)).map(({ name }) => name)).toEqual(['local']);
    const project = await studio.project('nowhere', 'export default () => 4;');
    const run = studio.client.call('instances:run', { projectId: project.id, host: 'lab' });
    await expect(run).rejects.toMatchObject({ code: 'NOT_FOUND', hint: expect.stringContaining('There are: local') });
  });
});
