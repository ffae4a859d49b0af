import { ipcMain, type MessagePortMain } from 'electron';
import type { Engine } from '#shared/contract/index.ts';
import { serveSession } from '#shared/contract/session.ts';
import type { ClientMessage, EnginePort } from '#shared/contract/wire.ts';
import { connectChannel } from '../preload/channel.ts';
import { isTrustedFrame } from './origin.ts';

/** Serves the contract to each page that connects: one message port for one page. */
export function setupContract(engine: Engine, log: (line: string) => void): void {
  ipcMain.on(connectChannel, (event) => {
    const [port, ...more] = event.ports;
    if (!isTrustedFrame(event.senderFrame) || port === undefined || more.length > 0) {
      for (const unwanted of event.ports) unwanted.close();
      log(`refused a connection from ${event.senderFrame?.url ?? 'a frame that is gone'}`);
      return;
    }
    serveSession(engine, createMessagePort(port));
    port.start();
  });
}

/** The engine's end of a page's port. The session validates each message before it acts on it. */
function createMessagePort(port: MessagePortMain): EnginePort {
  return {
    send: (message) => port.postMessage(message),
    onMessage: (listener) => {
      port.on('message', ({ data }) => listener(data as ClientMessage));
    },
    onClose: (listener) => {
      port.once('close', listener);
    },
    close: () => port.close(),
  };
}
