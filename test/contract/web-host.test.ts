import { startHost } from '#host/start-host.ts';
import { connectWebSocket } from './connect-web-socket.ts';
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
