import { expect, test } from 'vitest';
import { launchBrowser } from './browser.ts';
import { openDevWindow } from './dev-window.ts';

test('the development server shows an edited component in the open page, without a reload', async () => {
  const browser = await launchBrowser();
  const window = await openDevWindow(browser);
  try {
    await window.page.evaluate(() => Object.assign(globalThis, { isTheSamePage: true }));
    await window.edit('Edited');
    await window.edit('Edited again');
    expect(await window.page.getByText('Edited again qemu:').count()).toBe(1);
    expect(await window.page.evaluate(() => 'isTheSamePage' in globalThis)).toBe(true);
  } finally {
    await window.close();
    await browser.close();
  }
  // The server's first start reads all packages.
}, 180_000);
