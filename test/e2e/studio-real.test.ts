import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runSample } from '#shared/sample.ts';
import { makeHome, removeHome } from '../integration/studio.ts';
import { expectVisible } from './browser.ts';
import { alive, leftovers, openWindow, type RealStudio, startReal, until, whyNot, writeSource } from './real-studio.ts';

const reason = whyNot();
let home: string;
let browser: Browser;
let studio: RealStudio;
let page: Page;
const complaints: string[] = [];

/** One studio and one window for all tests, as for a person: each test continues after the one before. */
describe.skipIf(reason !== null)(
  `the whole studio on a real libvirt${reason === null ? '' : ` (skipped: ${reason})`}`,
  () => {
    beforeAll(async () => {
      home = makeHome();
      studio = await startReal(home);
      [browser] = await Promise.all([
        chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu'] }),
        runSample(studio.client),
      ]);
      page = await openWindow(browser, studio.url());
      page.on('pageerror', (error) => complaints.push(error.message));
    });

    afterAll(async () => {
      await browser?.close();
      await studio?.close();
      if (home !== undefined) removeHome(home);
    });

    it('begins with the sample that has run: answer, timeline, console, and the next instance waiting', async () => {
      await page.getByText('200 OK').waitFor();
      expect(await body().textContent()).toContain('"hello": "Ada"');
      expect(await page.getByRole('region', { name: 'Cold start timeline' }).textContent()).toContain('kernel');
      await badge('prestarted').waitFor();
      await consoleShows('Hello, Ada');
      await untilPrestarted();
    });

    it('goes from an edit to a changed answer with Ctrl+Enter', async () => {
      await page.locator('.monaco-editor .view-line').first().click();
      await page.keyboard.press('Control+a');
      await page.keyboard.insertText('export default () => ({ typed: true });\n');
      await page.getByRole('tab', { name: 'handler.ts, not saved' }).waitFor();
      await run();
      await body().getByText('"typed"').waitFor();
      await expectVisible(badge('emulated'));
    });

    it('runs cold, and prestarted again, with the run before beneath', async () => {
      await choose('cold');
      await run();
      await badge('cold').waitFor();
      const cold = await newestRun();
      expect(cold).toMatchObject({ startMode: 'cold', outcome: 'ok' });
      await choose('prestarted');
      await untilPrestarted();
      await run();
      await badge('prestarted').waitFor();
      const warm = await newestRun();
      expect(warm).toMatchObject({ startMode: 'prestarted', outcome: 'ok' });
      await untilPrestarted();
      await run();
      await page.getByText('previous', { exact: true }).waitFor();
      await page
        .getByTestId('timeline-change')
        .getByText(/ than the one other run|median of \d+ runs/)
        .waitFor();
    });

    it('marks a syntax error, lists it, and recovers', async () => {
      await write('export default () => {\n  return { answer: ;\n};\n');
      await page.keyboard.press('Control+Enter');
      const problem = page.getByRole('list', { name: 'Problems' }).getByRole('button', { name: /handler\.ts:2:20/ });
      await problem.first().waitFor();
      await page.locator('.monaco-editor .squiggly-error').first().waitFor();
      await write('export default () => ({ answer: 42 });\n');
      await run();
      await body().getByText('42').waitFor();
      await expectVisible(page.getByRole('tab', { name: 'Problems, 0' }));
    });

    it('leads from a frame of what the handler threw to its line', async () => {
      await write('function deep(): never {\n  throw new Error("no name");\n}\nexport default () => deep();\n');
      await run();
      await page
        .getByRole('alert')
        .getByText(/no name/)
        .first()
        .waitFor();
      await page.getByRole('button', { name: /^handler\.ts:2:\d+$/ }).click();
      await expectVisible(page.locator('[data-region="status"]').getByText(/^2:\d+$/));
    });

    it('ends an endless loop at its time, and the next run works', async () => {
      writeSource(join(projectDir(), 'firstlight.json'), '{ "name": "hello", "timeoutMs": 1000 }\n');
      await write('export default () => {\n  for (;;);\n};\n');
      await run();
      await page
        .getByRole('alert')
        .getByText(/1 s|1000 ms|1,000 ms/)
        .first()
        .waitFor();
      await write('export default () => ({ after: "the loop" });\n');
      await run();
      await expectVisible(body().getByText('the loop'));
    });

    it('takes 2 MB of console with escape sequences, and stays usable', async () => {
      writeSource(join(projectDir(), 'firstlight.json'), '{ "name": "hello", "timeoutMs": 60000 }\n');
      await write(flood);
      const title = await page.title();
      await page.keyboard.press('Control+Enter');
      await page.locator('[data-part="cancel"]').waitFor();
      // The window answers throughout: each of these calls would wait for a busy page.
      const problems = page.getByRole('tab', { name: /^Problems/ });
      while ((await page.locator('[data-part="cancel"]').count()) > 0) {
        await problems.click();
        await page
          .getByRole('tab', { name: /^Console/ })
          .last()
          .click();
      }
      await body().getByText('"lines": 20000').waitFor();
      await consoleShows('the last line');
      await until('all of it has come', async () => /^2\.\d+ MiB/.test(await consoleFacts()));
      expect(await page.title()).toBe(title);
      expect(await page.getByText('owned', { exact: true }).count()).toBe(0);
    });

    it('graphs what the instance uses', async () => {
      await page.getByRole('tab', { name: 'Resources' }).click();
      await page.getByRole('figure', { name: /^Memory.* [\d.]+ MiB/ }).waitFor();
      await expectVisible(page.getByRole('figure', { name: /^CPU.* [\d.]+ %/ }));
    });

    it('prepares what was just opened: its first run is prestarted', async () => {
      await page.keyboard.press('Control+Alt+n');
      await page.keyboard.type('greet');
      await page.keyboard.press('Enter');
      await page.getByText('Nothing has run yet').waitFor();
      await until('its next instance waits', async () =>
        (await studio.client.call('instances:list', {})).some(
          ({ id, state }) => id.startsWith('greet-') && state === 'prestarted',
        ),
      );
      await page.keyboard.press('Control+Enter');
      await chips().first().waitFor();
      expect(await newestRun()).toMatchObject({ functionName: 'greet', startMode: 'prestarted', outcome: 'ok' });
      await page.getByRole('button', { name: 'Function', exact: true }).click();
      await page.getByRole('menuitemradio', { name: /^hello/ }).click();
      await page.locator('.monaco-editor .view-lines', { hasText: 'the last line' }).waitFor();
    });

    it('keeps two windows in step', async () => {
      const other = await openWindow(browser, studio.url());
      const before = await chips(other).count();
      await write('export default () => ({ seen: "by both" });\n');
      await other.locator('.view-lines', { hasText: 'by both' }).waitFor();
      await run();
      await body().getByText('by both').waitFor();
      await until('the other window lists the run', async () => (await chips(other).count()) === before + 1);
      await chips(other).first().click();
      await expectVisible(body(other).getByText('by both'));
      await other.context().close();
    });

    it('asks again for a part of the window that could not be read', async () => {
      const other = await (await browser.newContext()).newPage();
      await other.route('**/code-editor-*.js', (route) => route.abort());
      await other.goto(studio.url());
      const again = other.getByRole('button', { name: 'Draw it again' });
      await again.waitFor();
      await other.unroute('**/code-editor-*.js');
      await again.click();
      await expectVisible(other.locator('.monaco-editor .view-line').first());
      await other.context().close();
    });

    it('stops an instance', async () => {
      const row = page
        .getByRole('list', { name: 'Instances' })
        .getByRole('listitem')
        .filter({ hasText: /hello-/ });
      const ready = row.filter({ has: page.getByRole('button', { name: /waits for a call/ }) });
      const domain = `firstlight-${await ready.first().locator('[data-part="instance-id"]').textContent()}`;
      expect(alive([domain])).toEqual([domain]);
      await ready.first().hover();
      await ready.first().getByRole('button', { name: 'Stop', exact: true }).click();
      await until('it is gone from libvirt', () => alive([domain]).length === 0);
    });

    it('says that its host is gone, and connects again when it is back', async () => {
      await studio.stopHost();
      const lost = page.getByRole('alert').getByText('The engine cannot be reached.');
      await lost.waitFor();
      await studio.restartHost();
      await lost.waitFor({ state: 'detached' });
      await run();
      await expectVisible(body().getByText('by both'));
    });

    it('is whole after a reload in the middle of a build', async () => {
      await write(slowToBuild);
      await page.keyboard.press('Control+s');
      await page.locator('[data-part="cancel"]').waitFor();
      await page.reload();
      await page.locator('.monaco-editor .view-line').first().waitFor();
      await write('export default () => ({ whole: true });\n');
      await run();
      await expectVisible(body().getByText('"whole"'));
    });

    it('leaves nothing when the window is closed in the middle of a run', async () => {
      await write('export default () => {\n  console.log("under way");\n  for (;;);\n};\n');
      const before = await studio.client.call('runs:list', {});
      await page.keyboard.press('Control+Enter');
      await consoleShows('under way');
      await page.context().close();
      await until('the run has ended', async () => {
        const runs = await studio.client.call('runs:list', {});
        return runs.length > before.length && runs.every((entry) => entry.outcome !== 'running');
      });
      expect((await newestRun())?.outcome).toBe('cancelled');
      expect(complaints).toEqual([]);
      await studio.close();
      await until('no domain is left', () => alive(studio.domains).length === 0);
      expect(studio.domains.size).toBeGreaterThan(8);
      expect(leftovers(home)).toEqual([]);
    });
  },
);

/** 20,000 lines that try to set the title, request answers, and clear the screen. */
const flood = `export default () => {
  const rest = 'x'.repeat(72);
  for (let line = 0; line < 20_000; line++) console.log(\`\${line} \\x1b]0;owned\\x07\\x1b[6n\\x1b[5m\${rest}\${rest.slice(0, 20)}\`);
  console.log('\\x1b[0mthe last line');
  return { lines: 20000 };
};
`;

/** Work at the top of a module is done at build time: some seconds of it. */
const slowToBuild = `let sum = 0;
for (let step = 0; step < 20_000_000; step++) sum += step % 7;
export default () => sum;
`;

const projectDir = () => join(home, 'projects/hello');
const badge = (text: string) =>
  page.getByRole('region', { name: 'Cold start timeline' }).getByText(text, { exact: true });
const body = (of = page) => of.locator('[data-part="body"]');
const chips = (of = page) => of.getByRole('listbox', { name: /Last runs/ }).getByRole('option');
const newestRun = async () => (await studio.client.call('runs:list', { limit: 1 }))[0];
const consoleFacts = async () =>
  (await page.getByTestId('console-facts').textContent())?.replaceAll('\u00a0', ' ') ?? '';

/** Presses Ctrl+Enter, and waits until a run has ended and the window can start the next. */
async function run(): Promise<void> {
  const before = (await newestRun())?.id;
  await page.getByRole('button', { name: /^Run Ctrl/ }).waitFor();
  await page.keyboard.press('Control+Enter');
  await until('the run has ended', async () => {
    const newest = await newestRun();
    return newest !== undefined && newest.id !== before && newest.outcome !== 'running';
  });
  await page.getByRole('button', { name: /^Run Ctrl/ }).waitFor();
}

async function choose(mode: 'cold' | 'prestarted'): Promise<void> {
  await page.getByRole('button', { name: /^Start mode/ }).click();
  await page.getByRole('menuitemradio', { name: new RegExp(`^${mode}`) }).click();
  await page.getByRole('button', { name: `Start mode, ${mode}` }).waitFor();
}

/** Writes a file like another editor, and waits until the window has it. */
async function write(text: string): Promise<void> {
  writeSource(join(projectDir(), 'handler.ts'), text);
  const line = text.split('\n')[0]?.slice(0, 40) ?? '';
  const wanted = text.split('\n')[1]?.trim().slice(0, 30) || line;
  await until('the editor shows what is on disk', async () => {
    const shown = (await page.locator('.monaco-editor .view-lines').textContent()) ?? '';
    return shown.replaceAll('\u00a0', ' ').includes(wanted);
  });
}

const untilPrestarted = () =>
  until('the next instance waits', async () =>
    (await studio.client.call('instances:list', {})).some((entry) => entry.state === 'prestarted'),
  );

async function consoleShows(text: string): Promise<void> {
  await page
    .getByRole('tab', { name: /^Console/ })
    .last()
    .click();
  await until(`the console shows "${text}"`, async () =>
    ((await page.locator('.xterm-rows').textContent()) ?? '').replaceAll('\u00a0', ' ').includes(text),
  );
}
