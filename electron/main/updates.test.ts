import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type ClientRequest, createServer, type RequestOptions, request as requestHttp, type Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { configureRequestOptions, configureRequestUrl, type DownloadOptions, HttpExecutor } from 'builder-util-runtime';
import type { AppUpdater } from 'electron-updater';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { setupUpdates, type UpdateOptions } from './updates.ts';

vi.mock('electron', () => import('./testing/stand-in.ts'));

// The parts of Electron that electron-updater itself requires at the end.
const require = createRequire(import.meta.url);
require.cache[require.resolve('electron')] = { loaded: true, exports: { autoUpdater: new EventEmitter() } } as never;

let dir: string;
let server: Server;
let files: Record<string, Buffer>;
let asked: string[];
let key: KeyObject;
let publicKey: string;
let lines: string[];
let hangs: boolean;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'fl-updates-'));
  files = {};
  asked = [];
  lines = [];
  hangs = false;
  const pair = generateKeyPairSync('ed25519');
  key = pair.privateKey;
  publicKey = pair.publicKey.export({ format: 'der', type: 'spki' }).toString('base64');
  server = createServer((request, response) => {
    const name = (request.url ?? '').split('?')[0]?.slice(1) ?? '';
    asked.push(name);
    const found = files[name];
    // A server that takes the request and never answers.
    if (hangs) return;
    response.writeHead(found === undefined ? 404 : 200, { 'content-length': found?.length ?? 0 }).end(found);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  rmSync(dir, { recursive: true, force: true });
});

const feedUrl = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;

/** Downloads as electron-updater's own does, with Node's requests in place of Electron's. */
class Downloader extends HttpExecutor<ClientRequest> {
  createRequest(options: RequestOptions, callback: (response: unknown) => void): ClientRequest {
    return requestHttp(options, callback);
  }

  download(url: URL, destination: string, options: DownloadOptions): Promise<string> {
    return options.cancellationToken.createPromise((resolve, reject, onCancel) => {
      const request: RequestOptions = { headers: options.headers ?? {} };
      configureRequestUrl(url, request);
      configureRequestOptions(request);
      const callback = (error?: Error | null) => (error ? reject(error) : resolve(destination));
      const download = { destination, options, onCancel, callback, responseHandler: null };
      this.doDownload(request, download, 0);
    });
  }
}

/** Publishes a version, as electron-builder and the key's owner do. */
function publish(name: string, content: Buffer, { version = '9.9.9', signer = key } = {}): void {
  const sha512 = createHash('sha512').update(content).digest('base64');
  const list = Buffer.from(
    `version: ${version}\nfiles:\n  - url: ${name}\n    sha512: ${sha512}\n    size: ${content.length}\npath: ${name}\nsha512: ${sha512}\n`,
  );
  files = {
    'latest-linux.yml': list,
    'latest-linux.yml.sig': Buffer.from(sign(null, list, signer).toString('base64')),
    [name]: content,
  };
}

/** A program at version 0.1.0 that came as an AppImage or a deb. */
function start(kind: 'AppImage' | 'deb', options: Partial<UpdateOptions> & { updates?: object | null } = {}) {
  const { updates = { url: feedUrl(), publicKey } } = options;
  writeFileSync(join(dir, 'package.json'), JSON.stringify(updates === null ? {} : { updates }));
  writeFileSync(join(dir, 'package-type'), kind === 'deb' ? 'deb' : '');
  if (kind === 'AppImage') vi.stubEnv('APPIMAGE', join(dir, 'firstlight.AppImage'));
  else vi.stubEnv('APPIMAGE', undefined);
  const app = {
    version: '0.1.0',
    name: 'Firstlight',
    isPackaged: true,
    appUpdateConfigPath: join(dir, 'app-update.yml'),
    userDataPath: join(dir, 'user'),
    baseCachePath: join(dir, 'cache'),
    whenReady: async () => undefined,
    relaunch: vi.fn(),
    quit: vi.fn(),
    onQuit: vi.fn(),
  };
  mkdirSync(app.userDataPath, { recursive: true });
  writeFileSync(app.appUpdateConfigPath, 'updaterCacheDirName: firstlight\n');
  const updater = setupUpdates({
    manifestPath: join(dir, 'package.json'),
    resourcesPath: dir,
    env: process.env,
    log: (line) => lines.push(line),
    askToRestart: async () => false,
    beforeInstall: async () => undefined,
    prepare: (made: AppUpdater) => Object.assign(made, { httpExecutor: new Downloader() }),
    app,
    ...options,
  });
  return { updater, app };
}

const script = (text: string) => Buffer.from(`#!/bin/sh\n${text}\n`);

test('nothing is asked of any server until a feed is set', async () => {
  publish('Firstlight.AppImage', script('exit 0'));
  expect(start('AppImage', { updates: null }).updater).toBeNull();
  expect(asked).toEqual([]);
});

test('a feed without https, or with another kind of key, is refused', () => {
  expect(() => start('deb', { updates: { url: 'http://updates.example/', publicKey } })).toThrow(/https/);
  expect(() => start('deb', { updates: { url: 'https://updates.example/', publicKey: 'bm9uZQ==' } })).toThrow(
    /Ed25519/,
  );
});

test('an AppImage is downloaded, and replaced when the person agrees', async () => {
  const image = join(dir, 'firstlight.AppImage');
  writeFileSync(image, script('echo old'));
  chmodSync(image, 0o755);
  const fresh = script(`echo started > '${join(dir, 'started')}'`);
  publish('Firstlight-9.9.9.AppImage', fresh);
  const ended = vi.fn(async () => undefined);
  const { app } = start('AppImage', { askToRestart: async (version) => version === '9.9.9', beforeInstall: ended });
  await vi.waitFor(
    () => expect([lines, app.quit.mock.calls.length]).toEqual([['update: version 9.9.9 is ready'], 1]),
    10_000,
  );
  expect(ended).toHaveBeenCalledOnce();
  expect(readFileSync(image)).toEqual(fresh);
  await vi.waitFor(() => expect(readFileSync(join(dir, 'started'), 'utf8')).toBe('started\n'), 10_000);
});

test('a deb is downloaded whole and waits for the person', async () => {
  publish('firstlight_9.9.9_amd64.deb', Buffer.from('a package'));
  const asking = vi.fn(async () => false);
  const { app } = start('deb', { askToRestart: asking });
  await vi.waitFor(() => expect(lines).toEqual(['update: version 9.9.9 is ready']), 10_000);
  expect(asking).toHaveBeenCalledWith('9.9.9');
  expect(asked).toContain('firstlight_9.9.9_amd64.deb');
  expect(readFileSync(join(dir, 'cache/firstlight/pending/firstlight_9.9.9_amd64.deb'), 'utf8')).toBe('a package');
  expect(app.quit).not.toHaveBeenCalled();
});

test.each([
  [
    'signed by another key',
    () => publish('f.deb', Buffer.from('x'), { signer: generateKeyPairSync('ed25519').privateKey }),
    /is not signed by the key/,
  ],
  [
    'changed after it was signed',
    () => {
      publish('f.deb', Buffer.from('x'));
      files['latest-linux.yml'] = Buffer.from(`${files['latest-linux.yml']}#`);
    },
    /is not signed by the key/,
  ],
  [
    'of a package that was exchanged',
    () => {
      publish('f.deb', Buffer.from('x'));
      files['f.deb'] = Buffer.from('y');
    },
    /checksum mismatch/,
  ],
  ['that cannot be reached', () => undefined, /404/],
])('a feed %s changes nothing, and is said', async (_, prepare, words) => {
  prepare();
  const asking = vi.fn(async () => true);
  const { app } = start('deb', { askToRestart: asking });
  await vi.waitFor(() => expect(lines.join('\n')).toMatch(words), 10_000);
  expect(asking).not.toHaveBeenCalled();
  expect(app.quit).not.toHaveBeenCalled();
});

test('a server that hangs is given up, and said', async () => {
  publish('f.deb', Buffer.from('x'));
  hangs = true;
  const { app } = start('deb', { deadlineMs: 200 });
  await vi.waitFor(() => expect(lines.join('\n')).toMatch(/did not answer within 0.2 s/), 10_000);
  expect(app.quit).not.toHaveBeenCalled();
});

test.each([
  ['an older version', '0.0.9'],
  ['the same version', '0.1.0'],
])('%s is no update', async (_, version) => {
  publish('f.deb', Buffer.from('x'), { version });
  start('deb');
  await vi.waitFor(() => expect(asked).toContain('latest-linux.yml.sig'), 10_000);
  expect(asked).not.toContain('f.deb');
  expect(lines).toEqual([]);
});
