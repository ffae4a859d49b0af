import { expect, it } from 'vitest';
import { createClient } from '#shared/contract/client.ts';
import { createMemoryPorts } from '#shared/contract/memory-port.ts';
import { serveSession } from '#shared/contract/session.ts';
import { expectVisible } from './browser.ts';
import { type Studio, setUpStudio } from './ui-harness.ts';

const openStudio = setUpStudio();
let studio: Studio;

it('offers samples while no function is open, and opens one with a click', async () => {
  studio = await openStudio({ empty: true });
  const { page, engine } = studio;
  await page.getByText('No function is open').waitFor();
  await page.locator('[data-part="sample"]').first().click();
  await page.locator('.monaco-editor .view-line').first().waitFor();
  expect(engine.read('hello', 'handler.ts')).toBeDefined();
});

it.each([
  ['starts', 'Starting hello', { bootMs: 60_000 }],
  ['runs, while its handler works', 'Running hello', { handlerMs: 60_000 }],
] as const)('says that a function %s where another program runs it', async (_, words, faults) => {
  studio = await openStudio({ earlierRuns: 0 });
  const { page, engine } = studio;
  await page.getByText('Nothing has run yet').waitFor();
  Object.assign(engine.faults, faults);
  const ports = createMemoryPorts();
  serveSession(engine, ports.engine);
  const other = createClient(ports.client);
  const [project] = await other.call('projects:list', {});
  const abort = new AbortController();
  const running = other.call(
    'instances:run',
    { projectId: project?.id as NonNullable<typeof project>['id'], event: null },
    { signal: abort.signal },
  );
  running.catch(() => undefined);
  await page.locator('[data-region="response"]').getByText(words).waitFor();
  expect(await page.getByText('Nothing has run yet').count()).toBe(0);
  abort.abort();
  await page.getByText('Nothing has run yet').waitFor();
  ports.client.close();
});

it('says that it starts, where another program began to prepare it before the page was open', async () => {
  studio = await openStudio({ earlierRuns: 0 });
  const { page, engine } = studio;
  await page.getByText('Nothing has run yet').waitFor();
  engine.faults.isPreparing = true;
  await page.reload();
  await page.locator('[data-region="response"]').getByText('Starting hello').waitFor();
  expect(await page.getByText('Nothing has run yet').count()).toBe(0);
});

it('says how long it waits for a handler that loops, and for how long it will', async () => {
  studio = await openStudio();
  const { page, engine } = studio;
  await page.getByText('200 OK').waitFor();
  engine.faults.handlerMs = 60_000;
  await page.keyboard.press('Control+Enter');
  await page
    .locator('[data-part="outcome"]')
    .getByText(/Waiting for the handler, \d\.\d s of \d+ s/)
    .waitFor();
  await page.keyboard.press('Escape');
  await expectVisible(page.getByText(/cancelled after/));
});

it('says what each start mode measures, and shows a prebooted start as the call alone', async () => {
  studio = await openStudio();
  const { page, engine } = studio;
  await page.getByText('200 OK').waitFor();
  await page.getByRole('button', { name: 'Start mode, prestarted' }).click();
  await page.getByText('Measures the call: the guest has booted and waits; the click sends the event').waitFor();
  await page.getByRole('menuitemradio', { name: /^prebooted/ }).click();
  await page.getByRole('button', { name: 'Start mode, prebooted' }).waitFor();
  await page.keyboard.press('Control+Enter');
  await page.getByRole('heading', { name: 'History, prebooted, ms' }).waitFor();
  // A narrow window leaves the title out.
  await page.locator('h2', { hasText: /^Start$/ }).waitFor({ state: 'attached' });
  expect(engine.runs()[0]?.startMode).toBe('prebooted');
});

it('keeps the start modes apart in the history', async () => {
  studio = await openStudio();
  const { page, engine } = studio;
  await page.getByRole('heading', { name: 'History, prestarted, ms' }).waitFor();
  const chips = page.getByRole('listbox', { name: /Last runs/ }).getByRole('option');
  const prestarted = engine.runs().filter((run) => run.startMode === 'prestarted').length;
  expect(await chips.count()).toBe(prestarted);
});

it('shows a restored start with the load of its saved guest, as a part of the work of the VMM', async () => {
  studio = await openStudio();
  const { page, engine } = studio;
  await page.getByText('200 OK').waitFor();
  await page.getByRole('button', { name: 'Start mode, prestarted' }).click();
  await page.getByText(/^Measures VMM and restore/).waitFor();
  await page.getByRole('menuitemradio', { name: /^restored/ }).click();
  await page.getByRole('button', { name: 'Start mode, restored' }).waitFor();
  await page.keyboard.press('Control+Enter');
  await page.getByRole('heading', { name: 'History, restored, ms' }).waitFor();
  expect(engine.runs()[0]?.startMode).toBe('restored');
  await page
    .getByRole('application', { name: /total .*vmm [\d.]+\s(ms|s) \(of it restore [\d.]+\sms\), function/ })
    .waitFor();
  const vmm = page.getByRole('list', { name: 'Phases' }).getByRole('listitem').filter({ hasText: /^vmm/ });
  await expectVisible(vmm.getByTitle(/^The load of the saved guest/));
  expect((await vmm.textContent()) ?? '').toMatch(/^vmm[\d.]+\s(ms|s)restore[\d.]+\sms$/);
});
