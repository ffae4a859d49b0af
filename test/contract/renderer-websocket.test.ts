import { vi } from 'vitest';
import { WebSocket as NodeWebSocket } from 'ws';
import { startHost } from '#host/start-host.ts';
import { tokenProtocol } from '#shared/contract/ws-codec.ts';
import { createWebSocketTransport } from '../../renderer/transport/websocket.ts';
import { describeContract } from './suite.ts';

/** The socket that the renderer's transport last opened with each token: a host may have the port of one that ended. */
const opened = new Map<string, NodeWebSocket>();
/** Tokens of hosts that have ended: a transport still tries to reach its own, which a test ignores. */
const gone = new Set<string>();

/** A browser's WebSocket: it sends the page's origin by itself, and reports a failure without a message. */
class BrowserWebSocket extends NodeWebSocket {
  constructor(url: string, protocols: string[]) {
    const origin = new URL(url).origin.replace('ws', 'http');
    const token = protocols.at(-1) ?? '';
    super(gone.has(token) ? 'ws://127.0.0.1:9/' : url, protocols, { origin });
    this.on('error', () => undefined);
    opened.set(token, this);
  }
}

// It stays to the end of the file's process: a transport still tries to reach its host after the host's end.
vi.stubGlobal('WebSocket', BrowserWebSocket);

describeContract('the renderer’s WebSocket transport and the web host', async (engine) => {
  const host = await startHost({ engine, rendererDir: '/nowhere', roots: ['/'], log: () => undefined });
  const { client, link } = createWebSocketTransport(host.origin, host.token);
  await vi.waitFor(() => {
    if (link().status !== 'connected') throw new Error('not connected yet');
  }, 20_000);
  const token = tokenProtocol(host.token);
  const socket = opened.get(token);
  return {
    client,
    sendRaw: (message) => socket?.send(JSON.stringify(message)),
    cut: () => {
      gone.add(token);
      socket?.terminate();
    },
    dispose: async () => {
      gone.add(token);
      await host.close();
    },
  };
});
