import { WebSocket } from 'ws';
import { type Client, createClient } from '#shared/contract/client.ts';
import type { ClientPort } from '#shared/contract/wire.ts';
import {
  decodeEngineFrame,
  encodeFrame,
  tokenProtocol,
  webSocketPath,
  webSocketProtocol,
} from '#shared/contract/ws-codec.ts';

/** A client over a real WebSocket to a host, with the socket itself for actions that our clients never take. */
export async function connectWebSocket(
  origin: string,
  token: string,
): Promise<{ readonly client: Client; readonly socket: WebSocket }> {
  const socket = new WebSocket(
    `${origin.replace('http', 'ws')}${webSocketPath}`,
    [webSocketProtocol, tokenProtocol(token)],
    { origin },
  );
  const port: ClientPort = {
    send: (message) => socket.send(encodeFrame(message)),
    onMessage: (listener) =>
      socket.on('message', (data: Buffer, isBinary) => {
        const message = decodeEngineFrame(isBinary ? data : data.toString());
        if (message === null) throw new Error('The host sent what is not of the protocol.');
        listener(message);
      }),
    onClose: (listener) => socket.once('close', listener),
    close: () => socket.close(),
  };
  const client = createClient(port);
  await new Promise((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
  });
  return { client, socket };
}
