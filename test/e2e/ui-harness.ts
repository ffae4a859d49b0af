import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { startHost } from '#host/start-host.ts';
import { createFakeEngine, type FakeEngine, type FakeOptions } from '../fixtures/fake-engine.ts';
import { launchBrowser } from './browser.ts';

export { launchBrowser };

const rendererDir = process.env.FIRSTLIGHT_RENDERER ?? new URL('../../dist/renderer', import.meta.url).pathname;

/** A window of the studio over a fake engine. */
export interface Studio {
  readonly page: Page;
  readonly engine: FakeEngine;
  /** The errors on the page's console. */
  readonly complaints: readonly string[];
  /** Ends the host, as if the program that serves the page were closed. */
  readonly stopHost: () => Promise<void>;
  /** Starts it again at the same address, with the same token. */
  readonly restartHost: () => Promise<void>;
  readonly close: () => Promise<void>;
}

export interface StudioOptions extends FakeOptions {
  readonly width?: number;
  readonly height?: number;
  readonly colorScheme?: 'light' | 'dark';
  /** Prepares the engine before the window opens. */
  readonly prepare?: (engine: FakeEngine) => void;
}

/**
 * Sets up a test file whose tests each open one window: a browser for all, closed at the end.
 *
 * After each test its window is closed, and must have no error on its console.
 */
export function setUpStudio(): (options?: StudioOptions) => Promise<Studio> {
  let browser: Browser;
  const opened: Studio[] = [];
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterEach(async () => {
    for (const studio of opened.splice(0)) {
      await studio.close();
      expect(studio.complaints).toEqual([]);
    }
  });
  afterAll(() => browser.close());
  return async (options) => {
    const studio = await openStudio(browser, options);
    opened.push(studio);
    return studio;
  };
}

/** Opens the studio in a new window, and waits until it shows its connection. */
export async function openStudio(browser: Browser, options: StudioOptions = {}): Promise<Studio> {
  const engine = createFakeEngine(options);
  options.prepare?.(engine);
  const start = (port?: number, token?: string) =>
    startHost({ engine, rendererDir, port, token, roots: ['/'], log: () => undefined });
  let host = await start();
  const { token, url } = host;
  const port = Number(new URL(host.origin).port);
  const context: BrowserContext = await browser.newContext({
    viewport: { width: options.width ?? 1280, height: options.height ?? 800 },
    colorScheme: options.colorScheme ?? 'dark',
    reducedMotion: 'reduce',
  });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    // A refused WebSocket is the browser's own line, and the sign of a stopped host.
    const expected = message.text().includes('WebSocket connection');
    if (message.type() === 'error' && !expected) complaints.push(message.text());
  });
  await page.goto(url);
  await page.getByRole('button', { name: /doctor/ }).waitFor();
  return {
    page,
    engine,
    complaints,
    stopHost: () => host.close(),
    restartHost: async () => {
      host = await start(port, token);
    },
    close: async () => {
      await context.close();
      engine.close();
      await host.close();
    },
  };
}

/** Waits for the editor itself, and puts the cursor at the end of its text. */
export async function focusEditor(page: Page): Promise<void> {
  await page.locator('.monaco-editor .view-line').first().click();
  await page.keyboard.press('Control+End');
}

/** Polls until a condition is true. Errors: throws with `what` after 15 seconds, enough on a busy machine. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + 15_000;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`Not within 15 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
