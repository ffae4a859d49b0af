import { type Browser, chromium } from 'playwright-core';
import { expect } from 'vitest';

/** Starts Debian's Chromium without a window. */
export const launchBrowser = (): Promise<Browser> =>
  chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
  });

/** Asserts that an element is visible, now or within Playwright's time-out. */
export const expectVisible = (locator: { waitFor: () => Promise<void> }): Promise<void> =>
  expect(locator.waitFor()).resolves.toBeUndefined();
