import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, open, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { menuCommandChannel, menuKeysChannel, pickDirectoryChannel, pickFileChannel } from '../preload/channel.ts';
import { findFile, setupAppProtocol } from './app-protocol.ts';
import { setupDialogs } from './dialogs.ts';
import { setupLockDown, setupPermissions } from './lock-down.ts';
import { setupMenu } from './menu.ts';
import { isOwnUrl } from './origin.ts';
import { setupQuit, setupSignals } from './quit.ts';
import { setupSingleInstance } from './single-instance.ts';
import * as electron from './testing/stand-in.ts';
import { createWindow } from './window.ts';

vi.mock('electron', () => import('./testing/stand-in.ts'));

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'firstlight-shell-'));
});
afterAll(() => rm(dir, { recursive: true }));
beforeEach(() => {
  vi.clearAllMocks();
  electron.app.removeAllListeners();
  electron.BrowserWindow.opened.length = 0;
  electron.app.getPath.mockReturnValue(dir);
});

test('the renderer is sandboxed, isolated and without Node', () => {
  createWindow('/preload.cjs');
  const [window] = electron.BrowserWindow.opened;
  expect(window?.options.webPreferences).toMatchObject({
    preload: '/preload.cjs',
    sandbox: true,
    contextIsolation: true,
    nodeIntegration: false,
    nodeIntegrationInWorker: false,
    nodeIntegrationInSubFrames: false,
    webSecurity: true,
    webviewTag: false,
    allowRunningInsecureContent: false,
  });
  expect(window?.loadURL).toHaveBeenCalledWith('app://firstlight/');
});

describe('the window’s place', () => {
  const statePath = () => join(dir, 'window.json');
  const write = (bounds: object, maximized = false) => writeFile(statePath(), JSON.stringify({ bounds, maximized }));
  const open = () => {
    const { placeKept } = createWindow('/preload.cjs');
    const window = electron.BrowserWindow.opened.at(-1);
    return Object.assign(window ?? expect.fail('no window'), { placeKept });
  };

  test('is kept when it closes and found again', async () => {
    await rm(statePath(), { force: true });
    const window = open();
    window.emit('close');
    await window.placeKept();
    expect(open().options).toMatchObject({ x: 10, y: 20, width: 1200, height: 700 });
  });

  test('that cannot be kept is for the end to say, and closes the window all the same', async () => {
    electron.app.getPath.mockReturnValue(join(dir, 'absent'));
    const window = open();
    window.emit('close');
    await expect(window.placeKept()).rejects.toMatchObject({ code: 'STORE_UNUSABLE' });
  });

  test('is maximized again when it was', async () => {
    await write({ x: 0, y: 0, width: 1280, height: 800 }, true);
    expect(open().maximize).toHaveBeenCalledOnce();
  });

  test.each([
    ['off every screen', { x: 5000, y: 100, width: 1280, height: 800 }],
    ['above the screen, with no title bar to grab', { x: 100, y: -300, width: 1280, height: 800 }],
    ['too small', { x: 0, y: 0, width: 10, height: 10 }],
    ['not numbers', { x: 'a', y: 0, width: 1280, height: 800 }],
  ])('is the default when it is %s', async (_, bounds) => {
    await write(bounds);
    const options = open().options;
    expect(options).toMatchObject({ width: 1280, height: 800 });
    expect(options).not.toHaveProperty('x');
  });

  test('is the default when the file is cut short', async () => {
    await writeFile(statePath(), '{"bounds":{"x":');
    expect(open().options).toMatchObject({ width: 1280, height: 800 });
  });
});

describe('navigation', () => {
  const createContents = () => {
    const listeners = new Map<string, (event: { url: string; preventDefault: () => void }) => void>();
    let openHandler: ((details: { url: string }) => { action: string }) | undefined;
    const log = vi.fn();
    const contents = { loadURL: vi.fn(async () => undefined) };
    setupLockDown(log);
    electron.app.emit(
      'web-contents-created',
      {},
      {
        ...contents,
        on: (name: string, listener: never) => listeners.set(name, listener),
        setWindowOpenHandler: (handler: never) => {
          openHandler = handler;
        },
      },
    );
    const isBlocked = (name: string, url: string) => {
      const preventDefault = vi.fn();
      listeners.get(name)?.({ url, preventDefault });
      return preventDefault.mock.calls.length > 0;
    };
    const emit = (name: string, ...args: unknown[]) =>
      (listeners.get(name) as unknown as (...args: unknown[]) => void)?.({}, ...args);
    return { isBlocked, emit, log, ...contents, open: (url: string) => openHandler?.({ url }) };
  };

  test.each(['will-navigate', 'will-redirect', 'will-frame-navigate'])('%s stays on our own pages', (name) => {
    const { isBlocked } = createContents();
    expect(isBlocked(name, 'app://firstlight/index.html')).toBe(false);
    for (const url of ['https://example.com', 'file:///etc/passwd', 'app://other/', 'javascript:alert(1)', '']) {
      expect(isBlocked(name, url)).toBe(true);
    }
  });

  test('web views are refused', () => {
    expect(createContents().isBlocked('will-attach-webview', '')).toBe(true);
  });

  test('about:blank, which asks nobody, brings the page back', () => {
    const { emit, loadURL } = createContents();
    emit('did-navigate', 'app://firstlight/');
    emit('did-navigate', 'devtools://devtools/bundled/devtools_app.html');
    expect(loadURL).not.toHaveBeenCalled();
    emit('did-navigate', 'about:blank');
    expect(loadURL).toHaveBeenCalledExactlyOnceWith('app://firstlight/');
  });

  describe('a link that opens a window', () => {
    const press = { type: 'mouseDown' };

    test('opens none; a known https site goes to the person’s browser after a press', () => {
      const { emit, open } = createContents();
      emit('input-event', press);
      expect(open('https://libvirt.org/uri.html')).toEqual({ action: 'deny' });
      expect(electron.shell.openExternal.mock.calls).toEqual([['https://libvirt.org/uri.html']]);
    });

    test('is not followed without a press, a second time for one press, or with another scheme', () => {
      const { emit, open, log } = createContents();
      open('https://libvirt.org/');
      emit('input-event', { type: 'mouseMove' });
      open('https://libvirt.org/');
      emit('input-event', press);
      for (const url of ['file:///etc/passwd', 'http://192.168.0.1/', 'javascript:alert(1)']) open(url);
      expect(electron.shell.openExternal).not.toHaveBeenCalled();
      open('https://libvirt.org/1');
      open('https://libvirt.org/2');
      expect(electron.shell.openExternal.mock.calls).toEqual([['https://libvirt.org/1']]);
      expect(log).toHaveBeenLastCalledWith('a link was not opened (nobody clicked it): https://libvirt.org/2');
    });

    test('to a site that is not known is shown to the person first, who may say no', async () => {
      const { emit, open } = createContents();
      emit('input-event', press);
      open('https://evil.example/?secret=1');
      await vi.waitFor(() =>
        expect(electron.dialog.showMessageBox).toHaveBeenCalledWith(
          expect.objectContaining({ detail: 'https://evil.example/?secret=1', cancelId: 0 }),
        ),
      );
      expect(electron.shell.openExternal).not.toHaveBeenCalled();
      electron.dialog.showMessageBox.mockResolvedValueOnce({ response: 1 });
      await vi.waitFor(() => {
        emit('input-event', press);
        open('https://other.example/');
        expect(electron.shell.openExternal).toHaveBeenCalledWith('https://other.example/');
      });
    });

    test('by http is one to this machine, which is shown to the person first', async () => {
      const { emit, open, log } = createContents();
      for (const url of ['http://192.168.0.1/', 'http://localhost.evil.example/', 'http://127.0.0.1.evil.example/']) {
        emit('input-event', press);
        open(url);
        expect(log).toHaveBeenLastCalledWith(expect.stringContaining(`are opened): ${url}`));
      }
      expect(electron.dialog.showMessageBox).not.toHaveBeenCalled();
      electron.dialog.showMessageBox.mockResolvedValueOnce({ response: 1 });
      emit('input-event', press);
      open('http://127.0.0.1:8080/');
      await vi.waitFor(() => expect(electron.shell.openExternal).toHaveBeenCalledWith('http://127.0.0.1:8080/'));
    });

    test('is not followed more than ten times in a minute', () => {
      const { emit, open } = createContents();
      for (let count = 0; count < 12; count++) {
        emit('input-event', press);
        open(`https://libvirt.org/${count}`);
      }
      expect(electron.shell.openExternal).toHaveBeenCalledTimes(10);
    });
  });
});

test('permissions are refused, but for copying text from our own page', () => {
  const handlers: Record<string, (...args: never[]) => unknown> = {};
  const keep = (name: string) => (handler: (...args: never[]) => unknown) => {
    handlers[name] = handler;
  };
  setupPermissions({
    setPermissionRequestHandler: keep('request'),
    setPermissionCheckHandler: keep('check'),
    setDevicePermissionHandler: keep('device'),
  } as never);
  const ask = (permission: string, url: string) => {
    const answer = vi.fn();
    handlers.request?.({ getURL: () => url } as never, permission as never, answer as never);
    return answer.mock.calls[0]?.[0];
  };
  expect(ask('clipboard-sanitized-write', 'app://firstlight/')).toBe(true);
  expect(ask('clipboard-sanitized-write', 'https://example.com/')).toBe(false);
  for (const permission of ['media', 'geolocation', 'notifications', 'clipboard-read', 'openExternal']) {
    expect(ask(permission, 'app://firstlight/')).toBe(false);
  }
  expect(handlers.check?.(null as never, 'media' as never, 'app://firstlight' as never)).toBe(false);
  expect(handlers.device?.({} as never)).toBe(false);
});

describe('single instance', () => {
  test('a second studio brings the first to the front', () => {
    const onFolders = vi.fn();
    expect(setupSingleInstance(['/a'], onFolders)).toBe(true);
    expect(electron.app.requestSingleInstanceLock).toHaveBeenCalledWith({ folders: ['/a'] });
    createWindow('/preload.cjs');
    electron.app.emit('second-instance', {}, [], '/', { folders: ['/b', 7] });
    expect(onFolders).toHaveBeenCalledWith(['/b']);
    const [window] = electron.BrowserWindow.opened;
    expect(window?.restore).toHaveBeenCalledOnce();
    expect(window?.focus).toHaveBeenCalledOnce();
  });

  test('and is asked to end itself', () => {
    electron.app.requestSingleInstanceLock.mockReturnValueOnce(false);
    expect(setupSingleInstance([], vi.fn())).toBe(false);
  });
});

describe('app://', () => {
  test('serves files of the renderer under the policy, and none outside', async () => {
    await mkdir(join(dir, 'renderer'), { recursive: true });
    await writeFile(join(dir, 'renderer/index.html'), 'page');
    await writeFile(join(dir, 'secret'), 'secret');
    const root = join(dir, 'renderer');
    await symlink('../secret', join(root, 'link'));
    await symlink('..', join(root, 'up'));
    expect(await findFile(root, 'app://firstlight/')).toBe(join(root, 'index.html'));
    for (const url of [
      'app://firstlight/..%2fsecret',
      'app://firstlight/%2e%2e%2fsecret',
      'app://firstlight/link',
      'app://firstlight/up/secret',
      'app://firstlight/absent',
      'app://firstlight/%00',
      'app://firstlight/%zz',
      'app://other/index.html',
      'file:///etc/passwd',
    ]) {
      expect(await findFile(root, url)).toBeNull();
    }
    setupAppProtocol(root);
    const handler = electron.protocol.handle.mock.calls[0]?.[1] as (request: Request) => Promise<Response>;
    const answer = await handler({ url: 'app://firstlight/', method: 'GET' } as Request);
    expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    expect((await handler({ url: 'app://firstlight/x', method: 'GET' } as Request)).status).toBe(404);
  });

  test('knows our own URLs from those that look like them', () => {
    expect(isOwnUrl('app://firstlight/a#b')).toBe(true);
    for (const url of ['app://firstlight.evil/', 'app://evil/firstlight', 'https://firstlight/', 'about:blank', '']) {
      expect(isOwnUrl(url)).toBe(false);
    }
  });
});

describe('ending', () => {
  test('waits for all that has to end, then exits', async () => {
    const log = vi.fn();
    const close = vi.fn(async () => undefined);
    const failing = vi.fn(() => Promise.reject(new Error('the disk is full')));
    setupQuit([failing, close], log);
    electron.app.emit('window-all-closed');
    expect(electron.app.quit).toHaveBeenCalledOnce();
    const event = { preventDefault: vi.fn() };
    electron.app.emit('will-quit', event);
    electron.app.emit('will-quit', event);
    await vi.waitFor(() => expect(electron.app.exit).toHaveBeenCalledWith(0));
    expect(close).toHaveBeenCalledOnce();
    expect(log).toHaveBeenCalledWith('ended badly: the disk is full');
  });

  test('does not wait forever', async () => {
    setupQuit([() => new Promise(() => undefined)], () => undefined, 20);
    electron.app.emit('will-quit', { preventDefault: () => undefined });
    await vi.waitFor(() => expect(electron.app.exit).toHaveBeenCalledWith(0));
  });

  test('waits for a file request that is under way', async () => {
    const pipe = join(dir, 'pipe');
    execFileSync('mkfifo', [pipe]);
    // It opens when somebody opens the other end.
    const opening = open(pipe, 'r');
    setupQuit([], () => undefined);
    electron.app.emit('will-quit', { preventDefault: () => undefined });
    await sleep(100);
    expect(electron.app.exit).not.toHaveBeenCalled();
    const writer = await open(pipe, 'w');
    await Promise.all([writer.close(), (await opening).close()]);
    await vi.waitFor(() => expect(electron.app.exit).toHaveBeenCalledWith(0));
  });

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('%s quits in order', (signal) => {
    const before = process.listeners(signal);
    setupSignals();
    const ours = process.listeners(signal).filter((listener) => !before.includes(listener));
    for (const listener of ours) process.off(signal, listener);
    expect(ours).toHaveLength(1);
    ours[0]?.(signal);
    expect(electron.app.quit).toHaveBeenCalledOnce();
  });
});

test.each([
  ['folder', pickDirectoryChannel, 'openDirectory'],
  ['file', pickFileChannel, 'openFile'],
])('the %s dialog answers our own page only', async (_, channel, property) => {
  electron.ipcMain.removeAllListeners();
  const onPick = vi.fn();
  setupDialogs(onPick);
  const ask = (url: string) => electron.ipcMain.handlers.get(channel)?.({ senderFrame: { url, parent: null } });
  expect(await ask('app://firstlight/')).toBe('/projects/hello');
  expect(electron.dialog.showOpenDialog.mock.lastCall).toMatchObject([{ properties: [property, expect.any(String)] }]);
  expect(await ask('https://evil.example/')).toBeNull();
  expect(onPick.mock.calls).toEqual([['/projects/hello']]);
  electron.dialog.showOpenDialog.mockResolvedValueOnce({ canceled: true, filePaths: [] });
  expect(await ask('app://firstlight/')).toBeNull();
});

describe('the menu', () => {
  type Item = {
    label?: string;
    accelerator?: string;
    registerAccelerator?: boolean;
    click?: () => void;
    submenu?: Item[];
  };
  const items = (): Item[] =>
    (electron.Menu.setApplicationMenu.mock.lastCall?.[0] ?? []).flatMap((item: Item) => item.submenu ?? []);
  const find = (label: string) => items().find((item) => item.label === label) ?? expect.fail(`no ${label}`);
  const send = (keys: unknown, url = 'app://firstlight/') =>
    electron.ipcMain.emit(menuKeysChannel, { senderFrame: { url, parent: null } }, keys);

  beforeEach(() => {
    electron.ipcMain.removeAllListeners();
    setupMenu();
  });

  test('shows the page’s keys, and sends it the chosen command', () => {
    expect(find('Run').accelerator).toBeUndefined();
    send({ run: 'Ctrl+Enter', 'open-folder': 'Ctrl+O', console: 'Ctrl+`' });
    expect(find('Run')).toMatchObject({ accelerator: 'Ctrl+Enter', registerAccelerator: false });
    // What the page does on Ctrl+O, with its unsaved changes and its words for a folder that is none, is written there.
    expect(find('Open Folder…')).toMatchObject({ accelerator: 'Ctrl+O', registerAccelerator: false });
    expect(find('Console')).toMatchObject({ accelerator: 'Ctrl+`' });
    createWindow('/preload.cjs');
    find('Run').click?.();
    expect(electron.BrowserWindow.opened[0]?.webContents.send.mock.calls).toEqual([[menuCommandChannel, 'run']]);
  });

  test('follows a key that a person chose, or took away', () => {
    send({ run: 'Ctrl+Enter', save: 'Ctrl+S' });
    send({ run: 'Ctrl+Alt+R' });
    expect(find('Run').accelerator).toBe('Ctrl+Alt+R');
    expect(find('Save and Rebuild').accelerator).toBeUndefined();
  });

  test.each([
    ['Ctrl+ArrowUp', 'Ctrl+Up'],
    ['Ctrl++', 'Ctrl+Plus'],
    ['Ctrl+Shift+ ', 'Ctrl+Shift+Space'],
    ['F12', 'F12'],
    ['AudioVolumeUp', undefined],
    ['Ctrl+Ä', undefined],
    ['', undefined],
    [7, undefined],
  ])('shows %j as %j, which Electron knows', (key, accelerator) => {
    send({ run: key });
    expect(find('Run').accelerator).toBe(accelerator);
  });

  test('does not listen to another page, or to what are no keys', () => {
    send({ run: 'Ctrl+Enter' }, 'https://evil.example/');
    send(null);
    send('Ctrl+Enter');
    expect(find('Run').accelerator).toBeUndefined();
  });
});
