import type { ElectronApplication, Page } from 'playwright-core-electron';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeHome, removeHome } from '../integration/studio.ts';
import { type Display, launchShell, openDisplay, whyNoElectron } from './real-electron.ts';
import { whyNot } from './real-studio.ts';

const reason = whyNoElectron() ?? whyNot();
let home: string;
let display: Display;
let shell: ElectronApplication;
let page: Page;
const complaints: string[] = [];

/** One desktop program and one window for all of them, as a person has: each goes on where the one before ended. */
describe.skipIf(reason !== null)(`the desktop program${reason === null ? '' : ` (skipped: ${reason})`}`, () => {
  beforeAll(async () => {
    home = makeHome();
    display = await openDisplay();
    shell = await launchShell({ display, home });
    page = await shell.firstWindow();
    page.setDefaultTimeout(30_000);
    page.on('pageerror', (error) => complaints.push(error.message));
  }, 120_000);

  afterAll(async () => {
    await shell?.close();
    await display?.close();
    if (home !== undefined) removeHome(home);
  });

  it('runs the sample at its first start, and shows its answer and its timeline', async () => {
    await page.getByText('200 OK').waitFor();
    expect(await page.locator('.body').textContent()).toContain('"hello": "Ada"');
    expect(await page.getByRole('region', { name: 'Cold start timeline' }).textContent()).toContain('kernel');
    expect(complaints).toEqual([]);
  });
});
