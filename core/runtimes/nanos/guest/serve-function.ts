/**
 * Runs in the guest, on Node.js: loads the function, listens, and answers Firstlight's own connection as well as plain HTTP.
 *
 * Started as `node serve-function.cjs <bundle> <port> <function name> <argument> …`. The protocol is in ../session/wire.ts.
 */
import { writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer, type Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { pathToFileURL } from 'node:url';
import { inspect } from 'node:util';
import { greeting, readyMarker, type WireMark } from '../session/wire.ts';
import { answerAlways, type Call } from './answer-always.ts';
import { createHandler, failure, type Handler, inBundle } from './handler.ts';
import { mendNode } from './mend-node.ts';
import { answerHttp } from './serve-http.ts';
import { serveWire } from './serve-wire.ts';

const [, , bundlePath = '', port = '8080', functionName = 'function', ...args] = process.argv;
// As if Node.js had been started with the function.
process.argv.splice(1, process.argv.length, bundlePath, ...args);

/** The guest's own clock, which counts from the machine's start. Units: ns. */
const ticks = () => Number(process.hrtime.bigint());
const marks: WireMark[] = [];
const mark = (name: string, at = ticks()) => void marks.push([name, at]);
// The time before the first line of this file is known from Node's own clock, which began with its process.
mark('node.started', ticks() - Math.round(performance.now() * 1e6));
mark('function.loading');

mendNode();

// An orderly end: the kernel then writes its pending data.
process.on('SIGTERM', () => process.exit(0));

/** Node.js itself takes long to get ready for ES modules: only a bundle that must be one is one. */
const loadBundle = async (): Promise<{ readonly default?: unknown }> =>
  bundlePath.endsWith('.cjs') ? createRequire(bundlePath)(bundlePath) : await import(pathToFileURL(bundlePath).href);

/** The answering side: the function, or the reason why it could not be loaded. */
async function load(): Promise<Handler> {
  try {
    return createHandler((await loadBundle()).default, { functionName, bundlePath, ticks });
  } catch (thrown) {
    process.stderr.write(`${inspect(thrown)}\n`);
    const words = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : inspect(thrown);
    const stack = thrown instanceof Error ? inBundle(`${thrown.stack}`, bundlePath) : '';
    const message = `The function's module failed while it was loaded. ${words}`;
    const outcome = failure('EVALUATION_THREW', '', message, stack);
    return async () => ({ outcome });
  }
}

const first = { isCalled: false };

function serve(socket: Socket, call: Call): void {
  const parts: Buffer[] = [];
  const look = (part: Buffer): void => {
    parts.push(part);
    const bytes = Buffer.concat(parts);
    const begun = bytes.toString('latin1', 0, greeting.length);
    if (begun.length < greeting.length && greeting.startsWith(begun)) return;
    socket.off('data', look);
    // Paused until its server listens.
    socket.pause();
    const isOurs = begun === greeting;
    socket.unshift(isOurs ? bytes.subarray(greeting.length) : bytes);
    first.isCalled ||= !isOurs;
    if (isOurs) serveWire(socket, call, { marks, ticks, first });
    else void answerHttp(socket, call);
  };
  socket.on('data', look);
  // A client that goes away is not a reason for the function to end.
  socket.on('error', () => socket.destroy());
}

async function main(): Promise<void> {
  const call = answerAlways(await load(), bundlePath);
  mark('function.loaded');
  const server = createServer({ noDelay: true }, (socket) => serve(socket, call));
  server.listen(Number(port), '0.0.0.0', () => {
    mark('listening');
    writeSync(1, readyMarker);
  });
}

void main();
