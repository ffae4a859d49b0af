import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { runSample } from '#shared/sample.ts';
import { makeHome, removeHome } from '../integration/studio.ts';
import { expectVisible } from './browser.ts';
import { alive, openWindow, type RealStudio, startReal, until, whyNot } from './real-studio.ts';

// Node.js in an emulated guest on a busy machine takes some seconds to start.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });
const runPatienceMs = 90_000;

const nanosDir = process.env.FIRSTLIGHT_NANOS_DIR;
const reason = nanosDir === undefined ? 'FIRSTLIGHT_NANOS_DIR names no build of Nanos' : whyNot();
let home: string;
let browser: Browser;
let studio: RealStudio;
let page: Page;
const complaints: string[] = [];

/** One studio and one window for all tests, as for a person: each test continues after the one before. */
describe.skipIf(reason !== null)(
  `the studio with Nanos on a real libvirt${reason === null ? '' : ` (skipped: ${reason})`}`,
  () => {
    beforeAll(async () => {
      home = makeHome();
      studio = await startReal(home);
      await runSample(studio.client);
      browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu'] });
      page = await openWindow(browser, studio.url());
      page.setDefaultTimeout(90_000);
      page.on('pageerror', (error) => complaints.push(error.message));
    });
    afterAll(async () => {
      await browser?.close();
      await studio?.close();
      if (home !== undefined) removeHome(home);
    });

    it('is led from the choice of Nanos to its releases, and takes a local build', async () => {
      await page.getByRole('button', { name: /^Runtime/ }).click();
      await page.getByRole('menuitemradio', { name: /^Nanos/ }).click();
      await page.getByText('it can be built as soon as a release is installed').waitFor();
      const form = page.getByRole('form', { name: 'A build of your own' });
      await form.getByLabel(/Folder or tarball/).fill(nanosDir ?? '');
      await form.getByLabel('Name').fill('mine');
      await page.keyboard.press('Enter');
      const row = page.getByRole('table', { name: 'Installed releases' }).locator('tbody tr', { hasText: 'mine' });
      await expectVisible(row.getByText('in use'));
      await page.keyboard.press('Escape');
    });

    it('boots the function that ran on Ember on Nanos, with its phases and its console', async () => {
      await page.getByRole('button', { name: 'Runtime, nanos' }).waitFor();
      await page.getByRole('button', { name: /^Run Ctrl/ }).click();
      await until('it ran', async () => (await runsOfNanos()).length === 1, runPatienceMs);
      expect((await runsOfNanos())[0]).toMatchObject({ outcome: 'ok', status: 200 });
      await page.locator('[data-part="body"]', { hasText: '"hello": "Ada"' }).waitFor();
      expect(await page.getByRole('region', { name: 'Cold start timeline' }).textContent()).toContain('kernel');
      await page.getByRole('tab', { name: 'Runs' }).click();
      expect(await page.getByRole('table', { name: 'Runs' }).locator('tbody tr').first().textContent()).toContain(
        'nanos',
      );
    });

    it('shows what is in the image: the program, its files, and the handler’s text', async () => {
      await page.keyboard.press('Control+i');
      const grid = page.getByRole('treegrid');
      await grid.waitFor();
      expect(await page.getByRole('main', { name: 'Image' }).locator('dl').first().textContent()).toContain('node');
      await page.getByLabel('Filter by path').fill('bundle');
      await grid.focus();
      await until('a file is selected', async () => {
        await page.keyboard.press('ArrowDown');
        return (await page.locator('[aria-selected="true"][data-index]:not([aria-expanded])').count()) === 1;
      });
      await page.keyboard.press('Enter');
      await until(
        'its text is shown',
        async () =>
          ((await page.getByRole('region', { name: 'Selected' }).locator('pre').textContent()) ?? '').length > 50,
      );
      await page.getByRole('tab', { name: 'Kernel' }).click();
      await page
        .getByRole('row', { name: /^kernel/ })
        .first()
        .waitFor();
      await page.keyboard.press('Escape');
    });

    it('writes an option in the form, and the next run has it', async () => {
      await page.keyboard.press('Control+,');
      const row = page.locator('[data-option="nanos.options.cwd"]');
      await row.getByRole('textbox').fill('/etc');
      await page.getByRole('button', { name: /^Run Ctrl/ }).waitFor();
      await page.keyboard.press('Control+Enter');
      await until('it ran', async () => (await runsOfNanos()).length === 2, runPatienceMs);
      await page.keyboard.press('Control+i');
      await page.getByRole('tab', { name: 'About the image' }).click();
      await expectVisible(page.getByRole('region', { name: 'Options' }).getByText('/etc', { exact: true }));
      await page.keyboard.press('Escape');
    });

    it('shows system calls apart from what the function prints, once their switch is on', async () => {
      await page.keyboard.press('Control+,');
      await page.locator('[data-option="nanos.debug.strace"]').getByRole('switch').click();
      await page.keyboard.press('Control+Enter');
      await until('it ran', async () => (await runsOfNanos()).length === 3, runPatienceMs);
      const shown = () => page.locator('[data-region="dock"] .xterm-rows:visible').textContent();
      await page
        .getByRole('tab', { name: /^Console/ })
        .last()
        .click();
      await until('the console shows the function', async () => (await shown())?.includes('Hello, Ada') === true);
      expect(await shown()).not.toMatch(/\[\d+\]\s+[a-z0-9_]+\(/);
      await page.getByRole('tab', { name: 'Trace' }).click();
      await until('the trace shows calls', async () => /\[\d+\]\s+[a-z0-9_]+\(/.test((await shown()) ?? ''));
    });

    it('imports a program of this machine, and says what it needs', async () => {
      await page.keyboard.press('Control+Alt+i');
      const dialog = page.getByRole('dialog', { name: 'Import' });
      await dialog.getByRole('textbox').fill('/usr/bin/env');
      await page.keyboard.press('Enter');
      await dialog.getByRole('row', { name: /libc\.so\.6/ }).waitFor();
      await dialog.getByLabel('Name').fill('env');
      await dialog.getByRole('button', { name: 'Create the project' }).click();
      await page.getByRole('button', { name: 'Function', exact: true }).getByText('env').waitFor();
      await expectVisible(page.getByRole('button', { name: 'Runtime, nanos' }));
    });

    it('complains of nothing, and leaves no machine behind', async () => {
      expect(complaints).toEqual([]);
      // The new project is built in the background, and its next instance prepared.
      await until('all have ended', async () => {
        for (const { id } of await studio.client.call('instances:list', {})) {
          await studio.client.call('instances:remove', { instanceId: id });
        }
        return alive(studio.domains).length === 0;
      });
    });
  },
);

/** The instances that have ended. */
const runsOfNanos = async () =>
  (await studio.client.call('runs:list', { limit: 20 })).filter(
    (run) => run.runtime === 'nanos' && run.outcome !== 'running',
  );
