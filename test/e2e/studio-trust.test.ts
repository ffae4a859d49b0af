import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runSample } from '#shared/sample.ts';
import { makeHome, removeHome } from '../integration/studio.ts';
import { launchBrowser } from './browser.ts';
import { openWindow, type RealStudio, startReal, whyNot } from './real-studio.ts';

const reason = whyNot();
let home: string;
let browser: Browser;
let studio: RealStudio;
let page: Page;

describe.skipIf(reason !== null)(
  `a project from elsewhere in a real studio${reason === null ? '' : ` (skipped: ${reason})`}`,
  () => {
    beforeAll(async () => {
      home = makeHome();
      studio = await startReal(home);
      [browser] = await Promise.all([launchBrowser(), runSample(studio.client)]);
      page = await openWindow(browser, studio.url());
    });

    afterAll(async () => {
      await browser?.close();
      await studio?.close();
      if (home !== undefined) removeHome(home);
    });

    it('takes no file of this machine until a person has seen which, and trusts it', async () => {
      const dir = join(home, 'elsewhere/greet');
      mkdirSync(dir, { recursive: true });
      writeFileSync(join(home, 'elsewhere/private.json'), '{ "key": "of Ada" }');
      writeFileSync(join(dir, 'firstlight.json'), '{ "name": "greet" }');
      writeFileSync(
        join(dir, 'handler.ts'),
        "import { key } from '../private.json';\nexport default () => ({ found: key });\n",
      );
      await page.keyboard.press('Control+o');
      await page.getByRole('dialog').getByRole('textbox').first().fill(dir);
      await page.keyboard.press('Enter');
      const banner = page.getByRole('region', { name: 'Restricted' });
      await banner.getByText('It asks for one thing outside its folder.').waitFor();
      await page.keyboard.press('Control+Enter');
      const response = page.locator('[data-region="response"]');
      await response.getByText('PROJECT_NOT_TRUSTED').waitFor();
      expect(await response.textContent()).not.toContain('of Ada');
      await response.getByRole('button', { name: 'See what it asks for' }).click();
      const dialog = page.getByRole('dialog', { name: 'Trust greet?' });
      expect(await dialog.getByRole('listitem').allTextContents()).toEqual([
        'CodeImports "../private.json", which lies outside the project.handler.ts:1',
      ]);
      await dialog.getByRole('button', { name: 'Trust this folder' }).click();
      await banner.waitFor({ state: 'detached' });
      await page.keyboard.press('Control+Enter');
      await response.getByText('"of Ada"').waitFor();
      await page.keyboard.press('Control+k');
      await page.keyboard.type('trusted');
      await page.keyboard.press('Enter');
      await page.getByRole('button', { name: 'Restrict again' }).click();
      await banner.waitFor();
      await page.keyboard.press('Control+Enter');
      await response.getByText('PROJECT_NOT_TRUSTED').waitFor();
    });
  },
);
