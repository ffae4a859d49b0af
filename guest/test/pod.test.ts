import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { consolePortName, invokePortName } from '#core/runtimes/ember/layout.ts';
import { locateResources } from '#core/store/resources.ts';
import { plainMachine } from '#core/vmm/machine.ts';
import { writeQemuArgs } from '#core/vmm/qemu/qemu-command.ts';
import shipped from '../../core/runtimes/ember/shipped.json' with { type: 'json' };
import { Functions } from './functions.ts';

const resources = locateResources();
const { podSupervisorPath } = resources;
const emberFirmwarePath = resources.pathOf(shipped.emberFirmware);
const functions = new Functions();
const started: Supervisor[] = [];
afterEach(async () => {
  for (const one of started.splice(0)) await one.close();
});
afterAll(() => functions.close());
// The kernel may have to be compiled first.
beforeAll(() => functions.bake('export default () => 1;').then(() => undefined), 120_000);

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  return address !== null && typeof address !== 'string' ? address.port : 0;
}

/** The part of the answer of `/marks` that the test reads. */
interface Marks {
  readonly restarts: number;
  readonly helloNs: string;
  readonly helloCounter: string;
  readonly counterHz: string;
  readonly resumedNs: string;
  readonly firstAnsweredNs: string;
  readonly bootMarks: readonly (readonly [number, number])[];
}

/** The supervisor, run like process 1 of a pod, with a real guest. */
class Supervisor {
  readonly dir = mkdtempSync(join(tmpdir(), 'fl-pod-'));
  output = '';
  #process: ChildProcess | null = null;
  #port = 0;
  #statusPort = 0;

  async start(code: string, more: readonly string[] = [], env: NodeJS.ProcessEnv = {}): Promise<void> {
    await this.launch(code, more, env);
    await this.until(async () => (await this.status('/ready'))?.status === 200);
  }

  /** Starts the supervisor without waiting. */
  async launch(code: string, more: readonly string[] = [], env: NodeJS.ProcessEnv = {}): Promise<void> {
    started.push(this);
    const image = await functions.bake(code);
    const channels = [
      { name: invokePortName, carries: 'invocations' },
      { name: consolePortName, carries: 'output' },
    ] as const;
    const kernel = { path: image.path, cmdline: '' };
    const machine = plainMachine({ accel: 'tcg', memoryMiB: 64, vcpus: 1 }, { kernel, channels });
    const socket = (name: string) => join(this.dir, `${name}.sock`);
    const sockets = { serial: socket('serial'), channel: socket('channel'), console: socket('console') };
    const uuid = '00000000-0000-4000-8000-000000000000';
    const placed = { machine, name: 'pod', uuid, title: 'pod', firmwarePath: emberFirmwarePath, sockets };
    const argsPath = join(this.dir, 'qemu.args');
    writeFileSync(argsPath, writeQemuArgs(placed, socket('qmp')).join('\n'));
    [this.#port, this.#statusPort] = [await freePort(), await freePort()];
    const ports = ['--port', String(this.#port), '--status-port', String(this.#statusPort)];
    const words = ['--args', argsPath, '--run', this.dir, '--accel', 'tcg', ...ports, ...more];
    this.#process = spawn(podSupervisorPath, words, { env: { ...process.env, ...env } });
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.output += text;
      });
    }
  }

  async until(test: () => Promise<boolean>): Promise<void> {
    for (const end = Date.now() + 25_000; Date.now() < end; await sleep(50)) if (await test()) return;
    throw new Error(`It did not come to that in time:\n${this.output}`);
  }

  status = (path: string) => fetch(`http://127.0.0.1:${this.#statusPort}${path}`).catch(() => null);
  /** The number of the guest's calls, including this one. */
  async count(path: string): Promise<number> {
    const answer = (await (await this.call(path)).json()) as { readonly calls: number };
    return answer.calls;
  }
  async marks(): Promise<Marks> {
    const answer = await this.status('/marks');
    if (answer === null) throw new Error('The supervisor does not answer.');
    return (await answer.json()) as Marks;
  }
  call = (path: string, init: RequestInit = {}) => fetch(`http://127.0.0.1:${this.#port}${path}`, init);

  /** QEMU's process: the only child. */
  guestPid(): number {
    const pid = this.#process?.pid;
    const [guest = ''] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ');
    return Number(guest);
  }

  get exitCode(): number | null {
    return this.#process?.exitCode ?? null;
  }

  /** Kills QEMU, like a crash. */
  killGuest(): void {
    process.kill(this.guestPid(), 'SIGKILL');
  }

  /** Ends the supervisor as a cluster does. Shape: its exit code. */
  async end(): Promise<number | null> {
    const exited = this.#process?.exitCode === null ? once(this.#process, 'exit') : null;
    this.#process?.kill('SIGTERM');
    await exited;
    return this.#process?.exitCode ?? null;
  }

  async close(): Promise<void> {
    const running = this.#process?.exitCode === null && this.#process.signalCode === null;
    const exited = running && this.#process !== null ? once(this.#process, 'exit') : null;
    this.#process?.kill('SIGTERM');
    await exited;
    rmSync(this.dir, { recursive: true, force: true });
  }
}

const echo = `let calls = 0;
export default async function handler(event) {
  calls += 1;
  if (event.path === '/throw') throw new RangeError('too far');
  if (event.path === '/teapot') return { status: 418, headers: { 'x-a': 'b' }, body: new Uint8Array([1, 2, 255]) };
  console.log('called ' + event.path);
  return { calls, event };
}`;

describe('the supervisor of a pod', () => {
  it('holds a probe of its start until the guest is up', async () => {
    const pod = new Supervisor();
    await pod.launch(echo);
    let first: Response | null = null;
    await pod.until(async () => {
      first ??= await pod.status('/started');
      return first !== null;
    });
    expect(first).toMatchObject({ status: 200 });
    expect(await pod.status('/ready')).toMatchObject({ status: 200 });
  });

  it('hands requests to the guest as events, and its answers back', async () => {
    const pod = new Supervisor();
    await pod.start(echo);
    const body = JSON.stringify({ deep: ['ü', 1.5e3, null] });
    const answer = await pod.call('/a%20b?x=1&y=%C3%A9+z', {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json', 'X-Odd': 'q"uote' },
    });
    expect(answer.headers.get('content-type')).toBe('application/json');
    expect(await answer.json()).toMatchObject({
      calls: 1,
      event: {
        method: 'POST',
        path: '/a%20b',
        query: { x: '1', y: 'é z' },
        headers: { 'x-odd': 'q"uote' },
        body: JSON.parse(body),
      },
    });
    const text = await pod.call('/', {
      method: 'PUT',
      body: '{not json',
      headers: { 'content-type': 'application/json' },
    });
    expect(await text.json()).toMatchObject({ event: { body: '{not json' } });
    const bytes = await pod.call('/teapot');
    expect([bytes.status, bytes.headers.get('x-a')]).toEqual([418, 'b']);
    expect(new Uint8Array(await bytes.arrayBuffer())).toEqual(new Uint8Array([1, 2, 255]));
    expect(pod.output).toContain('called /a%20b');
  });

  it('answers probes from what the guest says, and tells its marks', async () => {
    const pod = new Supervisor();
    await pod.start(echo);
    await pod.call('/');
    const marks = await pod.marks();
    expect(marks).toMatchObject({ accel: 'tcg', why: 'emulation was asked for', requests: 1, restarts: 0 });
    expect(BigInt(marks.helloNs)).toBeGreaterThan(BigInt(marks.resumedNs));
    expect(marks.bootMarks.map(([id]) => id)).toEqual([0, 1, 2, 3, 4, 5, 6]);
    // Sent after the last of its marks, and read after that: the counter's time fits between its start and HELLO.
    const ranMs = ((Number(marks.helloCounter) - (marks.bootMarks[0]?.[1] ?? 0)) / Number(marks.counterHz)) * 1000;
    expect(ranMs).toBeGreaterThan(0);
    expect(ranMs).toBeLessThan(Number(BigInt(marks.helloNs) - BigInt(marks.resumedNs)) / 1e6 + 5);
    expect((await pod.status('/live'))?.status).toBe(200);
    expect((await pod.status('/other'))?.status).toBe(404);
  });

  it('says what the function threw, and takes a fresh guest for one that went down', async () => {
    const pod = new Supervisor();
    await pod.start(echo);
    const thrown = await pod.call('/throw');
    expect([thrown.status, await thrown.json()]).toEqual([500, { error: 'too far', name: 'RangeError' }]);
    expect(await pod.count('/')).toBe(2);
    pod.killGuest();
    await pod.until(async () => (await pod.status('/ready'))?.status === 200 && (await pod.marks()).restarts === 1);
    expect(await pod.count('/')).toBe(1);
  });

  it('hands variables to each guest, not to QEMU and not to the log', async () => {
    const pod = new Supervisor();
    const code = 'const { env } = process; export default () => ({ ...env });';
    const variables = { FIRSTLIGHT_ENV_TOKEN: 'q"u\\ote é=x', FIRSTLIGHT_ENV_EMPTY: '', OTHER: 'x' };
    await pod.start(code, [], variables);
    const wanted = { TOKEN: 'q"u\\ote é=x', EMPTY: '' };
    expect(await (await pod.call('/')).json()).toEqual(wanted);
    expect(readFileSync(`/proc/${pod.guestPid()}/environ`, 'utf8')).toBe(`TMPDIR=${pod.dir}\0`);
    pod.killGuest();
    await pod.until(async () => (await pod.status('/ready'))?.status === 200 && (await pod.marks()).restarts === 1);
    expect(await (await pod.call('/')).json()).toEqual(wanted);
    expect(pod.output).toMatch(/the guest gets (TOKEN, EMPTY|EMPTY, TOKEN)/);
    expect(pod.output).not.toContain('ote');
  });

  it('hands its own arguments to each guest, not to the log', async () => {
    const pod = new Supervisor();
    const args = ['--accel', 'q"u\\ote é', '', '--', '-x'];
    await pod.start('export default () => process.argv.slice(2);', ['--', ...args]);
    expect(await (await pod.call('/')).json()).toEqual(args);
    pod.killGuest();
    await pod.until(async () => (await pod.status('/ready'))?.status === 200 && (await pod.marks()).restarts === 1);
    expect(await (await pod.call('/')).json()).toEqual(args);
    expect(pod.output).toContain('the guest gets the arguments of the container');
    expect(pod.output).not.toContain('ote');
  });

  it('refuses arguments for a program, whose image has them', async () => {
    const pod = new Supervisor();
    await pod.launch('export default () => 1;', ['--forward-port', '1', '--', 'x']);
    await pod.until(async () => pod.exitCode !== null);
    expect(pod.exitCode).toBe(1);
    expect(pod.output).toContain('a program\'s are in its image: set "args" in firstlight.json');
  });

  it('serves many clients one after the other', async () => {
    const pod = new Supervisor();
    await pod.start(echo);
    const calls = await Promise.all(Array.from({ length: 80 }, (_, index) => pod.count(`/${index}`)));

    expect(new Set(calls).size).toBe(80);
  });

  it('refuses bytes that are not a request, and one that is too large', async () => {
    const pod = new Supervisor();
    await pod.start(echo);
    const large = await pod.call('/', { method: 'POST', body: new Uint8Array((16 << 20) + 1) }).catch(() => null);
    expect(large === null || large.status === 413).toBe(true);
    expect((await pod.call('/')).status).toBe(200);
  });

  it('joins clients to a guest that serves HTTP itself, once it answers', async () => {
    const asked: string[] = [];
    const server = createHttpServer((request, response) => {
      asked.push(`${request.method} ${request.url}`);
      if (request.method === 'HEAD') return response.end();
      request.pipe(response);
    });
    const port = await freePort();
    const pod = new Supervisor();
    await pod.launch(echo, ['--forward-port', String(port)]);
    await pod.until(async () => (await pod.status('/live'))?.status === 200);
    expect((await pod.status('/ready'))?.status).toBe(503);
    const early = pod.call('/early');
    server.listen(port, '127.0.0.1');
    await pod.until(async () => (await pod.status('/ready'))?.status === 200);
    expect((await early).status).toBe(200);
    const body = Buffer.alloc(3_000_000, 'bytes');
    const answers = await Promise.all(
      Array.from({ length: 70 }, async (_, index) => {
        const answer = await pod.call(`/${index}`, { method: 'POST', body: index === 0 ? body : `n ${index}` });
        return Buffer.from(await answer.arrayBuffer());
      }),
    );
    expect(answers[0]?.equals(body)).toBe(true);
    expect(answers.slice(1).map(String)).toEqual(Array.from({ length: 69 }, (_, index) => `n ${index + 1}`));
    expect(asked[0]).toBe('HEAD /');
    const marks = await pod.marks();
    expect(BigInt(marks.firstAnsweredNs)).toBeGreaterThan(BigInt(marks.helloNs));
    server.closeAllConnections();
    server.close();
    expect(await pod.end()).toBe(0);
  });

  it('is not ready while the guest answers what is not HTTP, and says once how that begins', async () => {
    const server = createServer((socket) => void socket.on('error', () => undefined).end('220 "mail"\r\n\x1b[2J\xff'));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const pod = new Supervisor();
    try {
      await pod.launch(echo, ['--forward-port', String((server.address() as AddressInfo).port)]);
      await pod.until(async () => pod.output.includes('not ready'));
      expect((await pod.status('/ready'))?.status).toBe(503);
      await once(server, 'connection');
      await once(server, 'connection');
      const lines = pod.output.split('\n').filter((line) => line.includes('not ready'));
      expect(lines).toEqual([
        String.raw`firstlight: not ready: what the guest answers on its port is not HTTP; it begins with "220 \x22mail\x22\x0d\x0a\x1b[2J\xc3\xbf"`,
      ]);
    } finally {
      server.close();
    }
  });

  it('shuts down in good order on SIGTERM', async () => {
    const pod = new Supervisor();
    await pod.start(echo);
    const running = pod.call('/last');
    const code = pod.end();
    await pod.until(async () => (await pod.status('/ready'))?.status === 503);
    expect((await running).status).toBe(200);
    expect(await code).toBe(0);
    expect(pod.output).toContain('asked to end');
  });
});
