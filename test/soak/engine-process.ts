// An engine in a separate process, so that it can be killed and measured. Calls use Node's IPC.
import { writeFileSync } from 'node:fs';
import { createCore } from '#core/engine/create-core.ts';
import { toFirstlightError } from '#core/store/from-format-error.ts';
import { locateResources } from '#core/store/resources.ts';
import { createClient } from '#shared/contract/client.ts';
import { createMemoryPorts } from '#shared/contract/memory-port.ts';
import { serveSession } from '#shared/contract/session.ts';
import { toWireError, type WireError } from '#shared/errors.ts';
import type { EngineReply, EngineRequest } from './engine.ts';

// In a separate user namespace, this affects only the namespace.
if (process.env.FIRSTLIGHT_SOAK_WATCHES !== undefined) {
  writeFileSync('/proc/sys/user/max_inotify_watches', process.env.FIRSTLIGHT_SOAK_WATCHES);
}

const core = await createCore({
  resources: locateResources(),
  env: process.env,
  log: (line) => process.stderr.write(`${line}\n`),
});
const ports = createMemoryPorts();
serveSession(core, ports.engine);
const client = createClient(ports.client);
const warnings: WireError[] = [];
client.subscribe('app:warned', ({ error }) => void warnings.push(error));
const reply = (message: EngineReply) => process.send?.(message);

async function serve(request: EngineRequest): Promise<unknown> {
  if (request.kind === 'call') return await client.call(request.name, request.input as never);
  if (request.kind === 'memory') return memory();
  if (request.kind === 'warnings') return warnings;
  if (request.kind === 'attach') return attach(request.instanceId);
  ports.client.close();
  await core.close();
  return null;
}

/** After collection, twice: finalizers free more. Units: bytes. */
function memory(): { heapBytes: number; rssBytes: number } {
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed, external, rss } = process.memoryUsage();
  return { heapBytes: heapUsed + external, rssBytes: rss };
}

/** The consoles' output since they were attached. */
const shown = new Map<string, string>();

function attach(instanceId: string): string {
  if (!shown.has(instanceId)) {
    shown.set(instanceId, '');
    const take = (chunk: Uint8Array) =>
      void shown.set(instanceId, (shown.get(instanceId) ?? '') + Buffer.from(chunk).toString());
    const { ended } = client.openStream('console:attach', { instanceId: instanceId as never, part: 'all' }, take);
    ended.catch((thrown: unknown) => take(Buffer.from(`\nconsole broke: ${thrown}\n`)));
  }
  return shown.get(instanceId) ?? '';
}

process.on('message', (request: EngineRequest) => {
  serve(request).then(
    (value) => reply({ id: request.id, value }),
    (thrown) => reply({ id: request.id, error: toWireError(toFirstlightError(thrown)) }),
  );
});
// Its parent has ended.
process.on('disconnect', () => process.exit());
