/** Exposes the contract's three verbs and the system's dialogs for folders and files, and the menu as `window.firstlight`. */
import { contextBridge, ipcRenderer } from 'electron';
import { createBridge } from '#shared/contract/bridge.ts';
import { createClient } from '#shared/contract/client.ts';
import type { ClientPort, EngineMessage } from '#shared/contract/wire.ts';
import {
  connectChannel,
  menuCommandChannel,
  menuKeysChannel,
  pickDirectoryChannel,
  pickFileChannel,
  startUrl,
} from './channel.ts';

// Before its first page a window has an empty document, and preload scripts run in that too.
if (location.href.startsWith(startUrl)) {
  contextBridge.exposeInMainWorld('firstlight', {
    ...createBridge(createClient(connect())),
    pickDirectory: (): Promise<string | null> => ipcRenderer.invoke(pickDirectoryChannel),
    pickFile: (): Promise<string | null> => ipcRenderer.invoke(pickFileChannel),
    setMenuKeys: (keys: Readonly<Record<string, string>>): void => ipcRenderer.send(menuKeysChannel, keys),
    onMenuCommand: (listener: (id: string) => void): (() => void) => {
      const hear = (_event: unknown, id: string) => listener(id);
      ipcRenderer.on(menuCommandChannel, hear);
      return () => void ipcRenderer.off(menuCommandChannel, hear);
    },
  });
}

/** A port to the main process. Its messages come from the main process, so they are not validated again. */
function connect(): ClientPort {
  const { port1: port, port2: theirs } = new MessageChannel();
  ipcRenderer.postMessage(connectChannel, null, [theirs]);
  return {
    send: (message) => port.postMessage(message),
    onMessage: (listener) => {
      port.addEventListener('message', ({ data }) => listener(data as EngineMessage));
      port.start();
    },
    onClose: (listener) => port.addEventListener('close', listener, { once: true }),
    close: () => port.close(),
  };
}
