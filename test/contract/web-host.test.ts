import { expect, test } from 'vitest';
import { startHost } from '#host/start-host.ts';
import type { Run } from '#shared/model/run.ts';
import type { RunId } from '#shared/model/units.ts';
import { connectWebSocket } from './connect-web-socket.ts';
import { createScriptedEngine } from './scripted-engine.ts';
import { describeContract } from './suite.ts';

describeContract('WebSocket and the web host', async (engine) => {
  const host = await startHost({ engine, rendererDir: '/nowhere', roots: ['/'], log: () => undefined });
  const { client, socket } = await connectWebSocket(host.origin, host.token);
  return {
    client,
    sendRaw: (message) => socket.send(JSON.stringify(message)),
    cut: () => socket.terminate(),
    dispose: () => host.close(),
  };
});

test('large answers that a client asks for at once all arrive, and do not pile up in the host', async () => {
  const body = 'x'.repeat(70 << 20);
  const engine = createScriptedEngine({ calls: { 'runs:get': () => ({ id: body }) as unknown as Run } });
  const host = await startHost({ engine, rendererDir: '/nowhere', roots: ['/'], log: () => undefined });
  try {
    const { client } = await connectWebSocket(host.origin, host.token);
    const runId = 'mwz0gl37-387v98' as RunId;
    const answers = Array.from({ length: 2 }, () => client.call('runs:get', { runId }).then(({ id }) => id.length));
    expect(await Promise.all(answers)).toEqual(answers.map(() => body.length));
  } finally {
    await host.close();
  }
});
