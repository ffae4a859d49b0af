/** Electron's list for secure programs, seen from the page of a real shell. docs/desktop.md has the table; the numbers are the list's. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ElectronApplication, Page } from 'playwright-core-electron';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeHome, removeHome } from '../integration/studio.ts';
import {
  type Display,
  launchShell,
  openDisplay,
  openedWindow,
  quitShell,
  root,
  shellSwitches,
  whyNoElectron,
} from './real-electron.ts';
import { until, whyNot } from './real-studio.ts';

const reason = whyNoElectron() ?? whyNot();
const startUrl = 'app://firstlight/';
let home: string;
let display: Display;
let shell: ElectronApplication;
let page: Page;
/** A foreign site on this machine, and the requests to it. */
let site: Server;
let siteUrl: string;
const asked: string[] = [];
/** What the program printed on standard error. */
let printed = '';
const isRoot = shellSwitches.includes('--no-sandbox');

describe.skipIf(reason !== null)(
  `the security of the desktop program${reason === null ? '' : ` (skipped: ${reason})`}`,
  () => {
    beforeAll(async () => {
      site = createServer((request, response) => {
        asked.push(request.url ?? '');
        response.writeHead(200, { 'access-control-allow-origin': '*' }).end('<title>elsewhere</title>');
      });
      await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve));
      siteUrl = `http://127.0.0.1:${(site.address() as AddressInfo).port}/`;
      home = makeHome();
      display = await openDisplay();
      shell = await launchShell({ display, home });
      shell.process().stderr?.on('data', (data) => {
        printed += String(data);
      });
      page = await openedWindow(shell);
    }, 120_000);

    afterAll(async () => {
      if (shell !== undefined) await quitShell(shell);
      await display?.close();
      site?.close();
      if (home !== undefined) removeHome(home);
    });

    it('1, 7: loads and runs nothing but its own files', async () => {
      const reached = await page.evaluate(async (url) => {
        const arrives = (promise: Promise<unknown>) =>
          promise.then(
            () => 'reached',
            () => 'refused',
          );
        const loads = (name: 'img' | 'script' | 'iframe', from: string) =>
          new Promise<string>((resolve) => {
            const element = document.createElement(name);
            element.onload = () => resolve('reached');
            element.onerror = () => resolve('refused');
            element.src = from;
            document.body.append(element);
          });
        const runs = (put: () => void) => {
          Reflect.set(window, 'ran', false);
          put();
          return Reflect.get(window, 'ran') === true ? 'ran' : 'refused';
        };
        const inline = document.createElement('script');
        inline.textContent = 'window.ran = true';
        return {
          fetch: await arrives(fetch(url)),
          beacon: navigator.sendBeacon(url) ? 'queued' : 'refused',
          socket: await new Promise((resolve) => {
            try {
              const socket = new WebSocket(url.replace('http', 'ws'));
              socket.onopen = () => resolve('reached');
              socket.onerror = () => resolve('refused');
            } catch {
              // Chromium reports this at once.
              resolve('refused');
            }
          }),
          image: await loads('img', `${url}image`),
          script: await loads('script', `${url}script.js`),
          frame: await loads('iframe', `${url}frame`),
          inline: runs(() => document.head.append(inline)),
          evaluated: runs(() => {
            try {
              Reflect.get(globalThis, 'eval').call(null, 'window.ran = true');
            } catch {
              // The refusal is the expected answer.
            }
          }),
        };
      }, siteUrl);
      // A beacon is only queued, and a refused frame loads an error page: the site's log decides.
      const { beacon: _queued, frame: _loaded, ...others } = reached;
      for (const [what, came] of Object.entries(others)) expect([what, came]).toEqual([what, 'refused']);
      expect(asked).toEqual([]);
    });

    it('2, 20: gives the page no Node and no Electron, but three verbs, two dialogs and the menu', async () => {
      const seen = await page.evaluate(async () => {
        const names = ['require', 'process', 'module', 'Buffer', 'global', 'ipcRenderer', 'electron', '__dirname'];
        const own = names.filter((name) => Reflect.has(window, name));
        const bridge = Reflect.get(window, 'firstlight');
        const kinds = Object.entries(bridge).map(([name, value]) => [name, typeof value]);
        Reflect.set(bridge, 'call', () => 'another');
        const isFrozen = String(Reflect.get(bridge, 'call')).includes('another') === false;
        return { own, kinds, isFrozen };
      });
      expect(seen.own).toEqual([]);
      expect(seen.kinds).toEqual([
        ['call', 'function'],
        ['subscribe', 'function'],
        ['openStream', 'function'],
        ['pickDirectory', 'function'],
        ['pickFile', 'function'],
        ['setMenuKeys', 'function'],
        ['onMenuCommand', 'function'],
      ]);
      expect(seen.isFrozen).toBe(true);
    });

    it.skipIf(!isRoot)(
      `4: says where it has no sandbox${isRoot ? '' : ' (skipped: only root starts without it)'}`,
      async () => {
        await until('it is on standard error', () => printed.includes('(--no-sandbox)'));
        expect(printed).toContain('Firstlight runs WITHOUT the sandbox of its pages (--no-sandbox).');
        const title = () => shell.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.getTitle());
        expect(await title()).toMatch(/Firstlight \[no sandbox\]$/);
      },
    );

    it('3: isolates the preload script from what the page does to its own globals', async () => {
      const answered = await page.evaluate(async () => {
        const { then } = Promise.prototype;
        const stolen: string[] = [];
        const post = MessagePort.prototype.postMessage;
        MessagePort.prototype.postMessage = function (...args: never) {
          // React's scheduler, which is the page's, has a port too.
          if (JSON.stringify(args).includes('app:info')) stolen.push('a message of the preload script');
          return post.apply(this, args);
        };
        const outcome = await Reflect.get(window, 'firstlight').call('app:info', {}, () => undefined).outcome;
        MessagePort.prototype.postMessage = post;
        return { ok: outcome.ok, stolen, isOwn: Promise.prototype.then === then };
      });
      expect(answered).toEqual({ ok: true, stolen: [], isOwn: true });
    });

    it('2, 3, 4, 6, 8, 9, 10, 11: opens its window with Electron’s safe settings', async () => {
      const settings = await shell.evaluate(({ BrowserWindow }) => {
        const contents = BrowserWindow.getAllWindows()[0]?.webContents;
        return (
          contents as unknown as { getLastWebPreferences: () => Record<string, unknown> }
        ).getLastWebPreferences();
      });
      expect(settings).toMatchObject({
        nodeIntegration: false,
        nodeIntegrationInSubFrames: false,
        contextIsolation: true,
        sandbox: true,
        webSecurity: true,
        allowRunningInsecureContent: false,
        webviewTag: false,
      });
      expect(settings.experimentalFeatures ?? false).toBe(false);
      expect(settings.enableBlinkFeatures ?? '').toBe('');
    });

    it('5: has no permissions of the system but copying text', async () => {
      const states = await page.evaluate(async () => {
        const outcome = (promise: Promise<unknown>) =>
          promise.then(
            () => 'given',
            () => 'refused',
          );
        const query = async (name: string) =>
          (await navigator.permissions.query({ name: name as PermissionName })).state;
        return {
          notify: await Notification.requestPermission(),
          camera: await outcome(navigator.mediaDevices.getUserMedia({ video: true })),
          screen: await outcome(navigator.mediaDevices.getDisplayMedia()),
          read: await outcome(navigator.clipboard.readText()),
          place: await new Promise((resolve) =>
            navigator.geolocation.getCurrentPosition(
              () => resolve('given'),
              () => resolve('refused'),
            ),
          ),
          midi: await query('midi'),
        };
      });
      expect(states).toEqual({
        notify: 'denied',
        camera: 'refused',
        screen: 'refused',
        read: 'refused',
        place: 'refused',
        midi: 'denied',
      });
    });

    it('11, 12: makes no web view', async () => {
      await page.evaluate((url) => {
        const view = document.createElement('webview');
        view.setAttribute('src', url);
        view.setAttribute('nodeintegration', '');
        view.setAttribute('allowpopups', '');
        document.body.append(view);
      }, siteUrl);
      expect(await shell.evaluate(({ webContents }) => webContents.getAllWebContents().length)).toBe(1);
      expect(asked).toEqual([]);
    });

    it('13: stays at its own address, and comes back from about:blank', async () => {
      for (const url of [siteUrl, 'file:///etc/passwd', 'data:text/html,x', 'app://other/', 'https://libvirt.org/']) {
        await page.evaluate((to) => {
          location.href = to;
        }, url);
      }
      await page.evaluate((url) => {
        const form = document.createElement('form');
        form.action = url;
        document.body.append(form);
        form.submit();
      }, siteUrl);
      expect(await addressOf()).toBe(startUrl);
      expect(asked).toEqual([]);
      await page.evaluate(() => {
        location.href = 'about:blank';
      });
      await until('it is back', async () => (await addressOf()) === startUrl);
      await page.locator('.monaco-editor .view-line').first().waitFor();
    }, 60_000);

    it('14, 15: opens no window; a link goes to the browser after a press, once, and to known sites only unasked', async () => {
      await shell.evaluate(({ shell: system, dialog }) => {
        const opened: string[] = [];
        const questions: string[] = [];
        Object.assign(globalThis, { opened, questions });
        system.openExternal = async (url) => void opened.push(url);
        dialog.showMessageBox = (async (_: unknown, { detail }: { detail: string }) => {
          questions.push(detail);
          return { response: 0, checkboxChecked: false };
        }) as never;
      });
      const follow = (url: string) => page.evaluate((to) => window.open(to) === null, url);
      const press = () => page.keyboard.press('Shift');
      const said = () =>
        shell.evaluate(() => [Reflect.get(globalThis, 'opened'), Reflect.get(globalThis, 'questions')]);
      await new Promise((resolve) => setTimeout(resolve, 1100));
      expect(await follow('https://libvirt.org/unasked')).toBe(true);
      expect(await said()).toEqual([[], []]);
      await press();
      await follow('https://libvirt.org/1');
      await follow('https://libvirt.org/2');
      await press();
      await follow('file:///etc/passwd');
      await follow('https://evil.example/?secret');
      expect(await said()).toEqual([['https://libvirt.org/1'], ['https://evil.example/?secret']]);
      for (let count = 0; count < 12; count++) {
        await press();
        await follow(`https://libvirt.org/more/${count}`);
      }
      const [opened] = (await said()) as [string[]];
      // Two of this minute's ten are used already.
      expect(opened.filter((url) => url.includes('/more/'))).toHaveLength(8);
      expect(shell.windows()).toHaveLength(1);
    });

    it('17: listens to no page but its own, whatever preload script that has', async () => {
      const heard = await shell.evaluate(async ({ BrowserWindow }, at) => {
        const window = new BrowserWindow({
          show: false,
          webPreferences: { sandbox: false, contextIsolation: false, nodeIntegration: true },
        });
        // Otherwise it returns to the studio's own page, as test 13 shows.
        window.webContents.removeAllListeners('did-navigate');
        await window.loadURL('data:text/html,stranger');
        const refused = await window.webContents.executeJavaScript(`(async () => {
          const { ipcRenderer } = require('electron');
          const { port1, port2 } = new MessageChannel();
          const closed = new Promise((resolve) => {
            port1.onmessage = () => resolve('answered');
            port1.addEventListener('close', () => resolve('closed'));
            port1.start();
          });
          ipcRenderer.postMessage('contract:connect', null, [port2]);
          port1.postMessage({ kind: 'call', id: 1, name: 'app:info', input: {} });
          const picked = await ipcRenderer.invoke('dialog:pick-directory');
          return [picked, await Promise.race([closed, new Promise((resolve) => setTimeout(() => resolve('silent'), 2000))])];
        })()`);
        window.destroy();
        const bare = new BrowserWindow({ show: false, webPreferences: { preload: at, sandbox: true } });
        bare.webContents.removeAllListeners('did-navigate');
        await bare.loadURL('data:text/html,stranger');
        const bridge = await bare.webContents.executeJavaScript('typeof window.firstlight');
        bare.destroy();
        return { refused, bridge };
      }, `${root}/dist/electron/preload.cjs`);
      expect(heard.bridge).toBe('undefined');
      expect(heard.refused[0]).toBeNull();
      expect(['closed', 'silent']).toContain(heard.refused[1]);
    }, 60_000);

    it('18: is served by a scheme of its own that leads to no other file', async () => {
      expect(await page.evaluate(() => [location.origin, isSecureContext])).toEqual(['app://firstlight', true]);
      const statuses = await page.evaluate(async () => {
        const ask = (path: string, init?: RequestInit) =>
          fetch(path, init).then(
            ({ status }) => status,
            () => 'refused',
          );
        return {
          own: await ask('/index.html'),
          others: [
            await ask('/..%2f..%2fpackage.json'),
            await ask('/%2e%2e/%2e%2e/package.json'),
            await ask('/%252e%252e%252fpackage.json'),
            await ask('/..%5c..%5cpackage.json'),
            await ask('//etc/passwd'),
            await ask('/%2fetc%2fpasswd'),
            await ask('/index.html%00.png'),
            await ask('/assets'),
            await ask('/index.html', { method: 'POST' }),
            await ask('app://other/index.html'),
            await ask('file:///etc/passwd'),
          ],
        };
      });
      expect(statuses.own).toBe(200);
      for (const status of statuses.others) expect([404, 'refused']).toContain(status);
    });
  },
);

const addressOf = () => shell.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.webContents.getURL());
