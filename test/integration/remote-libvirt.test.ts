import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { connect } from 'node-libvirt';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createSecondLibvirtd, whyNoSecondLibvirtd } from './second-libvirtd.ts';
import { createSshd, type Sshd, whyNoSshd } from './sshd.ts';
import { makeHome, removeHome, until } from './studio.ts';

// A busy machine needs long for a login.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });
const reason = whyNoSecondLibvirtd() ?? whyNoSshd();
const named = (what: string) => `${what}${reason === null ? '' : ` (skipped: ${reason})`}`;
const home = reason === null ? makeHome() : '';

/** The ssh processes that lead to a port. */
const sshProcesses = (port: number) => {
  const { stdout = '' } = { stdout: execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' }) };
  return stdout.split('\n').filter((line) => line.startsWith('ssh ') && line.includes(`-p ${port}`));
};

describe.skipIf(reason !== null)(named('libvirt behind SSH'), () => {
  let sshd: Sshd;
  const lab = createSecondLibvirtd(join(home, 'lab'));
  const socket = join(home, 'lab/sockets/libvirt-sock');

  beforeAll(async () => {
    sshd = await createSshd(join(home, 'sshd'));
    await Promise.all([sshd.start(), lab.start()]);
  });
  afterAll(async () => {
    await lab.kill();
    await sshd?.kill();
    removeHome(home);
  });

  it('answers through virt-ssh-helper, by one connection, which ends with ours', async () => {
    const connection = await connect({ uri: sshd.uri('/system') });
    expect(await connection.libVersion()).toMatchObject({ major: expect.any(Number) });
    expect(await connection.uri()).toBe('qemu:///system');
    expect(sshProcesses(sshd.port)).toHaveLength(1);
    await connection.close();
    await until('ssh has ended', () => sshProcesses(sshd.port).length === 0);
  });

  it('answers at a socket that the URI names, which ssh forwards', async () => {
    const connection = await connect({ uri: sshd.uri('/system', { socket }) });
    expect(await connection.listDomains()).toEqual([]);
    await connection.close();
  });

  it('is reached again after the connection has broken', async () => {
    const reconnect = { firstDelayMs: 50, maxDelayMs: 200, attempts: 100 };
    const connection = await connect({ uri: sshd.uri('/system', { socket }), reconnect });
    await lab.kill();
    await until('it is lost', () => !connection.connected);
    await lab.start();
    await until('it is back', () => connection.connected, 30_000);
    expect(await connection.hostname()).not.toBe('');
    await connection.close();
  });

  it.each([
    ['a host key that is not known', { known_hosts: '/dev/null' }, 'host-key-unknown', /not known/],
    [
      'a key that the host does not take',
      { keyfile: '/nonexistent' },
      'auth-failed',
      /refused the login.*Permission denied/,
    ],
    ['a socket that is not there', { socket: "/nonexistent'; touch /tmp/owned" }, 'no-daemon', /is no socket there/],
    ['no ssh', { command: '/nonexistent/ssh' }, 'spawn-failed', /cannot start/],
  ])('refuses %s in plain words', async (_, query, why, message) => {
    const opening = connect({ uri: sshd.uri('/system', query) });
    await expect(opening).rejects.toMatchObject({ reason: why, message: expect.stringMatching(message) });
    await until('ssh has ended', () => sshProcesses(sshd.port).length === 0);
  });

  it('refuses a host whose key has changed, and one where nobody listens', async () => {
    await sshd.kill();
    const refused = connect({ uri: sshd.uri('/system') });
    await expect(refused).rejects.toMatchObject({
      reason: 'connect-failed',
      message: expect.stringMatching(/refused/),
    });
    sshd.replaceHostKey();
    await sshd.start();
    const changed = connect({ uri: sshd.uri('/system') });
    await expect(changed).rejects.toMatchObject({
      reason: 'host-key-changed',
      hint: expect.stringMatching(/ssh-keygen -R/),
    });
  });
});
