import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { startHost } from '#host/start-host.ts';
import { createFakeEngine } from '../fixtures/fake-engine.ts';

const root = new URL('../..', import.meta.url).pathname;

/** The window of `npm run dev -- --fake`, from an editable copy of its sources. */
export interface DevWindow {
  readonly page: Page;
  /** Puts a text into the status bar's component, and waits until the page shows it. Units: returns milliseconds. */
  readonly edit: (text: string) => Promise<number>;
  readonly close: () => Promise<void>;
}

/** Starts the fake engine and the development server, and opens the window in a browser. */
export async function openDevWindow(browser: Browser): Promise<DevWindow> {
  const { startWindowServer } = await import('#build/dev.mjs');
  mkdirSync(join(root, '.cache'), { recursive: true });
  // The copy is inside the checkout, so that its packages are found.
  const dir = mkdtempSync(join(root, '.cache/dev-window-'));
  for (const name of ['renderer', 'shared', 'package.json', 'tsconfig.base.json'])
    cpSync(join(root, name), join(dir, name), { recursive: true });
  const engine = createFakeEngine();
  const host = await startHost({
    engine,
    roots: ['/'],
    rendererDir: join(root, 'dist/renderer'),
    log: () => undefined,
  });
  const server = await startWindowServer({ dir, engineOrigin: host.origin, port: 5300 });
  const page = await browser.newPage();
  await page.goto(`${server.origin}/#token=${host.token}`, { timeout: 90_000 });
  await page.getByRole('button', { name: /doctor/ }).waitFor({ timeout: 90_000 });
  const path = join(dir, 'renderer/app/status-bar.tsx');
  const source = readFileSync(path, 'utf8');
  return {
    page,
    edit: async (text) => {
      const shown = page.getByText(`${text} qemu:`).waitFor({ timeout: 30_000 });
      const startedAt = performance.now();
      writeFileSync(path, source.replace('{info.uri}', `${text} {info.uri}`));
      await shown;
      return performance.now() - startedAt;
    },
    close: async () => {
      await page.close();
      await server.close();
      await host.close();
      engine.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
