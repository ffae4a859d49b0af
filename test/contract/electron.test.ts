import { expect, test, vi } from 'vitest';
import { type Bridge, createBridgeClient } from '#shared/contract/bridge.ts';
import { setupContract } from '../../electron/main/contract.ts';
import * as electron from '../../electron/main/testing/stand-in.ts';
import { connectChannel, startUrl } from '../../electron/preload/channel.ts';
import { createScriptedEngine } from './scripted-engine.ts';
import { describeContract } from './suite.ts';

vi.mock('electron', () => import('../../electron/main/testing/stand-in.ts'));

let pages = 0;

/** Loads the preload script anew, as for each page, and returns the page's API. */
async function loadPage(): Promise<{ bridge: Bridge; port: MessagePort }> {
  vi.stubGlobal('location', { href: startUrl });
  const channel = vi.spyOn(globalThis, 'MessageChannel');
  const script = `../../electron/preload/preload.ts?page=${pages++}`;
  await import(/* @vite-ignore */ script);
  const made: MessageChannel | undefined = channel.mock.results[0]?.value;
  channel.mockRestore();
  if (made === undefined) throw new Error('The preload script made no channel.');
  const port = made.port1;
  return { bridge: electron.exposed.firstlight as Bridge, port };
}

describeContract('Electron’s message ports and context bridge (stand-in)', async (engine) => {
  electron.ipcMain.removeAllListeners();
  setupContract(engine, () => undefined);
  const { bridge, port } = await loadPage();
  return {
    client: createBridgeClient(bridge),
    sendRaw: (message) => port.postMessage(message),
    cut: () => port.close(),
    dispose: async () => port.close(),
  };
});

test('the page sees three verbs, the dialogs for folders and files, the menu, and nothing else', async () => {
  electron.ipcMain.removeAllListeners();
  setupContract(createScriptedEngine({}), () => undefined);
  const { port } = await loadPage();
  expect(Object.keys(electron.exposed)).toEqual(['firstlight']);
  expect(Object.keys(electron.exposed.firstlight as object).sort()).toEqual([
    'call',
    'onMenuCommand',
    'openStream',
    'pickDirectory',
    'pickFile',
    'setMenuKeys',
    'subscribe',
  ]);
  port.close();
});

test.each(['about:blank', '', 'https://evil.example/'])('a document at "%s" gets no bridge', async (href) => {
  delete electron.exposed.firstlight;
  vi.stubGlobal('location', { href });
  const script = `../../electron/preload/preload.ts?page=${pages++}`;
  await import(/* @vite-ignore */ script);
  expect(electron.exposed).toEqual({});
});

test.each([
  ['another site', { url: 'https://evil.example/', parent: null }],
  ['a site that begins like ours', { url: 'app://firstlight.evil.example/', parent: null }],
  ['a file', { url: 'file:///tmp/page.html', parent: null }],
  ['a frame inside our page', { url: 'app://firstlight/', parent: {} }],
  ['a frame that is gone', null],
])('a connection from %s is refused', async (_, frame) => {
  electron.ipcMain.removeAllListeners();
  const engine = createScriptedEngine({});
  const lines: string[] = [];
  setupContract(engine, (line) => lines.push(line));
  const { port1, port2 } = new MessageChannel();
  const closed = new Promise((resolve) => port1.addEventListener('close', resolve));
  electron.ipcMain.emit(connectChannel, { senderFrame: frame, ports: [new electron.MessagePortMain(port2)] });
  await closed;
  expect(engine.listenerCount()).toBe(0);
  expect(lines[0]).toMatch(/^refused a connection/);
});
