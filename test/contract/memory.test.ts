import { createClient } from '#shared/contract/client.ts';
import { createMemoryPorts } from '#shared/contract/memory-port.ts';
import { serveSession } from '#shared/contract/session.ts';
import { describeContract } from './suite.ts';

describeContract('memory ports', async (engine) => {
  const ports = createMemoryPorts();
  serveSession(engine, ports.engine);
  return {
    client: createClient(ports.client),
    sendRaw: (message) => ports.client.send(message as never),
    cut: ports.client.close,
    dispose: async () => ports.client.close(),
  };
});
