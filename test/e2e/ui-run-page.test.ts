import { expect, it, vi } from 'vitest';
import { setUpStudio, until } from './ui-harness.ts';

const openStudio = setUpStudio();
vi.setConfig({ testTimeout: 90_000 });

it('shows one run whole, and takes a name for it that the table finds', async () => {
  const { page, engine } = await openStudio();
  await page.getByRole('button', { name: 'All runs' }).click();
  const table = page.getByRole('table', { name: 'Runs' });
  await table.getByRole('button', { name: 'Details' }).first().click();
  const view = page.getByRole('main', { name: 'Run' });
  await view.getByRole('table', { name: 'Phases' }).getByText('kernel').waitFor();
  await view.getByRole('region', { name: 'Event' }).getByText('"Ada"').waitFor();
  await view.getByRole('textbox', { name: 'Name' }).fill('before the cache');
  await page.keyboard.press('Enter');
  await until('it is kept', () => engine.runs().some((run) => run.name === 'before the cache'));
  await page.keyboard.press('Escape');
  await view.waitFor({ state: 'detached' });
  await page.getByLabel('Filter the runs').fill('cache');
  await page.getByText(`1 of ${engine.runs().length} runs`).waitFor();
  expect(await table.locator('tbody tr').textContent()).toContain('before the cache');
});

it('stops and removes several instances at once, after asking', async () => {
  const { page, engine } = await openStudio();
  await page.getByText('200 OK').waitFor();
  await page.getByRole('button', { name: 'Function', exact: true }).click();
  await page.getByRole('menuitemradio', { name: /^resize/ }).click();
  await page.keyboard.press('Control+Enter');
  await page.locator('[data-part="instance-id"]', { hasText: 'resize' }).waitFor();
  await page.getByRole('button', { name: /^Run Ctrl/ }).waitFor();
  await page.keyboard.press('Control+2');
  const ids = engine.instances().map(({ id }) => id);
  expect(ids.length).toBeGreaterThan(1);
  for (const id of ids) await page.getByLabel(`Select ${id}`).check();
  await page.getByRole('button', { name: `Remove ${ids.length}` }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Remove them' }).click();
  await until('they are gone', () => engine.instances().length === 0);
});
