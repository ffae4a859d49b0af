import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { LibvirtConnectionError } from './errors.ts';
import { explainSsh } from './explain-ssh.ts';
import { explainTcp, type TcpAddress, type Transport } from './transport.ts';

/** A host behind SSH. */
export interface SshTarget {
  /** The `ssh` program. Default: that of the PATH. */
  command?: string | undefined;
  user?: string | undefined;
  host: string;
  port?: number | undefined;
  keyFile?: string | undefined;
  knownHostsFile?: string | undefined;
  /** Accepts any host key. */
  noVerify?: boolean | undefined;
  /** The daemon's socket there. Absent: `virt-ssh-helper` finds or starts the daemon for `uri`. */
  socketPath?: string | undefined;
  /** The URI for `virt-ssh-helper`. */
  uri: string;
  /** The socket for a host without `virt-ssh-helper`. */
  fallbackSocketPath: string;
}

const pollMs = 20;
/** Long enough for any error text of ssh. */
const maxErrorText = 4_000;

/** The one connection to a host: a master of OpenSSH's multiplexing, through which all others go. */
interface Master {
  /** Runs a command there; its standard input and output are the stream. */
  run(command: string): ChildProcessWithoutNullStreams;
  /** The exit code of a short command, and its error text. */
  ask(command: string, signal?: AbortSignal): Promise<{ code: number | null; text: string }>;
  /** A local socket that leads to a socket there. */
  forward(remotePath: string, signal?: AbortSignal): Promise<string>;
  /** A process of ours whose standard input and output are a TCP connection made there. */
  dial(to: TcpAddress): ChildProcessWithoutNullStreams;
  readonly errorText: string;
  readonly ended: boolean;
  end(): void;
}

/**
 * A transport over the system's `ssh`, with one connection for each host. Its configuration and agent are used, host
 * keys must be known, and nothing is asked. Errors: LibvirtConnectionError; see its `reason`.
 */
export function sshTransport(target: SshTarget): Transport {
  const description = `${target.user === undefined ? '' : `${target.user}@`}${target.host}`;
  let master: Promise<Master> | undefined;
  /** Whether the host has `virt-ssh-helper`; undefined: not asked yet. */
  let hasHelper: boolean | undefined;
  /** The connection through which the socket was found. */
  let checked: Master | undefined;

  const open = async (signal: AbortSignal | undefined): Promise<Master> => {
    const current = await master?.catch(() => undefined);
    if (current !== undefined && !current.ended) return current;
    master = startMaster(target, description, signal);
    return await master;
  };

  return {
    description,
    connect: async (signal) => {
      const there = await open(signal);
      let { socketPath } = target;
      if (socketPath === undefined) {
        hasHelper ??= (await there.ask('command -v virt-ssh-helper', signal)).code === 0;
        if (hasHelper)
          return streamOf(there.run(`virt-ssh-helper ${quote(target.uri)}`), (said) => explainSsh(said, description));
        socketPath = target.fallbackSocketPath;
      }
      if (checked !== there) await checkSocket(there, socketPath, description, signal);
      checked = there;
      return await connectTo(await there.forward(socketPath, signal), socketPath, description);
    },
    connectTcp: async (to, signal) => {
      const there = await open(signal);
      signal?.throwIfAborted();
      const explain = (said: string) => explainTcp(to, description, new Error(said.trim() || 'ssh ended'));
      return streamOf(there.dial(to), explain);
    },
    close: async () => {
      (await master?.catch(() => undefined))?.end();
    },
  };
}

/** A word for the shell of the host: SSH carries commands as one text. */
export const quote = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

async function startMaster(target: SshTarget, description: string, signal?: AbortSignal): Promise<Master> {
  signal?.throwIfAborted();
  const dir = await mkdtemp(join(tmpdir(), 'nlv-ssh-'));
  const control = join(dir, 'm');
  const { command = 'ssh', user, host, port, keyFile, knownHostsFile, noVerify = false } = target;
  const env = { ...process.env, LC_ALL: 'C' };
  const options = [
    ...['-T', '-x', '-a', '-e', 'none', '-o', 'BatchMode=yes', '-o', 'ControlPersist=no', '-o', 'ConnectTimeout=10'],
    ...['-o', 'ServerAliveInterval=5', '-o', 'ServerAliveCountMax=5', '-o', 'PermitLocalCommand=no'],
    ...['-o', `StrictHostKeyChecking=${noVerify ? 'no' : 'yes'}`],
    ...(user === undefined ? [] : ['-l', user]),
    ...(port === undefined ? [] : ['-p', String(port)]),
    ...(keyFile === undefined ? [] : ['-i', keyFile]),
    ...(knownHostsFile === undefined ? [] : ['-o', `UserKnownHostsFile=${knownHostsFile}`]),
  ];
  // Its own command ends with our end of the pipe, also when this process is killed; then ssh ends too.
  const args = ['-M', '-S', control, ...options, '-o', 'ClearAllForwardings=yes', '--', host, 'cat'];
  const child = spawn(command, args, { env, stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdout.resume();
  const text = collect(child.stderr);
  let failure: Error | undefined;
  let ended = false;
  // At once, since this process may end next.
  const removeFolder = () => {
    try {
      rmSync(dir, { recursive: true, force: true });
    } catch {
      // ssh was just making a socket in it: the folder is removed again when ssh has ended.
    }
  };
  const end = () => {
    if (ended) return;
    ended = true;
    child.stdin.destroy();
    child.kill();
    removeFolder();
  };
  child.stdin.on('error', () => undefined);
  child.once('error', (error) => {
    failure = error;
  });
  child.once('close', () => {
    end();
    removeFolder();
  });
  try {
    while (!existsSync(control)) {
      if (failure !== undefined) throw cannotStart(command, failure);
      if (ended) throw explainSsh(text(), description);
      await sleep(pollMs, undefined, signal ? { signal } : {});
    }
  } catch (error) {
    end();
    throw error;
  }

  // Without a master that answers, ssh would connect by itself: the proxy that fails prevents it.
  const through = ['-S', control, '-T', '-x', '-a', '-e', 'none', '-o', 'BatchMode=yes', '-o', 'ProxyCommand=false'];
  const run = (remote: string) =>
    spawn(command, [...through, '--', host, remote], { env, stdio: ['pipe', 'pipe', 'pipe'] });
  const forwarded = new Map<string, Promise<string>>();
  let count = 0;
  const addForward = async (remotePath: string, abort?: AbortSignal) => {
    const local = join(dir, `s${count++}`);
    const asked = spawn(command, [...through, '-O', 'forward', '-L', `${local}:${remotePath}`, '--', host], { env });
    const { code, text: said } = await ending(asked, abort);
    if (code !== 0) throw explainSsh(said || text(), description);
    return local;
  };
  return {
    run,
    ask: (remote, abort) => ending(run(remote), abort),
    dial: ({ host: to, port: at }) =>
      spawn(command, [...through, '-W', `${to.includes(':') ? `[${to}]` : to}:${at}`, '--', host], { env }),
    forward: async (remotePath, abort) => {
      const known = forwarded.get(remotePath) ?? addForward(remotePath, abort);
      forwarded.set(remotePath, known);
      return await known.catch((error: unknown) => {
        forwarded.delete(remotePath);
        throw error;
      });
    },
    get errorText() {
      return text();
    },
    get ended() {
      return ended;
    },
    end,
  };
}

function ending(child: ChildProcessWithoutNullStreams, signal?: AbortSignal) {
  return new Promise<{ code: number | null; text: string }>((resolve, reject) => {
    const text = collect(child.stderr);
    const giveUp = () => {
      child.kill();
      reject(signal?.reason);
    };
    signal?.addEventListener('abort', giveUp, { once: true });
    child.stdin.on('error', () => undefined);
    child.stdin.end();
    child.stdout.resume();
    child.once('error', reject);
    child.once('close', (code) => {
      signal?.removeEventListener('abort', giveUp);
      resolve({ code, text: text() });
    });
  });
}

function collect(stream: NodeJS.ReadableStream): () => string {
  let text = '';
  stream.on('data', (chunk: Buffer) => {
    text = (text + chunk.toString('utf8')).slice(-maxErrorText);
  });
  return () => text;
}

/** The standard streams of a command as one stream, which fails with what the command says when it fails. */
function streamOf(child: ChildProcessWithoutNullStreams, explain: (said: string) => Error): Duplex {
  const text = collect(child.stderr);
  const stream = new Duplex({
    allowHalfOpen: false,
    read: () => child.stdout.resume(),
    write: (chunk, _encoding, done) => {
      child.stdin.write(chunk, done);
    },
    final: (done) => {
      child.stdin.end(done);
    },
    destroy: (error, done) => {
      child.stdin.destroy();
      child.kill();
      done(error);
    },
  });
  child.stdin.on('error', () => undefined);
  child.stdout.on('data', (chunk: Buffer) => {
    if (!stream.push(chunk)) child.stdout.pause();
  });
  child.once('error', (error) => stream.destroy(error));
  child.once('close', (code) => {
    if (code === 0 || stream.destroyed) stream.push(null);
    else stream.destroy(explain(text()));
  });
  return stream;
}

function connectTo(local: string, remotePath: string, description: string): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const socket = connect(local);
    socket.once('connect', () => {
      socket.removeAllListeners('error');
      resolve(socket);
    });
    socket.once('error', (cause) =>
      reject(
        new LibvirtConnectionError('connect-failed', `cannot reach ${remotePath} on ${description}: ${cause.message}`, {
          socketPath: remotePath,
          cause,
        }),
      ),
    );
  });
}

/** Refuses a socket that is not there, or not for this user: a forwarding would only close without a word. */
async function checkSocket(there: Master, socketPath: string, description: string, signal?: AbortSignal) {
  const path = quote(socketPath);
  if ((await there.ask(`test -S ${path} && test -w ${path}`, signal)).code === 0) return;
  if ((await there.ask(`test -S ${path}`, signal)).code === 0) {
    throw new LibvirtConnectionError(
      'permission-denied',
      `no permission to connect to ${socketPath} on ${description}`,
      { hint: 'Have that user join the group "libvirt" there, or name another user: qemu+ssh://user@host/system.' },
    );
  }
  throw new LibvirtConnectionError(
    'no-daemon',
    `no libvirt daemon is running on ${description}: ${socketPath} is no socket there`,
    { hint: 'Install and start libvirt there (Debian: libvirt-daemon-system).' },
  );
}

function cannotStart(command: string, cause: Error): LibvirtConnectionError {
  return new LibvirtConnectionError('spawn-failed', `cannot start ${command}: ${cause.message}`, {
    cause,
    hint: 'Install OpenSSH’s client (Debian: openssh-client).',
  });
}
