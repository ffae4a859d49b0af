/**
 * Runs in the guest, on Node.js: loads the function, listens, and answers Firstlight's own connection as well as plain HTTP.
 *
 * Started as `node serve-function.cjs <bundle> <port> <function name>`. The protocol is in ../session/wire.ts.
 */
import { writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { performance } from 'node:perf_hooks';
import { pathToFileURL } from 'node:url';
import { greeting, readySign, type WireMark } from '../session/wire.ts';
import { createHandler } from './handler.ts';
import { answerHttp } from './serve-http.ts';
import { serveWire } from './serve-wire.ts';

const [, , bundlePath = '', port = '8080', functionName = 'function'] = process.argv;

/** The guest's own clock, which counts from the machine's start. Units: ns. */
const ticks = () => Number(process.hrtime.bigint());
const marks: WireMark[] = [];
const mark = (name: string, at = ticks()) => void marks.push([name, at]);
// What comes before the first line of this file is known from Node's own clock, which began with its process.
mark('node.started', ticks() - Math.round(performance.now() * 1e6));
mark('function.loading');

// An orderly end: the kernel then writes what it has not yet written.
process.on('SIGTERM', () => process.exit(0));

/** Node.js itself takes long to get ready for ES modules: only what needs to be one is. */
const load = async (): Promise<unknown> =>
  bundlePath.endsWith('.cjs') ? createRequire(bundlePath)(bundlePath) : await import(pathToFileURL(bundlePath).href);

async function main(): Promise<void> {
  const loaded = (await load()) as { default?: unknown };
  const handler = createHandler(loaded.default, functionName);
  mark('function.loaded');
  const server = createServer({ noDelay: true }, (socket) => {
    socket.once('data', (first: Buffer) => {
      // Held until whoever is to serve it listens.
      socket.pause();
      const isOurs = first.subarray(0, greeting.length).toString('latin1') === greeting;
      socket.unshift(isOurs ? first.subarray(greeting.length) : first);
      if (isOurs) serveWire(socket, handler, { marks, ticks });
      else void answerHttp(socket, handler);
    });
    // A client that goes away is no reason for the function to end.
    socket.on('error', () => socket.destroy());
  });
  server.listen(Number(port), '0.0.0.0', () => {
    mark('listening');
    writeSync(1, readySign);
  });
}

main().catch((thrown: unknown) => {
  process.stderr.write(`${thrown instanceof Error ? thrown.stack : String(thrown)}\n`);
  process.exit(1);
});
