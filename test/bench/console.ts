import { startHost } from '#host/start-host.ts';
import type { Client } from '#shared/contract/client.ts';
import type { Project } from '#shared/model/project.ts';
import type { InstanceId } from '#shared/model/units.ts';
import { connectWebSocket } from '../contract/connect-web-socket.ts';
import { round, summarize } from './figures.ts';
import type { BenchOptions } from './options.ts';
import { openStudio, type Studio } from './studio.ts';

const lineCount = 10_000;
/** A line is this and its number; every line differs, which exposes a lost, doubled or swapped one. */
const pattern = 'The quick brown fox jumps over the lazy dog; 0123456789 times it lands where it began.';
const lineOf = (index: number) => `bench ${index} ${pattern.slice(index % pattern.length)}`;

const handlerText = `const pattern = ${JSON.stringify(pattern)};

export default async function handler(event) {
  for (let index = 0; index < (event.lines ?? 0); index += 1) {
    console.log(\`bench \${index} \${pattern.slice(index % pattern.length)}\`);
  }
  return 'done';
}
`;

/**
 * The serial console from guest through libvirt and the engine to a WebSocket client, every byte compared.
 *
 * Units: `bytesPerSecond` from the invocation to the last line at the client; `guestMs` is the duration of the
 * invocation itself. `lostBytes` is 0 or the benchmark fails.
 */
export async function benchConsole({ runs = 3, log }: BenchOptions) {
  const studio = await openStudio();
  const host = await startHost({ roots: ['/'], engine: studio.engine, rendererDir: studio.home, log: () => undefined });
  try {
    const { client, socket } = await connectWebSocket(host.origin, host.token);
    const project = await createFlood(studio);
    const run = await client.call('instances:run', { projectId: project.id, event: { lines: 0 } });
    if (run.instance === null || run.outcome !== 'ok')
      throw new Error(`the guest did not start: ${run.error?.message}`);
    const rates: number[] = [];
    const guestMs: number[] = [];
    let bytes = 0;
    for (let turn = 1; turn <= runs; turn += 1) {
      const measured = await flood(client, run.instance.id);
      ({ bytes } = measured);
      rates.push((measured.bytes / measured.durationMs) * 1000);
      guestMs.push(measured.guestMs);
      log(`${turn}/${runs}: ${round((rates.at(-1) ?? 0) / 1000)} kB/s`);
    }
    await studio.removeInstance(run.instance.id);
    socket.close();
    const { instance } = run;
    return {
      accel: instance.accel,
      bytes,
      lostBytes: 0,
      bytesPerSecond: summarize(rates),
      guestMs: summarize(guestMs),
    };
  } finally {
    await host.close();
    await studio.close();
  }
}

async function createFlood(studio: Studio): Promise<Project> {
  const project = await studio.createProject('bench-console');
  const projectId = project.id;
  const path = project.config?.entry ?? 'handler.ts';
  await studio.client.call('projects:writeFile', { projectId, path, text: handlerText });
  const config = JSON.stringify({ name: 'bench-console', entry: path, timeoutMs: 300_000 });
  await studio.client.call('projects:writeFile', { projectId, path: 'firstlight.json', text: config });
  return project;
}

async function flood(client: Client, instanceId: InstanceId) {
  const expected = Array.from({ length: lineCount }, (_, index) => lineOf(index));
  const lines = createLineReader();
  const stream = client.openStream('console:attach', { instanceId }, (chunk) => lines.push(chunk));
  // Earlier output comes first; a quiet moment ends it.
  await lines.settle(200);
  const before = lines.all.length;
  const sentAtMs = performance.now();
  const invocation = await client.call('instances:invoke', { instanceId, event: { lines: lineCount } });
  if (invocation.error) throw new Error(`the function failed: ${invocation.error.message}`);
  await lines.settle(500);
  stream.close();
  const got = lines.all.slice(before).filter((line) => line.startsWith('bench '));
  const wrong = expected.findIndex((line, index) => line !== got[index]);
  if (wrong >= 0 || got.length !== expected.length) {
    throw new Error(
      `bytes were lost: line ${wrong} is ${JSON.stringify(got[wrong])}; ${got.length} of ${lineCount} came`,
    );
  }
  return {
    bytes: expected.reduce((sum, line) => sum + line.length + 1, 0),
    durationMs: lines.lastAtMs() - sentAtMs,
    guestMs: invocation.durationMs,
  };
}

/** Cuts a byte stream into lines, and records the time of the last bytes. */
function createLineReader() {
  const all: string[] = [];
  const decoder = new TextDecoder();
  let rest = '';
  let lastAtMs = performance.now();
  return {
    all,
    lastAtMs: () => lastAtMs,
    push: (chunk: Uint8Array) => {
      lastAtMs = performance.now();
      const parts = (rest + decoder.decode(chunk, { stream: true })).replaceAll('\r', '').split('\n');
      rest = parts.pop() ?? '';
      all.push(...parts);
    },
    /** Resolves after that long without bytes. */
    settle: async (quietMs: number) => {
      const askedAtMs = performance.now();
      while (performance.now() - Math.max(lastAtMs, askedAtMs) < quietMs) {
        await new Promise((resolve) => setTimeout(resolve, quietMs / 10));
      }
    },
  };
}
