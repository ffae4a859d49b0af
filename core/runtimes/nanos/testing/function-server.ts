/** The program that runs a function in the guest, run on this machine's Node.js: the real one, without a kernel under it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { locateResources } from '#core/store/resources.ts';
import { createLineReader } from '../session/read-lines.ts';
import { greeting, readyMarker, type WireAnswer, type WireCalled, type WireRequest } from '../session/wire.ts';
import shipped from '../shipped.json' with { type: 'json' };

type ErrorAnswer = Extract<WireAnswer, { type: 'error' }>;

/** A connection that speaks the protocol of `wire.ts`. */
export interface WireConnection {
  readonly invoke: (event: unknown, deadlineMs?: number) => Promise<WireAnswer>;
  /** The body of an answer. Errors: throws when there is an error in place of it. */
  readonly answer: (event: unknown, deadlineMs?: number) => Promise<string>;
  /** The error. Errors: throws when there is an answer in place of it. */
  readonly fails: (event: unknown, deadlineMs?: number) => Promise<ErrorAnswer>;
}

export interface FunctionServer extends WireConnection {
  readonly port: number;
  readonly url: string;
  readonly connect: () => Promise<WireConnection>;
  /** Sends these pieces one by one; returns the data received until a line's end, or the connection's. */
  readonly raw: (pieces: readonly string[], options?: { readonly end?: boolean }) => Promise<string>;
  readonly output: () => string;
  /** Waits for the process to end. */
  readonly exitCode: () => Promise<number | null>;
}

/** Starts servers of functions. Call `stopAll` after each test, and `close` at the end. */
export function createFunctionServers() {
  const dir = mkdtempSync(join(tmpdir(), 'fl-function-'));
  const running: { child: ChildProcess; sockets: Socket[] }[] = [];
  let count = 0;

  async function start(
    code: string,
    format: 'mjs' | 'cjs' = 'mjs',
    args: readonly string[] = [],
  ): Promise<FunctionServer> {
    const bundle = join(dir, `${++count}.${format}`);
    writeFileSync(bundle, code);
    const port = await freePort();
    const server = locateResources().pathOf(shipped.functionServer);
    const child = spawn(process.execPath, [server, bundle, String(port), 'tested', ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const ended = once(child, 'exit').then(([exitCode]) => exitCode as number | null);
    const sockets: Socket[] = [];
    running.push({ child, sockets });
    let output = '';
    const listening = new Promise<void>((resolve, reject) => {
      for (const stream of [child.stdout, child.stderr]) {
        stream.on('data', (chunk: Buffer) => {
          output += chunk.toString();
          if (output.includes(readyMarker)) resolve();
        });
      }
      void ended.then((exitCode) => reject(new Error(`ended with ${exitCode} before it listened: ${output}`)));
    });
    await listening;
    const open = async () => {
      const socket = connect({ host: '127.0.0.1', port });
      sockets.push(socket);
      await once(socket, 'connect');
      return socket;
    };
    const first = speak(await open());
    return {
      ...first,
      port,
      url: `http://127.0.0.1:${port}/`,
      connect: async () => speak(await open()),
      raw: async (pieces, { end = false } = {}) => {
        const socket = await open();
        socket.setNoDelay(true);
        // A server that refuses its input may reset the connection.
        const heard = text(socket).catch(() => '');
        const line = new Promise<string>((resolve) => {
          socket.on('data', (chunk: Buffer) => chunk.includes(10) && resolve(chunk.toString()));
        });
        for (const piece of pieces) {
          socket.write(piece);
          // So that each piece arrives by itself.
          await new Promise((resolve) => setTimeout(resolve, 10));
        }
        if (end) socket.end();
        return await Promise.race([line, heard]);
      },
      output: () => output,
      exitCode: () => ended,
    };
  }

  async function stopAll(): Promise<void> {
    for (const { child, sockets } of running.splice(0)) {
      for (const socket of sockets) socket.destroy();
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  }

  return { start, stopAll, close: () => rmSync(dir, { recursive: true, force: true }) };
}

function speak(socket: Socket): WireConnection {
  const waiting = new Map<number, { resolve: (answer: WireAnswer) => void; reject: (error: Error) => void }>();
  let nextId = 1;
  const read = createLineReader((line) => {
    const received = JSON.parse(line) as WireAnswer | WireCalled;
    if (received.type !== 'called') waiting.get(received.id)?.resolve(received);
  });
  socket.on('data', read);
  // A process that is killed resets its connections.
  socket.on('error', () => undefined);
  socket.on('close', () => {
    for (const { reject } of waiting.values()) reject(new Error('The connection ended without an answer.'));
  });
  socket.write(greeting);
  const ask = (request: WireRequest) =>
    new Promise<WireAnswer>((resolve, reject) => {
      waiting.set(request.id, { resolve, reject });
      socket.write(`${JSON.stringify(request)}\n`);
    });
  const invoke = (event: unknown, deadlineMs = 20_000) => ask({ type: 'invoke', id: nextId++, event, deadlineMs });
  return {
    invoke,
    answer: async (event, deadlineMs) => {
      const answer = await invoke(event, deadlineMs);
      if (answer.type !== 'response') throw new Error(`no response: ${JSON.stringify(answer)}`);
      return answer.body;
    },
    fails: async (event, deadlineMs) => {
      const answer = await invoke(event, deadlineMs);
      if (answer.type !== 'error') throw new Error(`no error: ${JSON.stringify(answer).slice(0, 200)}`);
      return answer;
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  return typeof address === 'object' ? (address?.port ?? 0) : 0;
}
