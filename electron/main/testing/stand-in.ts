/** A stand-in for the parts of Electron that the shell uses, in Node.js: tests cannot load Electron's own module. */
import { EventEmitter } from 'node:events';
import { vi } from 'vitest';

export const app = Object.assign(new EventEmitter(), {
  requestSingleInstanceLock: vi.fn(() => true),
  quit: vi.fn(),
  exit: vi.fn(),
  getPath: vi.fn(() => '/nowhere'),
});

export class BrowserWindow extends EventEmitter {
  static readonly opened: BrowserWindow[] = [];
  static getAllWindows = () => BrowserWindow.opened;
  static getFocusedWindow = () => BrowserWindow.opened[0] ?? null;
  static fromWebContents = () => null;

  readonly options: Record<string, unknown>;
  readonly loadURL = vi.fn(async () => undefined);
  readonly show = vi.fn();
  readonly focus = vi.fn();
  readonly restore = vi.fn();
  readonly maximize = vi.fn();
  readonly isMinimized = vi.fn(() => true);
  readonly isMaximized = vi.fn(() => false);
  readonly getNormalBounds = vi.fn(() => ({ x: 10, y: 20, width: 1200, height: 700 }));
  readonly webContents = { send: vi.fn() };

  constructor(options: Record<string, unknown>) {
    super();
    this.options = options;
    BrowserWindow.opened.push(this);
  }
}

export const screen = {
  getAllDisplays: vi.fn(() => [{ workArea: { x: 0, y: 0, width: 1920, height: 1080 } }]),
};
export const shell = { openExternal: vi.fn(async () => undefined) };
export const dialog = {
  showOpenDialog: vi.fn(async () => ({ canceled: false, filePaths: ['/projects/hello'] })),
  showMessageBox: vi.fn(async () => ({ response: 0 })),
};
export const Menu = { setApplicationMenu: vi.fn(), buildFromTemplate: vi.fn((template: unknown) => template) };
export const session = { defaultSession: {} };
export const net = { fetch: vi.fn(async () => new Response('file', { headers: { 'content-type': 'text/html' } })) };
export const protocol = { registerSchemesAsPrivileged: vi.fn(), handle: vi.fn() };

/** Electron's name for its end of a port: an emitter that is silent until it is started. */
export class MessagePortMain extends EventEmitter {
  readonly #port: MessagePort & Pick<EventEmitter, 'on'>;
  constructor(port: MessagePort) {
    super();
    this.#port = port as MessagePort & Pick<EventEmitter, 'on'>;
    this.#port.on('close', () => this.emit('close'));
  }
  start(): void {
    this.#port.on('message', (data: unknown) => this.emit('message', { data }));
  }
  postMessage(data: unknown): void {
    this.#port.postMessage(data);
  }
  close(): void {
    this.#port.close();
  }
}

/** The frame that is the reported sender of the next message. */
export const sender = { frame: { url: 'app://firstlight/', parent: null } as { url: string; parent: unknown } | null };
export const ipcMain = Object.assign(new EventEmitter(), {
  handlers: new Map<string, (event: unknown) => unknown>(),
  handle: (channel: string, handler: (event: unknown) => unknown) => void ipcMain.handlers.set(channel, handler),
});
export const ipcRenderer = Object.assign(new EventEmitter(), {
  send: (channel: string, ...args: unknown[]) => void ipcMain.emit(channel, { senderFrame: sender.frame }, ...args),
  invoke: async (channel: string) => ipcMain.handlers.get(channel)?.({ senderFrame: sender.frame }),
  postMessage: (channel: string, message: unknown, ports: readonly MessagePort[]) => {
    ipcMain.emit(
      channel,
      { senderFrame: sender.frame, ports: ports.map((port) => new MessagePortMain(port)) },
      message,
    );
  },
});

/** The objects that were exposed to the page, as the page sees them: copied by the rules of the bridge. */
export const exposed: Record<string, unknown> = {};
export const contextBridge = {
  exposeInMainWorld: (name: string, api: unknown) => {
    exposed[name] = cross(api);
  },
};

/**
 * A value as the context bridge hands it over: functions and promises are proxied, an error keeps its message, objects
 * are copied without the members of their prototypes (an `AbortSignal` is then empty), the rest is cloned.
 */
function cross(value: unknown): unknown {
  if (typeof value === 'function') {
    return (...args: unknown[]) => cross(value(...args.map(cross)));
  }
  if (value instanceof Promise) {
    return value.then(cross, (error: unknown) => Promise.reject(cross(error)));
  }
  if (value instanceof Error) return new Error(value.message);
  if (Array.isArray(value)) return value.map(cross);
  if (ArrayBuffer.isView(value)) return structuredClone(value);
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, held]) => [key, cross(held)]));
  }
  return value;
}
