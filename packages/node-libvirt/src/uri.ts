import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { autostartTransport } from './daemon.ts';
import { LibvirtConnectionError } from './errors.ts';
import { sshTransport } from './spawn-ssh.ts';
import { tlsTransport } from './tls-transport.ts';
import { type Transport, unixTransport } from './transport.ts';

/** The meaning of a connection URI on this machine, for this user. */
export interface Target {
  /** The name that the daemon opens, as in `qemu:///system`. */
  name: string;
  transport: Transport;
}

/** The environment that determines the sockets' paths; tests pass their own. */
export interface Surroundings {
  uid: number;
  env: NodeJS.ProcessEnv;
  systemDir: string;
}

const thisProcess = (): Surroundings => ({
  uid: process.getuid?.() ?? 0,
  env: process.env,
  systemDir: '/var/run/libvirt',
});

// These only steer libvirt's own client; the rest of the query goes to the daemon unchanged.
const clientOptions = new Set([
  'socket',
  'mode',
  'name',
  'command',
  'auth',
  'authfile',
  'no_tty',
  'no_verify',
  'no_sanity',
  'proxy',
  'keyfile',
  'known_hosts',
  'pkipath',
]);

/** Finds the daemon for a URI. Errors: LibvirtConnectionError `bad-uri` for a daemon that has no unix socket. */
export function resolveUri(uri: string, readOnly = false, around: Surroundings = thisProcess()): Target {
  const parsed = parse(uri);
  const [driver = '', carrier] = parsed.protocol.slice(0, -1).split('+');
  const query = new URLSearchParams(parsed.search);
  if (carrier === 'ssh' || carrier === 'tls') return resolveRemote(uri, driver, carrier, parsed, query, around);
  if (carrier !== undefined && carrier !== 'unix') {
    throw badUri(uri, `transport "${carrier}" is not built in; pass a Transport to connect() to use one`);
  }
  if (parsed.host !== '') throw badUri(uri, 'a host name needs a network: qemu+ssh or qemu+tls');
  const socket = query.get('socket');
  const mode = query.get('mode') ?? 'auto';
  if (!['auto', 'legacy', 'direct'].includes(mode)) throw badUri(uri, `mode "${mode}" is not auto, legacy or direct`);
  // Only a daemon that runs as root serves /system; every daemon takes /session.
  const path = parsed.pathname === '' ? '/session' : parsed.pathname;
  const name = query.get('name') ?? `${driver}://${path}${passedOn(query)}`;
  if (socket !== null) return { name, transport: unixTransport(socket) };
  return { name, transport: locate(driver, mode, path, readOnly, around) };
}

/** The daemon of another host. */
function resolveRemote(
  uri: string,
  driver: string,
  carrier: 'ssh' | 'tls',
  parsed: URL,
  query: URLSearchParams,
  around: Surroundings,
): Target {
  const host = parsed.hostname.replace(/^\[|\]$/g, '');
  const user = decodeURIComponent(parsed.username);
  if (host === '') throw badUri(uri, 'it names no host');
  // An argument that begins with a dash would be an option of ssh.
  if (host.startsWith('-') || user.startsWith('-')) throw badUri(uri, 'a host or user begins with a dash');
  if (parsed.password !== '') throw badUri(uri, 'a password has no place in it');
  const path = parsed.pathname === '' ? '/session' : parsed.pathname;
  const name = query.get('name') ?? `${driver}://${path}${passedOn(query)}`;
  const port = parsed.port === '' ? undefined : Number(parsed.port);
  const noVerify = query.get('no_verify') === '1';
  const option = (key: string) => query.get(key) ?? undefined;
  if (carrier === 'tls') {
    if (noVerify) throw badUri(uri, 'no_verify is not for TLS: the certificate of the host is always checked');
    return { name, transport: tlsTransport({ host, port, pkiPath: option('pkipath'), uid: around.uid }) };
  }
  const transport = sshTransport({
    command: option('command'),
    user: user === '' ? undefined : user,
    host,
    port,
    keyFile: option('keyfile'),
    knownHostsFile: option('known_hosts'),
    noVerify,
    socketPath: option('socket'),
    uri: name,
    fallbackSocketPath: '/var/run/libvirt/libvirt-sock',
  });
  return { name, transport };
}

function parse(uri: string): URL {
  try {
    return new URL(uri);
  } catch (cause) {
    throw badUri(uri, 'it is not a URI', cause);
  }
}

function badUri(uri: string, why: string, cause?: unknown): LibvirtConnectionError {
  return new LibvirtConnectionError('bad-uri', `cannot use the connection URI "${uri}": ${why}`, {
    cause,
    hint: 'Examples: qemu:///system, qemu:///session, qemu+unix:///system?socket=/run/libvirt/libvirt-sock, qemu+ssh://user@host/system, qemu+tls://host/system.',
  });
}

function passedOn(query: URLSearchParams): string {
  const kept = new URLSearchParams([...query].filter(([key]) => !clientOptions.has(key.toLowerCase())));
  return kept.size > 0 ? `?${kept}` : '';
}

function locate(driver: string, mode: string, path: string, readOnly: boolean, around: Surroundings): Transport {
  // libvirt has no per-user daemon for root: there, session URIs reach the system daemon.
  const perUser = path === '/session' && around.uid !== 0;
  const folder = perUser ? runtimeDir(around.env) : around.systemDir;
  // Only the system daemon has a second socket, for clients with read-only access.
  const ending = readOnly && !perUser ? 'sock-ro' : 'sock';
  const direct = { program: `virt${driver}d`, socketPath: join(folder, `virt${driver}d-${ending}`) };
  const legacy = { program: 'libvirtd', socketPath: join(folder, `libvirt-${ending}`) };
  if (!perUser) {
    const useDirect = mode === 'direct' || (mode === 'auto' && existsSync(direct.socketPath));
    return unixTransport((useDirect ? direct : legacy).socketPath);
  }
  const candidates = mode === 'direct' ? [direct] : mode === 'legacy' ? [legacy] : [legacy, direct];
  return autostartTransport({ runtimeDir: folder, candidates }, around.env);
}

/** The folder of the per-user daemon's sockets, by GLib's rules. */
export function runtimeDir(env: NodeJS.ProcessEnv): string {
  const base = env.XDG_RUNTIME_DIR || env.XDG_CACHE_HOME || join(env.HOME || homedir(), '.cache');
  return join(base, 'libvirt');
}
