import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { _electron, type ElectronApplication, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const binary = join(root, 'node_modules/electron/dist/electron');

/** Why the real shell cannot be driven here, or null. */
const missing = !existsSync(binary)
  ? 'Electron’s binary is not in node_modules/electron/dist'
  : !process.env.DISPLAY && !process.env.WAYLAND_DISPLAY
    ? 'there is no display'
    : null;

describe.skipIf(missing !== null)(
  `the Electron shell itself${missing === null ? '' : ` (skipped: ${missing})`}`,
  () => {
    let home: string;
    let studio: ElectronApplication;
    let page: Page;

    beforeAll(async () => {
      home = await mkdtemp(join(tmpdir(), 'firstlight-electron-'));
      const asRoot = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
      studio = await _electron.launch({
        executablePath: binary,
        args: [...asRoot, `--user-data-dir=${home}/window`, root],
        env: { ...process.env, FIRSTLIGHT_HOME: home } as Record<string, string>,
      });
      page = await studio.firstWindow();
    });
    afterAll(async () => {
      await studio.close();
      await rm(home, { recursive: true });
    });

    test('shows our own page, without Node', async () => {
      expect(page.url()).toBe('app://firstlight/');
      expect(
        await page.evaluate(() => [typeof Reflect.get(window, 'require'), typeof Reflect.get(window, 'process')]),
      ).toEqual(['undefined', 'undefined']);
    });

    test('reaches the core through the bridge', async () => {
      const outcome = await page.evaluate(() => {
        const bridge = Reflect.get(window, 'firstlight');
        return bridge.call('app:info', {}, () => undefined).outcome;
      });
      expect(outcome).toMatchObject({ ok: true, value: { version: expect.any(String) } });
    });

    test('goes nowhere else', async () => {
      await page.evaluate(() => {
        window.location.href = 'https://example.com/';
      });
      expect(page.url()).toBe('app://firstlight/');
    });
  },
);
