import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { domains, makeHome, openStudio, removeHome, type Studio, until, whyNot } from './studio.ts';

// A busy machine needs long to start a QEMU.
vi.setConfig({ testTimeout: 120_000 });
const system = '/run/libvirt/libvirt-sock';
const reason = whyNot() ?? (process.getuid?.() === 0 ? null : 'not root: the daemon is the user’s own');

/** A proxy between us and the daemon, which ends like a killed daemon. */
class Daemon {
  readonly #sockets = new Set<Socket>();
  #server: Server | null = null;
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  async start(): Promise<void> {
    this.#server = createServer((client) => {
      const daemon = connect(system);
      for (const [from, to] of [
        [client, daemon],
        [daemon, client],
      ] as const) {
        this.#sockets.add(from);
        from.pipe(to);
        from.on('error', () => undefined);
        from.on('close', () => to.destroy());
      }
    });
    await new Promise<void>((resolve) => this.#server?.listen(this.path, resolve));
  }

  kill(): void {
    this.#server?.close();
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.clear();
  }
}

describe.skipIf(reason !== null)(`libvirt going away${reason === null ? '' : ` (skipped: ${reason})`}`, () => {
  const home = reason === null ? makeHome() : '';
  const daemon = new Daemon(join(home, 'libvirt-sock'));
  let studio: Studio;
  beforeAll(async () => {
    await daemon.start();
    studio = await openStudio({ home, uri: `qemu+unix:///system?socket=${daemon.path}` });
  });
  afterAll(async () => {
    await studio.close();
    daemon.kill();
    removeHome(home);
  });
  const connection = async () => (await studio.client.call('app:info', {})).connection;

  it('fails a run that it strikes, keeps its record, and runs again once it is back', async () => {
    const slow = 'export default () => new Promise((resolve) => setTimeout(() => resolve(1), 20000));';
    const project = await studio.project('struck', slow, { timeoutMs: 30_000 });
    const running = studio.client.call('instances:run', { projectId: project.id });
    const boots = async () => (await studio.client.call('instances:list', {})).some((it) => it.state === 'booting');
    await until('it boots', boots);
    daemon.kill();
    const run = await running;
    expect(run).toMatchObject({ outcome: 'failed', error: { code: 'LIBVIRT_LOST' } });
    expect(run.error?.hint).toBeTruthy();
    expect(await connection()).toBe('lost');
    expect((await studio.client.call('runs:get', { runId: run.id })).outcome).toBe('failed');
    const [entry] = await studio.client.call('instances:list', {});
    expect(entry).toMatchObject({ state: 'failed' });

    await daemon.start();
    await until('it is connected again', async () => (await connection()) === 'connected');
    await until('what was lost is ended', () => !domains().includes(run.instance?.domain ?? ''));
    const hello = await studio.project('hello', 'export default () => 1;');
    const next = await studio.client.call('instances:run', { projectId: hello.id, lifetime: 'stop' });
    expect(next.error).toBeNull();
  });

  it('says so when it is not there at the start, and works once it is', async () => {
    daemon.kill();
    const second = await openStudio({ home, uri: `qemu+unix:///system?socket=${daemon.path}` });
    const project = await second.client.call('projects:open', { dir: join(home, 'p/hello') });
    await expect(second.client.call('instances:run', { projectId: project.id })).rejects.toMatchObject({
      code: 'LIBVIRT_UNREACHABLE',
      hint: expect.any(String),
    });
    const report = await second.client.call('doctor:run', {});
    expect(report.ok).toBe(false);
    expect(report.checks.find(({ id }) => id === 'libvirt')).toMatchObject({ status: 'failed' });
    await daemon.start();
    const run = await second.client.call('instances:run', { projectId: project.id, lifetime: 'stop' });
    expect(run.error).toBeNull();
    await second.close();
  });
});
