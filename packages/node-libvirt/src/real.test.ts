import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Connection, connect, LibvirtError, type LifecycleEvent } from './index.ts';
import { FakeLibvirt } from './testing/index.ts';
import { tinyDomainXml, tinyGuest, tinyGuestGreeting } from './testing/tiny-guest.ts';

const systemSocket = '/var/run/libvirt/libvirt-sock';
const nobody = 65_534;
const isRoot = process.getuid?.() === 0;

function usable(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    // Absent or not ours: the tests that need it are then skipped.
    return false;
  }
}

const hasDaemon = usable('/usr/sbin/libvirtd', constants.X_OK) && usable('/usr/share/qemu/qboot.rom', constants.R_OK);
const skipSystem = !usable(systemSocket, constants.W_OK)
  ? `no libvirtd to write to at ${systemSocket}`
  : hasDaemon
    ? ''
    : 'QEMU (qboot) is not installed';
const skipPrivate = hasDaemon
  ? isRoot
    ? ''
    : 'needs root, to run a daemon as another user'
  : 'libvirtd or QEMU (qboot) is not installed';
const named = (what: string, skip: string) => (skip === '' ? what : `${what} (skipped: ${skip})`);

/** A folder that other users can read, with the tiny guest in it. */
function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'nlv-'));
  chmodSync(folder, 0o755);
  writeFileSync(join(folder, 'guest.elf'), tinyGuest());
  return folder;
}

describe.skipIf(skipSystem !== '')(named('the system daemon', skipSystem), () => {
  let folder: string;
  let conn: Connection;
  beforeAll(async () => {
    folder = makeFolder();
    conn = await connect({ uri: 'qemu:///system' });
  });
  afterAll(async () => {
    await conn?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('says what it is', async () => {
    expect((await conn.libVersion()).major).toBeGreaterThanOrEqual(1);
    expect((await conn.hypervisorVersion()).major).toBeGreaterThanOrEqual(2);
    expect(await conn.uri()).toBe('qemu:///system');
    expect(await conn.hostname()).not.toBe('');
    expect(await conn.capabilities()).toMatch(/^<capabilities>/);
    expect(await conn.domainCapabilities({ virtType: 'qemu', machine: 'pc' })).toContain('<domain>qemu</domain>');
    expect((await conn.nodeInfo()).cpus).toBeGreaterThan(0);
  });

  it('creates a paused domain, talks to its guest, reports its life, and destroys it', async () => {
    const events: LifecycleEvent[] = [];
    const name = `nlv-test-${process.pid}`;
    const subscription = await conn.subscribe('lifecycle', (event) => {
      if (event.domain.name === name) events.push(event);
    });
    const dom = await conn.createDomainXml(tinyDomainXml(name, join(folder, 'guest.elf')), {
      paused: true,
      autodestroy: true,
    });
    expect(await dom.state()).toMatchObject({ state: 'paused', reason: 'user' });
    expect((await conn.listDomains({ paused: true, transient: true })).map((d) => d.uuid)).toContain(dom.uuid);
    const console = await dom.openConsole();
    const channel = await dom.openChannel('org.nodelibvirt.0');
    channel.resume();
    let output = '';
    console.on('data', (data: Buffer) => {
      output += data.toString('latin1').replaceAll('\r', '');
    });
    const timing: { sentAtNs?: bigint } = {};
    await dom.resume({ timing });
    await expect.poll(() => output, { timeout: 10_000 }).toBe(tinyGuestGreeting);
    expect(console.firstByteAtNs).toBeGreaterThan(timing.sentAtNs ?? 0n);
    console.write('ping');
    await expect.poll(() => output, { timeout: 10_000 }).toBe(`${tinyGuestGreeting}ping`);
    await dom.setMetadata('urn:node-libvirt:test', 'nlv', '<mark n="1"/>');
    expect(await dom.getMetadata('urn:node-libvirt:test')).toContain('n="1"');
    expect(await dom.xml()).toContain('urn:node-libvirt:test');
    const [stats] = await conn.getAllDomainStats({ state: true, cpu: true, vcpu: true, domains: [dom] });
    expect(stats?.params).toMatchObject({ 'state.state': 1, 'vcpu.current': 1, 'cpu.time': expect.any(Number) });
    await dom.suspend();
    const ends = Promise.all([once(console, 'close'), once(channel, 'close')]);
    await dom.destroy();
    await ends;
    await expect.poll(() => events.at(-1)?.event).toBe('stopped');
    // Some releases report the shutdown of a destroyed domain, others only that it stopped.
    const reported = events
      .filter(({ event }) => event !== 'shutdown')
      .map(({ event, detail }) => `${event} ${detail}`);
    expect(reported).toEqual([
      'started booted',
      'suspended paused',
      'resumed unpaused',
      'suspended paused',
      'stopped destroyed',
    ]);
    await expect(dom.state()).rejects.toMatchObject({ codeName: 'VIR_ERR_NO_DOMAIN' });
    await subscription.close();
  });

  it('destroys autodestroy domains when their connection closes', async () => {
    const other = await connect({ uri: 'qemu:///system' });
    const dom = await other.createDomainXml(tinyDomainXml(`nlv-auto-${process.pid}`), {
      paused: true,
      autodestroy: true,
    });
    await other.close();
    await expect
      .poll(async () => (await conn.listDomains()).some((d) => d.uuid === dom.uuid), { timeout: 10_000 })
      .toBe(false);
  });

  it('says what is wrong with a domain', async () => {
    const error = await conn.createDomainXml('<domain>').catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(LibvirtError);
    expect(error).toMatchObject({ codeName: 'VIR_ERR_XML_DETAIL', domainName: 'VIR_FROM_DOMAIN' });
  });

  it('lets a read-only connection look and not touch', async () => {
    await using reader = await connect({ uri: 'qemu:///system', readOnly: true });
    expect(await reader.uri()).toBe('qemu:///system');
    const error = await reader.createDomainXml(tinyDomainXml('nlv-never')).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ codeName: 'VIR_ERR_OPERATION_DENIED' });
  });

  it('answers a hundred calls made at once', async () => {
    const answers = await Promise.all(Array.from({ length: 100 }, () => conn.libVersion()));
    expect(new Set(answers.map((version) => version.major)).size).toBe(1);
  });
});

describe.skipIf(skipPrivate !== '')(named('a daemon of our own', skipPrivate), () => {
  let folder: string;
  let env: NodeJS.ProcessEnv;
  let socketPath: string;
  beforeAll(() => {
    folder = makeFolder();
    for (const sub of ['run', 'home']) {
      mkdirSync(join(folder, sub), { mode: 0o700 });
      spawnSync('chown', ['-R', `${nobody}:${nobody}`, join(folder, sub)]);
    }
    env = { PATH: process.env.PATH, HOME: join(folder, 'home'), XDG_RUNTIME_DIR: join(folder, 'run') };
    socketPath = join(folder, 'run/libvirt/libvirt-sock');
  });
  afterAll(() => {
    stopDaemon();
    rmSync(folder, { recursive: true, force: true });
  });

  const asNobody = ['--reuid', String(nobody), '--regid', String(nobody), '--clear-groups'];

  /** Ends the daemon that our folder's pid file names, if there is one. */
  function stopDaemon(): void {
    const pidFile = join(folder, 'run/libvirt/libvirtd.pid');
    if (!existsSync(pidFile)) return;
    const pid = Number(readFileSync(pidFile, 'utf8'));
    if (pid > 0 && existsSync(`/proc/${pid}`)) process.kill(pid, 'SIGKILL');
  }

  /** Runs a script with the bundled client as another user; returns its output. */
  async function runAsNobody(script: string): Promise<string> {
    const bundle = join(folder, 'node-libvirt.mjs');
    const entry = fileURLToPath(new URL('./index.ts', import.meta.url));
    await build({
      entryPoints: [entry],
      outfile: bundle,
      bundle: true,
      platform: 'node',
      format: 'esm',
      logLevel: 'error',
    });
    const file = join(folder, 'script.mjs');
    writeFileSync(file, `import { connect } from './node-libvirt.mjs';\n${script}`);
    const child = spawn('setpriv', [...asNobody, process.execPath, file], {
      env,
      cwd: '/',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    child.stdout.on('data', (data: Buffer) => (output += data));
    child.stderr.on('data', (data: Buffer) => (output += data));
    await once(child, 'close');
    return output;
  }

  it('is started by opening qemu:///session, once, though two ask for it', async () => {
    const output = await runAsNobody(`
      const [a, b] = await Promise.all([connect({ uri: 'qemu:///session' }), connect({ uri: 'qemu:///session' })]);
      console.log(await a.uri(), (await b.libVersion()).major > 0);
      await Promise.all([a.close(), b.close()]);`);
    expect(output).toBe('qemu:///session true\n');
    expect(existsSync(socketPath)).toBe(true);
  });

  it('that is killed and comes back is found again, with events and a domain that lived on', async () => {
    const uri = `qemu+unix:///session?socket=${socketPath}`;
    const conn = await connect({ uri });
    const events: string[] = [];
    await conn.subscribe('lifecycle', (event) => events.push(event.event));
    const dom = await conn.createDomainXml(tinyDomainXml('nlv-survivor', join(folder, 'guest.elf')), { paused: true });
    const console = await dom.openConsole();
    console.resume();
    const lost = Promise.all([once(conn, 'disconnected'), once(console, 'error')]);
    const reopened = once(conn, 'reopened');
    stopDaemon();
    const [[{ error }], [streamError]] = await lost;
    expect(error).toMatchObject({ reason: 'disconnected' });
    expect(streamError).toMatchObject({ reason: 'disconnected' });
    await expect(conn.libVersion()).rejects.toMatchObject({ reason: 'disconnected' });
    const daemon = spawn('setpriv', [...asNobody, '/usr/sbin/libvirtd', '--timeout=30'], {
      env,
      cwd: '/',
      stdio: 'ignore',
    });
    try {
      await reopened;
      events.length = 0;
      const found = await conn.lookupByName('nlv-survivor');
      expect(found.uuid).toBe(dom.uuid);
      await dom.resume();
      await dom.destroy();
      await expect.poll(() => events).toContain('stopped');
      expect(events[0]).toBe('resumed');
      await conn.close();
    } finally {
      daemon.kill();
    }
  });

  it('whose socket is closed to us is a matter of permission, and says so', async () => {
    const fake = await FakeLibvirt.start({ socketPath: join(folder, 'closed-sock') });
    chmodSync(fake.socketPath, 0o600);
    const output = await runAsNobody(`
      try { await connect({ uri: 'qemu+unix:///system?socket=${fake.socketPath}' }); }
      catch (error) { console.log(error.name, error.reason, error.socketPath, Boolean(error.hint)); }`);
    await fake.stop();
    expect(output).toBe(`LibvirtConnectionError permission-denied ${fake.socketPath} true\n`);
  });

  it.skipIf(skipSystem !== '')(
    named('is used by a user without rights to the system daemon, with a notice', skipSystem),
    async () => {
      const output = await runAsNobody(`
      try { await connect({ uri: 'qemu:///system' }); }
      catch (error) { console.log(error.reason, error.hint); }`);
      expect(output).toMatch(/^(auth-failed|permission-denied) .*qemu:\/\/\/session/);
    },
  );

  it('that cannot start is named, with what became of it', async () => {
    const output = await runAsNobody(`
      process.env.XDG_RUNTIME_DIR = '${join(folder, 'home')}';
      process.env.LIBVIRTD_PATH = '/bin/false';
      try { await connect({ uri: 'qemu:///session' }); }
      catch (error) { console.log(error.reason, error.message); }`);
    expect(output).toBe('spawn-failed cannot start /bin/false: it exited with code 1\n');
  });
});
