/** A runtime without a virtual machine: the function runs in a process of Node.js, and speaks by lines of JSON. */
import { writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import type { Runtime, RuntimeDefinition } from '#core/runtime/runtime.ts';
import type { GuestSession, InstanceLink, InvocationResult } from '#core/runtime/session.ts';
import { hostNow } from '#core/store/host-clock.ts';
import { plainMachine } from '#core/vmm/machine.ts';
import { FirstlightError } from '#shared/errors.ts';
import type { Json } from '#shared/model/json.ts';
import { bytes } from '#shared/model/units.ts';

const channelName = 'process.calls';

/** Answers each line with the handler's result, or its error's message. */
const server = `
const handler = module.exports.default;
console.log = console.error;
require('node:readline').createInterface({ input: process.stdin }).on('line', async (line) => {
  const answer = await Promise.resolve(JSON.parse(line)).then(handler).then((value) => ({ value }), (error) => ({ message: String(error) }));
  process.stdout.write(JSON.stringify(answer) + '\\n');
});
process.stdout.write('"ready"\\n');
`;

export const processRuntime: RuntimeDefinition = {
  id: 'process',
  title: 'Process',
  description: 'Runs functions in processes of Node.js.',
  defaultMemoryMiB: 64,
  runsPrograms: false,
  create: async (): Promise<Runtime> => ({
    id: 'process',
    bundling: {
      engine: 'node',
      runsFunction: () => true,
      ownPaths: () => [],
      networkAsks: () => [],
      optionsInImage: () => [],
    },
    fingerprint: async () => 'process 1',
    buildImage: async ({ code }, path) => {
      const text = `${code}\n${server}`;
      await writeFile(path, text);
      const steps = [{ name: 'write', reused: false, reason: '', durationMs: 0 }] as const;
      return { bytes: Buffer.byteLength(text), minMemoryMiB: 1, steps };
    },
    probeGuest: async () => {
      throw new FirstlightError('INTERNAL', 'A process needs no acceleration.');
    },
    exclusiveResourceOf: () => 'none',
    prepareMachine: async ({ image, config: { memoryMiB, vcpus }, accel }) => ({
      machine: plainMachine(
        { accel, memoryMiB, vcpus },
        { kernel: { path: image.path, cmdline: '' }, channels: [{ name: channelName, carries: 'invocations' }] },
      ),
      sessionInfo: null,
    }),
    openSession,
    readPanic: () => null,
  }),
};

async function openSession({ openChannel, ended }: InstanceLink): Promise<GuestSession> {
  const channel = await openChannel(channelName);
  const lines = createInterface({ input: channel })[Symbol.asyncIterator]();
  const next = async (): Promise<unknown> => {
    const line = await Promise.race([lines.next(), ended.then(() => ({ done: true, value: '' }))]);
    if (line.done) throw new FirstlightError('CHANNEL_BROKEN', 'The process has ended.');
    return JSON.parse(line.value);
  };
  const ready = next().then(() => undefined);
  ready.catch(() => undefined);
  const answerOf = async (event: Json): Promise<InvocationResult['outcome']> => {
    try {
      await ready;
      channel.write(`${JSON.stringify(event)}\n`);
      const { value, message } = (await next()) as { value?: Json; message?: string };
      if (message !== undefined) {
        return { ok: false, error: new FirstlightError('FUNCTION_THREW', message), fatal: false };
      }
      const body = { kind: 'json', value: value ?? null } as const;
      return {
        ok: true,
        response: { status: 200, headers: {}, body, bytes: bytes(JSON.stringify(body.value).length) },
      };
    } catch (thrown) {
      return { ok: false, error: thrown as FirstlightError, fatal: true };
    }
  };
  return {
    ready,
    invoke: async ({ event }) => {
      const sentAtNs = hostNow();
      const outcome = await answerOf(event);
      return { outcome, sentAtNs, receivedAtNs: hostNow(), marks: [], received: [] };
    },
    sampleClock: async () => [],
    closed: ended.then(() => null),
    close: () => channel.destroy(),
  };
}
