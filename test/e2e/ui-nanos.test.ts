import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { FirstlightError } from '#shared/errors.ts';
import { lowContrast } from './contrast.ts';
import { type Studio, type StudioOptions, setUpStudio, until } from './ui-harness.ts';

const openStudio = setUpStudio();
let studio: Studio;

const open = async (options?: StudioOptions) => {
  studio = await openStudio(options);
  await studio.page.locator('.monaco-editor .view-line').first().waitFor();
  return studio;
};
const chooseRuntime = async (page: Page, name: RegExp) => {
  await page.getByRole('button', { name: /^Runtime/ }).click();
  await page.getByRole('menuitemradio', { name }).click();
};
const command = async (page: Page, words: string) => {
  await page.keyboard.press('Control+k');
  await page.getByRole('combobox', { name: 'Command' }).fill(words);
  await page.keyboard.press('Enter');
};

describe('the runtime', () => {
  it('is chosen in the run bar: it is written into firstlight.json, and the next run boots it', async () => {
    const { page, engine } = await open({ releases: ['0.1.54'] });
    await chooseRuntime(page, /^Nanos/);
    await until('it is written', () => engine.read('hello', 'firstlight.json')?.includes('"nanos"') === true);
    await page.getByRole('button', { name: 'Runtime, nanos' }).waitFor();
    await page.getByRole('button', { name: /^Run Ctrl/ }).click();
    await page.locator('[data-part="total"]', { hasText: /^(9|1\.)/ }).waitFor();
    expect(engine.runs()[0]?.runtime).toBe('nanos');
    expect(await page.getByRole('region', { name: 'Cold start timeline' }).textContent()).toContain('kernel');
    await page.getByRole('tab', { name: 'Runs' }).click();
    const first = page.getByRole('table', { name: 'Runs' }).locator('tbody tr').first();
    expect(await first.textContent()).toContain('nanos');
    await page.keyboard.press('Control+2');
    const instances = page.getByRole('list', { name: 'Instances' });
    await instances.getByText('http://127.0.0.1:32768').waitFor();
    await instances.getByText(/^ready, nanos/).waitFor();
  });

  it('leads to the releases while none is installed', async () => {
    const { page, engine } = await open();
    await page.getByRole('button', { name: /^Runtime/ }).click();
    await page.getByRole('menuitemradio', { name: /No release is installed yet/ }).click();
    await page.getByText('hello is for Nanos: it can be built as soon as a release is installed.').waitFor();
    expect(engine.read('hello', 'firstlight.json')).toContain('"runtime": "nanos"');
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: /^Run Ctrl/ }).click();
    await page.getByRole('alert').getByText('No Nanos release is installed.').waitFor();
    await page.getByRole('button', { name: 'Install a Nanos release' }).click();
    await page.getByRole('heading', { name: 'Nanos releases' }).waitFor();
  });

  it('goes back with the keyboard alone', async () => {
    const { page, engine } = await open({ releases: ['0.1.54'] });
    await command(page, 'Runtime: Nanos');
    await page.getByRole('button', { name: 'Runtime, nanos' }).waitFor();
    await until('it is built', () => page.getByText(/^built in/).isVisible());
    await command(page, 'Runtime: Ember');
    await page.getByRole('button', { name: 'Runtime, ember' }).waitFor();
    expect(engine.read('hello', 'firstlight.json')).toContain('"runtime": "ember"');
  });
});

describe('the kernel’s trace', () => {
  it('is shown apart from what the program prints, once its switch is on', async () => {
    const { page, engine } = await open({ releases: ['0.1.54'] });
    expect(await page.getByRole('tab', { name: 'Trace' }).count()).toBe(0);
    engine.writeOutside(
      'hello',
      'firstlight.json',
      '{ "name": "hello", "runtime": "nanos", "nanos": { "debug": { "strace": true } } }\n',
    );
    await page.getByRole('tab', { name: 'Trace' }).waitFor();
    await page.getByRole('button', { name: /^Run Ctrl/ }).click();
    await page.getByText('200 OK').waitFor();
    const shown = () => page.locator('[data-region="dock"] .xterm-rows:visible').textContent();
    await until('the console shows the program', async () => (await shown())?.includes('listening on port') === true);
    expect(await shown()).not.toContain('brk(');
    await command(page, 'Show the kernel’s trace');
    await until('the trace is shown', async () => (await shown())?.includes('brk(0x0)') === true);
    expect(await shown()).not.toContain('listening on port');
    await command(page, 'Runtime: Ember');
    await page.getByText('The diagnostics are off').waitFor();
  });
});

describe('the release manager', () => {
  it('shows the notice, installs, uses another, and removes after asking', async () => {
    const { page } = await open();
    await command(page, 'Nanos releases');
    await page.getByText('No release is installed').waitFor();
    await page.getByRole('button', { name: 'Install the latest' }).click();
    const notice = page.getByRole('alertdialog', { name: /Before a published release/ });
    await notice.getByText(/terms of their own/).waitFor();
    await page.keyboard.press('Enter');
    await page.getByRole('progressbar', { name: /Downloading Nanos 0.1.54/ }).waitFor();
    const rows = page.getByRole('table', { name: 'Installed releases' }).locator('tbody tr');
    await rows.first().waitFor();
    expect(await rows.first().textContent()).toContain('in use');

    await page.getByRole('textbox', { name: /^Version/ }).fill('0.1.53');
    await page.getByRole('button', { name: 'Install 0.1.53' }).click();
    await until('both are there', async () => (await rows.count()) === 2);
    expect(await notice.count()).toBe(0);
    await rows.nth(1).getByRole('button', { name: 'Use' }).click();
    await until('it is in use', async () => (await rows.first().textContent())?.startsWith('0.1.53') === true);

    await page.getByRole('button', { name: 'Remove 0.1.54' }).click();
    const dialog = page.getByRole('dialog', { name: 'Remove Nanos 0.1.54?' });
    await dialog.getByRole('button', { name: 'Keep' }).click();
    expect(await rows.count()).toBe(2);
    await page.getByRole('button', { name: 'Remove 0.1.54' }).click();
    await dialog.getByRole('button', { name: 'Remove' }).click();
    await until('it is gone', async () => (await rows.count()) === 1);
  });

  it('takes a build of one’s own, and says what is wrong with a path or name', async () => {
    const { page } = await open();
    await command(page, 'Nanos releases');
    const form = page.getByRole('form', { name: 'A build of your own' });
    const take = form.getByRole('button', { name: 'Install it' });
    await form.getByLabel(/Folder or tarball/).fill('nanos/output');
    await form.getByText('Give the whole path').waitFor();
    expect(await take.isDisabled()).toBe(true);
    await form.getByLabel(/Folder or tarball/).fill('/home/ada/nanos/output');
    await form.getByLabel('Name').fill('../up');
    expect(await take.isDisabled()).toBe(true);
    await form.getByLabel('Name').fill('mine');
    await page.keyboard.press('Enter');
    const row = page.getByRole('table', { name: 'Installed releases' }).locator('tbody tr', { hasText: 'mine' });
    await row.waitFor();
    expect(await row.textContent()).toContain('a local build');
  });

  it('says what works instead when a release cannot be downloaded, and Esc cancels one that is under way', async () => {
    const { page, engine } = await open({ releases: ['0.1.53'] });
    engine.faults.installError = new FirstlightError('DOWNLOAD_FAILED', 'Nanos 0.1.54 cannot be downloaded.', {
      hint: 'Is this machine offline? A build of your own, and releases that are installed, work without a network.',
    });
    await command(page, 'Install the latest Nanos release');
    await page.getByRole('alert').getByText('work without a network').waitFor();
    await page.getByRole('button', { name: 'Take a build of your own' }).click();
    expect(await page.evaluate(() => document.activeElement?.closest('form')?.ariaLabel)).toBe('A build of your own');
    engine.faults.installError = null;
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByRole('progressbar', { name: /Downloading/ }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('progressbar', { name: /Downloading/ }).waitFor({ state: 'detached' });
    expect(await page.getByRole('table', { name: 'Installed releases' }).locator('tbody tr').count()).toBe(1);
    expect(await page.getByRole('heading', { name: 'Nanos releases' }).count()).toBe(1);
    await page.keyboard.press('Escape');
    await page.getByRole('heading', { name: 'Nanos releases' }).waitFor({ state: 'detached' });
  });

  it('is reached and left with F6 and Esc, and a run shows the panels again', async () => {
    const { page } = await open({ releases: ['0.1.54'] });
    await command(page, 'Nanos releases');
    await page.getByRole('heading', { name: 'Nanos releases' }).waitFor();
    const seen: (string | null)[] = [];
    for (let step = 0; step < 5; step++) {
      await page.keyboard.press('F6');
      const region = await page.evaluate(
        () => document.activeElement?.closest<HTMLElement>('[data-region]')?.dataset.region ?? null,
      );
      seen.push(region);
    }
    expect([...seen].sort()).toEqual(['areas', 'run', 'side', 'status', 'view']);
    await page.keyboard.press('Control+Enter');
    await page.getByRole('heading', { name: 'Nanos releases' }).waitFor({ state: 'detached' });
    await page.getByText('200 OK').waitFor();
  });

  it.each(['dark', 'light'] as const)('has no text under 4.5:1 in the %s theme', async (colorScheme) => {
    const { page } = await open({ colorScheme, releases: ['0.1.54', 'local-1a2b3c4d'] });
    await command(page, 'Nanos releases');
    await page.getByText('a local build').waitFor();
    expect(await page.evaluate(lowContrast)).toEqual([]);
  });
});
