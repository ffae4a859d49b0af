import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isAlive, thisProcess } from '#core/store/owner.ts';
import type { UserNetwork } from '../machine.ts';
import { endLeftNetworks, type MachineNetworkProcess, startNetwork } from './network.ts';
import { whyNoNetwork } from './network-tools.ts';

const uid = process.getuid?.() ?? 0;
const reason = whyNoNetwork(process.env, uid)?.message ?? null;
const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` };

let dir: string;
let made: MachineNetworkProcess[];
let guests: ChildProcess[];
let servers: Server[];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'fl-net-'));
  [made, guests, servers] = [[], [], []];
});
afterEach(async () => {
  for (const guest of guests) guest.kill('SIGKILL');
  for (const server of servers) server.close();
  await Promise.all(made.map(({ process }) => process.kill()));
  rmSync(dir, { recursive: true, force: true });
});

const network = (more: Partial<UserNetwork> = {}): UserNetwork => ({
  ...{ kind: 'user', guestIp: '10.0.2.15', forwards: [], isRestricted: true },
  ...more,
});

async function start(wanted: UserNetwork, name = 'one', keep = false): Promise<MachineNetworkProcess> {
  const place = { dir: join(dir, name), uid: 12_345, keep, env: process.env };
  mkdirSync(place.dir);
  const started = await startNetwork(wanted, place);
  made.push(started);
  await started.ready;
  return started;
}

/** A whole Linux network behind the bridge, where the guest's card is: it can send what a hostile guest could. */
async function hostileGuest({ namespacePath }: MachineNetworkProcess): Promise<string> {
  const guest = spawn('unshare', ['--net', 'sh', '-c', 'echo; exec cat'], { stdio: ['pipe', 'pipe', 'ignore'] });
  guests.push(guest);
  await once(guest.stdout, 'data');
  const inside = `--net=/proc/${guest.pid}/ns/net`;
  const ip = (namespace: string, ...lines: string[]) =>
    execFileSync('nsenter', [namespace, 'ip', '-batch', '-'], { env, input: `${lines.join('\n')}\n` });
  ip(
    `--net=${namespacePath}`,
    'link add hostile type veth peer name card',
    'link set hostile master bridge up',
    `link set card netns ${guest.pid}`,
  );
  ip(inside, 'addr add 10.0.2.15/24 dev card', 'link set card up', 'route add default via 10.0.2.2');
  return inside;
}

/** What a program of Node.js prints that runs in the guest's network. */
async function runInside(inside: string, source: string): Promise<string> {
  const { stdout } = await promisify(execFile)('nsenter', [inside, process.execPath, '-e', source], { env });
  return stdout.trim();
}

/** Connects from inside; says what came of it within two seconds. */
const connecting = (host: string, port: number) => `
  const socket = require('node:net').connect(${port}, '${host}');
  const end = (text) => { console.log(text); process.exit(); };
  socket.on('data', (data) => end(data.toString()));
  socket.on('error', ({ code }) => end(code));
  setTimeout(end, 2000, 'silence');`;

async function listen(onConnection: (address: string | undefined) => void = () => undefined): Promise<number> {
  const server = createServer((socket) => {
    onConnection(socket.remoteAddress);
    socket.on('error', () => undefined);
    socket.end('welcome');
  }).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

const serving = `require('node:net').createServer((socket) => {
  socket.on('error', () => undefined);
  socket.end('from ' + socket.remoteAddress);
}).listen(80, () => console.log('ready'));`;

/** Starts a server in the guest, and returns what it tells a client of the forwarded port. */
async function askGuest(inside: string, hostPort: number): Promise<string> {
  const server = spawn('nsenter', [inside, process.execPath, '-e', serving], { stdio: ['ignore', 'pipe', 'inherit'] });
  guests.push(server);
  await once(server.stdout, 'data');
  const socket = connect(hostPort, '127.0.0.1');
  const [data] = await once(socket, 'data');
  socket.destroy();
  return String(data);
}

interface TunLink {
  readonly ifname: string;
  readonly linkinfo: { readonly info_data: { readonly user: unknown } };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

describe.skipIf(reason !== null)(
  `a machine’s network in Firecracker${reason === null ? '' : ` (skipped: ${reason})`}`,
  () => {
    it('lets a restricted guest answer at its forwarded ports and nothing else', async () => {
      const seen: unknown[] = [];
      const hostPort = await freePort();
      const port = await listen((address) => seen.push(address));
      const datagrams = createSocket('udp4', (message) => seen.push(message.toString()));
      datagrams.bind(0, '127.0.0.1');
      await once(datagrams, 'listening');
      const inside = await hostileGuest(
        await start(network({ forwards: [{ protocol: 'tcp', hostPort, guestPort: 80 }] })),
      );
      expect(await askGuest(inside, hostPort)).toBe('from ::ffff:10.0.2.2');
      expect(await runInside(inside, connecting('10.0.2.2', port))).toBe('silence');
      const udpPort = datagrams.address().port;
      const sending = `const socket = require('node:dgram').createSocket('udp4');
        let left = 3;
        const send = () => socket.send('leaked', ${udpPort}, '10.0.2.2', () => left-- ? setTimeout(send, 100) : socket.close());
        socket.bind(68, send);`;
      await runInside(inside, sending);
      const asking = `const { Resolver } = require('node:dns').promises;
        const resolver = new Resolver({ timeout: 1000, tries: 1 });
        resolver.setServers(['10.0.2.3']);
        resolver.resolve4('example.com').then(() => console.log('answered'), ({ code }) => console.log(code));`;
      expect(await runInside(inside, asking)).toBe('ETIMEOUT');
      expect(seen).toEqual([]);
      datagrams.close();
    });

    it('lets one with outbound connections reach this machine, as QEMU’s does', async () => {
      const seen: unknown[] = [];
      const port = await listen((address) => seen.push(address));
      const inside = await hostileGuest(await start(network({ isRestricted: false })));
      expect(await runInside(inside, connecting('10.0.2.2', port))).toBe('welcome');
      expect(seen).toEqual(['127.0.0.1']);
    });

    it('is forwarded at loopback only, and says which port another program has', async () => {
      const taken = await listen();
      const hostPort = await freePort();
      await start(network({ forwards: [{ protocol: 'tcp', hostPort, guestPort: 80 }] }));
      const listening = readFileSync('/proc/net/tcp', 'utf8').split('\n');
      const hex = hostPort.toString(16).toUpperCase().padStart(4, '0');
      const local = listening.map((line) => line.trim().split(/\s+/)[1]).filter((one) => one?.endsWith(`:${hex}`));
      expect(local).toEqual([`0100007F:${hex}`]);
      await expect(
        start(network({ forwards: [{ protocol: 'tcp', hostPort: taken, guestPort: 80 }] }), 'two'),
      ).rejects.toMatchObject({ code: 'PORT_IN_USE', message: expect.stringContaining(String(taken)) });
    });

    it('holds its process in, and keeps the stack’s device from the user of the VMM', async () => {
      const { process: stack, namespacePath } = await start(network());
      const status = readFileSync(`/proc/${stack.owner.pid}/status`, 'utf8');
      expect(status).toMatch(/^Seccomp:\t2$/m);
      expect(status).toMatch(/^CapEff:\t0000000000000400$/m);
      const show = ['ip', '-d', '-j', 'link', 'show', 'type', 'tun'];
      const links = execFileSync('nsenter', [`--net=${namespacePath}`, ...show], { env, encoding: 'utf8' });
      const owners = JSON.parse(links).map(({ ifname, linkinfo }: TunLink) => [
        ifname,
        String(linkinfo.info_data.user),
      ]);
      expect(Object.fromEntries(owners)).toEqual({ guest: '12345', stack: 'root' });
    });

    it('is ended by a later program where its machine and its maker are gone, and only there', async () => {
      const maker = thisProcess();
      const gone = await start(network(), '4194304-1-abcdef', true);
      const kept = await start(network(), '4194304-1-abcdee', true);
      const young = await start(network(), `${maker.pid}-${maker.startTicks}-abcdef`, true);
      await endLeftNetworks(dir, new Set([join(dir, '4194304-1-abcdee')]));
      expect([gone, kept, young].map(({ process }) => isAlive(process.owner))).toEqual([false, true, true]);
    });

    it('whose rules the kernel refuses is not there, with what was said', async () => {
      writeFileSync(join(dir, 'nft'), '#!/bin/sh\necho no such table >&2\nexit 1\n', { mode: 0o755 });
      const place = { dir, uid: 12_345, keep: false, env: { PATH: `${dir}:${process.env.PATH}` } };
      // The namespace is there before its rules are.
      const one = await startNetwork(network(), place);
      made.push(one);
      await expect(one.ready).rejects.toMatchObject({
        code: 'BOOT_FAILED',
        hint: expect.stringContaining('nftables'),
        details: { output: 'no such table' },
      });
      expect(isAlive(one.process.owner)).toBe(false);
    });
  },
);

describe('a network that cannot be had', () => {
  it('names the Debian packages that are missing, or says that only root has one', () => {
    expect(whyNoNetwork({ PATH: '/nowhere' }, 0)).toMatchObject({
      code: 'TOOL_MISSING',
      message: expect.stringContaining('slirp4netns'),
      hint: expect.stringMatching(/apt-get install .*slirp4netns/),
    });
    expect(whyNoNetwork(process.env, 1000)).toMatchObject({ code: 'MACHINE_UNSUPPORTED' });
  });
});
