/** A guest that serves HTTP by itself, reached through a forwarded port of QEMU's user-mode network. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { connect, createServer, type Socket } from 'node:net';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { buildGuest } from '../../build/guest.mjs';
import { encodeSeed, headerBytes } from '../../core/runtimes/ember/channel.ts';
import { type ImageNetwork, unassigned } from '../../core/runtimes/ember/image.ts';
import { Functions } from './functions.ts';
import { whyNoKvm } from './kvm.ts';
import type { Machine } from './machine.ts';

const { networkKernelPath } = await buildGuest({ log: console.error });
const functions = new Functions();
afterEach(() => functions.stopAll());
afterAll(() => functions.close());

const code = `
  let calls = 0;
  export default async function handler(event) {
    calls += 1;
    if (event.path === '/size') return { bytes: event.body.length };
    if (event.path === '/large') return { status: 200, headers: { 'content-type': 'text/plain' }, body: 'x'.repeat(Number(event.query.n)) };
    if (event.path === '/now') return { now: Date.now(), random: crypto.randomUUID() };
    if (event.path === '/cookies') return { headers: { entries: () => [['set-cookie', 'a=1'], ['set-cookie', 'b=2']] }, body: '' };
    if (event.path === '/list') return { headers: { 'Set-Cookie': ['c=3', 'd=4'] }, body: '' };
    if (event.path === '/interim') return { status: 100, body: '' };
    if (event.path === '/throw') throw new TypeError('no such thing');
    if (event.path === '/sleep') await new Promise((done) => setTimeout(done, Number(event.query.ms)));
    if (event.path === '/loop') for (;;);
    if (event.path === '/crash') new Function('return ' + '()=>'.repeat(2500) + '1');
    return { method: event.method, path: event.path, query: event.query, body: event.body, calls };
  }`;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  return address !== null && typeof address !== 'string' ? address.port : 0;
}

const fixed = { address: '10.0.2.15', netmask: '255.255.255.0', gateway: '10.0.2.2' };
const kubevirt = { address: '10.0.2.2', netmask: '255.255.255.0', gateway: '10.0.2.1' };
const byDhcp = { address: unassigned, netmask: unassigned, gateway: unassigned };

interface Served {
  readonly guest: Machine;
  readonly port: number;
}

/** Boots the function with the network. It has said HELLO, and opens its network once it is seeded. */
async function boot(
  more: {
    timeoutMs?: number;
    machine?: 'pc' | 'q35';
    firmware?: 'qboot' | 'seabios';
    memoryMiB?: number;
    accel?: 'tcg' | 'kvm';
    addresses?: Pick<ImageNetwork, 'address' | 'netmask' | 'gateway'>;
    /** The address that QEMU's DHCP server gives. */
    given?: string;
    cpu?: string;
    commandLine?: string;
  } = {},
): Promise<Served> {
  const port = await freePort();
  const { timeoutMs = 5000, addresses = fixed, given = '10.0.2.15', commandLine = '', ...rest } = more;
  const guest = await functions.boot(code, {
    ...rest,
    network: { ...addresses, ports: [8080], timeoutMs },
    extra: [
      ...['-netdev', `user,id=net0,restrict=on,dhcpstart=${given},hostfwd=tcp:127.0.0.1:${port}-${given}:8080`],
      ...['-device', 'virtio-net-pci,netdev=net0,romfile='],
      ...(commandLine === '' ? [] : ['-append', commandLine]),
    ],
  });
  await guest.hello();
  return { guest, port };
}

/** Boots the function with the network, and has it answer once over the channel. */
async function serve(more: Parameters<typeof boot>[0] = {}): Promise<Served> {
  const served = await boot(more);
  await served.guest.answer({ path: '/first' });
  return served;
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

async function call(
  port: number,
  path: string,
  options: { method?: string; body?: string; headers?: Record<string, string>; agent?: Agent } = {},
): Promise<Answer> {
  const { body, ...rest } = options;
  const sent = request({ host: '127.0.0.1', port, path, ...rest, timeout: 60_000 });
  sent.end(body);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return { status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks).toString() };
}

/** Everything that arrives on a connection until it ends, after these bytes were sent. */
async function exchange(port: number, text: string, end = false): Promise<string> {
  const socket: Socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  if (end) socket.end(text);
  else socket.write(text);
  let answer = '';
  for await (const chunk of socket) answer += (chunk as Buffer).toString('latin1');
  return answer;
}

/** What arrives on a connection after these bytes were sent, until it matches. */
async function ask(socket: Socket, text: string, whole: RegExp): Promise<string> {
  socket.write(text);
  let answer = '';
  while (!whole.test(answer)) {
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    answer += chunk.toString('latin1');
  }
  return answer;
}

describe.skipIf(networkKernelPath === null)('the network (needs the source of lwIP: node build/lwip.mjs)', () => {
  it('serves HTTP on its port, and invocations beside it', async () => {
    const { guest, port } = await serve();
    const { status, headers, body } = await call(port, '/a/b?x=1&y=a%20b');
    expect(status).toBe(200);
    expect(headers['content-type']).toBe('application/json');
    const query = { x: '1', y: 'a b' };
    expect(JSON.parse(body)).toEqual({ method: 'GET', path: '/a/b', query, body: null, calls: 2 });
    expect(JSON.parse(await guest.answer({ path: '/c' }))).toMatchObject({ path: '/c', calls: 3 });
    expect(JSON.parse((await call(port, '/d')).body)).toMatchObject({ calls: 4 });
    expect(guest.console()).toBe('');
  });

  it('serves HTTP before its first invocation, with the clock and random numbers of its host', async () => {
    const answers: { now: number; random: string }[] = [];
    for (const wallNs of [1_700_000_000_000_000_000n, 1_800_000_000_000_000_000n]) {
      const { guest, port } = await boot();
      guest.write(encodeSeed({ wallNs, tscHz: 0n, seed: randomBytes(32) }));
      answers.push(JSON.parse((await call(port, '/now')).body));
      expect(JSON.parse(await guest.answer({ path: '/then' }))).toMatchObject({ path: '/then', calls: 2 });
    }
    expect(answers.map(({ now }) => Math.floor(now / 1e11))).toEqual([17, 18]);
    expect(answers[0]?.random).not.toBe(answers[1]?.random);
  });

  it('takes a seed of a wrong length for none', async () => {
    const { guest, port } = await boot();
    const seed = encodeSeed({ wallNs: 0n, tscHz: 0n, seed: randomBytes(32) });
    const short = seed.slice(0, -1);
    new DataView(short.buffer).setUint32(0, short.length - headerBytes, true);
    guest.write(short);
    expect(await guest.next()).toMatchObject({ type: 'error', code: 'PROTOCOL', fatal: false });
    guest.write(seed);
    expect((await call(port, '/')).status).toBe(200);
  });

  /** As KubeVirt starts it: q35, each device behind a port of PCI Express, nobody at its channel, a NAT of its own. */
  async function startAlone(cpu: string, cards = true, addresses = kubevirt) {
    const port = await freePort();
    const forward = `hostfwd=tcp:127.0.0.1:${port}-10.0.2.2:8080`;
    const guest = await functions.boot(code, {
      machine: 'q35',
      firmware: 'seabios',
      cpu,
      network: { ...addresses, ports: [8080], timeoutMs: 5000 },
      controller: [
        ...['-device', 'pcie-root-port,id=rp1,chassis=1,slot=1', '-device', 'pcie-root-port,id=rp2,chassis=2,slot=2'],
        ...['-device', 'virtio-serial-pci,id=vs0,bus=rp1'],
      ],
      extra: [
        ...['-append', 'other firstlight.alone', '-rtc', 'base=2031-02-28T23:59:30'],
        ...['-netdev', `user,id=net0,restrict=on,net=10.0.2.0/24,host=10.0.2.1,dhcpstart=10.0.2.2,${forward}`],
        ...(cards ? ['-device', 'virtio-net-pci,netdev=net0,romfile=,bus=rp2'] : []),
      ],
    });
    return { guest, port };
  }

  it('serves without Firstlight on its host, with the clock and random numbers of its machine', async () => {
    const answers: { now: number; random: string }[] = [];
    for (const addresses of [kubevirt, byDhcp]) {
      const { port } = await startAlone('max', true, addresses);
      // QEMU opens the port a moment after it has opened the channel.
      const { body } = await vi.waitFor(async () => await call(port, '/now'), { timeout: 20_000, interval: 20 });
      answers.push(JSON.parse(body));
    }
    const begins = Date.parse('2031-02-28T23:59:30Z');
    for (const { now } of answers) {
      expect(now).toBeGreaterThanOrEqual(begins);
      expect(now).toBeLessThan(begins + 600_000);
    }
    expect(answers[0]?.random).not.toBe(answers[1]?.random);
  });

  it('takes the addresses that its command line gives, as urunc starts it', async () => {
    const port = await freePort();
    const given = 'ip=10.0.2.9::10.0.2.1:255.255.255.0:urunc:eth0:off';
    await functions.boot(code, {
      firmware: 'seabios',
      cpu: 'max',
      network: { ...kubevirt, ports: [8080], timeoutMs: 5000 },
      extra: [
        ...['-append', `panic=-1 console=ttyS0 ${given} PATH=/bin init=function -- firstlight.alone`],
        ...['-netdev', `user,id=net0,restrict=on,host=10.0.2.1,hostfwd=tcp:127.0.0.1:${port}-10.0.2.9:8080`],
        ...['-device', 'virtio-net-pci,netdev=net0,romfile='],
      ],
    });
    const { body } = await vi.waitFor(async () => await call(port, '/there'), { timeout: 20_000, interval: 20 });
    expect(JSON.parse(body)).toMatchObject({ path: '/there' });
  });

  const resident = { commandLine: 'firstlight.resident' };

  it('serves on a host that has started it by itself, with random numbers of its own, and takes invocations too', async () => {
    const randoms: string[] = [];
    for (const _ of [1, 2]) {
      const { guest, port } = await boot({ ...resident, cpu: 'qemu64,rdrand=on' });
      const { now, random } = JSON.parse((await call(port, '/now')).body);
      expect(Math.abs(now - Date.now())).toBeLessThan(600_000);
      randoms.push(random);
      expect(JSON.parse(await guest.answer({ path: '/then' }))).toMatchObject({ path: '/then', calls: 2 });
      expect(guest.console()).toBe('');
    }
    expect(new Set(randoms).size).toBe(2);
  });

  it('waits there for a seed where the processor gives no random numbers, and says so', async () => {
    const { guest, port } = await boot({ ...resident, cpu: 'qemu64' });
    await vi.waitFor(() => expect(guest.console()).toMatch(/RDRAND.*once Firstlight has called it/));
    guest.write(encodeSeed({ wallNs: 0n, tscHz: 0n, seed: randomBytes(32) }));
    expect((await call(port, '/')).status).toBe(200);
  });

  const endOf = async ({ process }: Machine) => process.exitCode ?? (await once(process, 'exit'));

  it('says why it cannot serve on its own', async () => {
    const { guest: unseeded } = await startAlone('qemu64');
    await endOf(unseeded);
    expect(unseeded.console()).toMatch(/RDRAND/);
    const { guest: unplugged } = await startAlone('max', false);
    await endOf(unplugged);
    expect(unplugged.console()).toMatch(/no virtio network card/);
  });

  it.each(['qboot', 'seabios'] as const)('finds its card on q35 with %s', async (firmware) => {
    const { port } = await serve({ machine: 'q35', firmware });
    expect((await call(port, '/')).status).toBe(200);
  });

  it('keeps a connection for many requests, and answers those that come in one piece', async () => {
    const { port } = await serve();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    for (let i = 0; i < 20; i++) {
      const { status, headers } = await call(port, '/', { agent, method: 'POST', body: `${i}` });
      expect([status, headers.connection]).toEqual([200, 'keep-alive']);
    }
    agent.destroy();
    const two = 'GET /one HTTP/1.1\r\nHost: a\r\n\r\nGET /two HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
    const answers = await exchange(port, two);
    expect(answers.match(/"path":"\/(one|two)"/g)).toEqual(['"path":"/one"', '"path":"/two"']);
  });

  it('takes and gives bodies of a megabyte, by length and in chunks', async () => {
    const { port } = await serve();
    const body = 'b'.repeat(1 << 20);
    const bytes = { bytes: 1 << 20 };
    expect(JSON.parse((await call(port, '/size', { method: 'POST', body })).body)).toEqual(bytes);
    const headers = { 'transfer-encoding': 'chunked' };
    expect(JSON.parse((await call(port, '/size', { method: 'POST', body, headers })).body)).toEqual(bytes);
    const large = await call(port, `/large?n=${1 << 20}`);
    expect([large.body.length, large.headers['content-length']]).toEqual([1 << 20, String(1 << 20)]);
    const head = await call(port, '/large?n=1000000', { method: 'HEAD' });
    expect([head.status, head.body, head.headers['content-length']]).toEqual([200, '', '1000000']);
  });

  it('says in the answer what is wrong with a request', async () => {
    const { port } = await serve();
    const statusOf = async (text: string) => Number((await exchange(port, text)).slice(9, 12));
    expect(await statusOf('NONSENSE\r\n\r\n')).toBe(400);
    expect(await statusOf('GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n')).toBe(
      400,
    );
    expect(await statusOf('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n')).toBe(400);
    expect(await statusOf('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n')).toBe(400);
    expect(await statusOf('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n')).toBe(413);
    expect(await statusOf('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999999\r\n\r\n')).toBe(400);
    expect(await statusOf('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n')).toBe(400);
    expect(await statusOf('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n')).toBe(400);
    expect(await statusOf(`GET /${'x'.repeat(20_000)} HTTP/1.1\r\nHost: a\r\n\r\n`)).toBe(413);
    expect((await call(port, '/')).status).toBe(200);
  });

  it('sends the date, each cookie in a line of its own, and no status that is not final', async () => {
    const { port } = await serve();
    const { headers } = await call(port, '/cookies');
    expect(headers['set-cookie']).toEqual(['a=1', 'b=2']);
    expect(Math.abs(Date.parse(headers.date ?? '') - Date.now())).toBeLessThan(600_000);
    expect((await call(port, '/list')).headers['set-cookie']).toEqual(['c=3', 'd=4']);
    const { status, body } = await call(port, '/interim');
    expect([status, JSON.parse(body).error]).toEqual([500, expect.stringContaining('from 200 to 599')]);
  });

  it('answers for a handler that fails or takes too long, and goes on', async () => {
    const { guest, port } = await serve({ timeoutMs: 300 });
    const thrown = await call(port, '/throw');
    expect([thrown.status, JSON.parse(thrown.body)]).toEqual([500, { error: 'no such thing', name: 'TypeError' }]);
    expect(guest.console()).toMatch(/The request failed: TypeError: no such thing\r\n.*at handler/);
    expect((await call(port, '/loop')).status).toBe(504);
    expect((await call(port, '/sleep?ms=5000')).status).toBe(504);
    expect((await call(port, '/sleep?ms=50')).status).toBe(200);
  });

  it('answers before it ends, when its engine crashes', async () => {
    const { guest, port } = await serve({ memoryMiB: 256 });
    const crashed = await call(port, '/crash');
    expect(crashed.status).toBe(500);
    const frame = await guest.next();
    expect(frame).toMatchObject({ type: 'error', code: 'CRASHED', fatal: true });
  });

  for (const accel of ['tcg', 'kvm'] as const) {
    const reason = accel === 'kvm' ? whyNoKvm() : null;
    it.skipIf(reason !== null)(
      `serves at the address of a DHCP server by ${accel}${reason === null ? '' : ` (skipped: ${reason})`}`,
      async () => {
        const { guest, port } = await boot({ accel, addresses: byDhcp, given: '10.0.2.77' });
        guest.write(encodeSeed({ wallNs: 0n, tscHz: 0n, seed: randomBytes(32) }));
        // Its segments arrive before the guest has its address.
        expect(JSON.parse((await call(port, '/early')).body)).toMatchObject({ path: '/early', calls: 1 });
        expect((await call(port, '/again')).status).toBe(200);
        expect(guest.console()).toBe('');
      },
    );

    it.skipIf(reason !== null)(
      `serves 100 connections at once by ${accel}${reason === null ? '' : ` (skipped: ${reason})`}`,
      async () => {
        const { port } = await serve({ accel });
        const sockets: Socket[] = [];
        // One after the other: QEMU's forwarded port has a backlog of one.
        for (let i = 0; i < 100; i++) {
          const socket = connect(port, '127.0.0.1');
          await ask(socket, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', /"calls":\d+}$/);
          sockets.push(socket);
        }
        await Promise.all(
          sockets.map(async (socket, client) => {
            for (let i = 0; i < 10; i++)
              await ask(
                socket,
                `GET /${client}/${i} HTTP/1.1\r\nHost: a\r\n\r\n`,
                new RegExp(`"path":"/${client}/${i}".*}$`),
              );
          }),
        );
        const body = 'b'.repeat(20_000);
        const answers = sockets.map((socket, client) => {
          const head = `POST /size HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n`;
          return ask(socket, `${head}${client % 2 ? 'Connection: close\r\n' : ''}\r\n${body}`, /"bytes":20000}$/);
        });
        for (const answer of await Promise.all(answers)) expect(answer).toMatch(/^HTTP\/1.1 200 OK/);
        expect((await call(port, '/')).status).toBe(200);
        for (const socket of sockets) socket.destroy();
        expect((await call(port, '/')).status).toBe(200);
      },
    );
  }

  it('serves others while a client sends slowly, and takes a request whose sender has closed its half', async () => {
    const { port } = await serve();
    const slow = connect(port, '127.0.0.1');
    slow.write('POST /size HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-');
    for (const piece of ['Length: 6\r\n', '\r', '\n', 'abc', 'd']) {
      expect((await call(port, '/')).status).toBe(200);
      slow.write(piece);
    }
    slow.write('ef');
    let answer = '';
    for await (const chunk of slow) answer += (chunk as Buffer).toString();
    expect(answer).toContain('"bytes":6');
    expect(await exchange(port, 'GET /half HTTP/1.1\r\nHost: a\r\n\r\n', true)).toContain('"path":"/half"');
    expect(await exchange(port, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nshort', true)).toBe('');
    expect((await call(port, '/')).status).toBe(200);
  });

  it('says on its console that no DHCP server answers, and goes on with invocations', async () => {
    const guest = await functions.boot(code, {
      network: { ...byDhcp, ports: [8080], timeoutMs: 5000 },
      extra: ['-netdev', 'hubport,id=net0,hubid=0', '-device', 'virtio-net-pci,netdev=net0,romfile='],
    });
    await guest.hello();
    expect(JSON.parse(await guest.answer({ path: '/a' }))).toMatchObject({ path: '/a' });
    await vi.waitFor(() => expect(guest.console()).toContain('"address": "fixed"'), { timeout: 60_000, interval: 100 });
    expect(guest.console()).toMatch(/^network: no address after 10 s: no DHCP server has answered\. .*\r\n$/);
    expect(JSON.parse(await guest.answer({ path: '/b' }))).toMatchObject({ path: '/b' });
  });

  it('boots without a card, as in a pod', async () => {
    const network = {
      address: '10.0.2.15',
      netmask: '255.255.255.0',
      gateway: '10.0.2.2',
      ports: [8080],
      timeoutMs: 1,
    };
    const guest = await functions.boot(code, { network });
    await guest.hello();
    for (const path of ['/a', '/b']) expect(JSON.parse(await guest.answer({ path }))).toMatchObject({ path });
    expect(guest.console()).toBe('');
  });
});
