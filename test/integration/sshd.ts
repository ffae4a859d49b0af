import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { until } from './studio.ts';

/** The reason why no sshd can start here, or null when one can. */
export const whyNoSshd = (): string | null => (existsSync('/usr/sbin/sshd') ? null : 'no sshd (openssh-server)');

/** A separate sshd on loopback, with its own keys. */
export interface Sshd {
  readonly port: number;
  /** The beginning of a URI, and the query that names our key and the host's: `qemu+ssh://…`. */
  readonly uri: (path: string, query?: Readonly<Record<string, string>>) => string;
  readonly keyFile: string;
  readonly knownHostsFile: string;
  readonly start: () => Promise<void>;
  /** Gives it another host key, from the next start on. */
  readonly replaceHostKey: () => void;
  readonly kill: () => Promise<void>;
}

/** A free port of loopback. */
export async function findPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** An sshd whose keys and configuration lie in `dir`. */
export async function createSshd(dir: string): Promise<Sshd> {
  mkdirSync(dir, { recursive: true, mode: 0o755 });
  const port = await findPort();
  const at = (name: string) => join(dir, name);
  const makeKey = (name: string) =>
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'firstlight-test', '-f', at(name)]);
  makeKey('host');
  makeKey('client');
  writeFileSync(at('authorized'), readFileSync(at('client.pub')), { mode: 0o600 });
  writeFileSync(at('known'), `[127.0.0.1]:${port} ${readFileSync(at('host.pub'), 'utf8')}`);
  const lines = [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${at('host')}`,
    `AuthorizedKeysFile ${at('authorized')}`,
    `PidFile ${at('sshd.pid')}`,
    ...['PermitRootLogin prohibit-password', 'PasswordAuthentication no', 'KbdInteractiveAuthentication no'],
    ...['StrictModes no', 'UsePAM no', 'MaxSessions 100'],
  ];
  writeFileSync(at('config'), `${lines.join('\n')}\n`);
  let daemon: ChildProcess | null = null;
  const listens = () =>
    new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.destroy();
        resolve(true);
      });
      socket.on('error', () => resolve(false));
    });
  return {
    port,
    keyFile: at('client'),
    knownHostsFile: at('known'),
    uri: (path, query = {}) => {
      const search = new URLSearchParams({ keyfile: at('client'), known_hosts: at('known'), ...query });
      return `qemu+ssh://${userInfo().username}@127.0.0.1:${port}${path}?${search}`;
    },
    start: async () => {
      // sshd's privilege separation wants it, and only a service manager makes it.
      mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
      daemon = spawn('/usr/sbin/sshd', ['-D', '-e', '-f', at('config')], { stdio: 'ignore' });
      await until('sshd listens', listens);
    },
    replaceHostKey: () => {
      for (const name of ['host', 'host.pub']) execFileSync('rm', ['-f', at(name)]);
      makeKey('host');
    },
    kill: async () => {
      if (daemon === null) return;
      const exited = once(daemon, 'exit');
      daemon.kill('SIGTERM');
      await exited;
      daemon = null;
    },
  };
}
