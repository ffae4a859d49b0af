import { expect, it, vi } from 'vitest';
import { expectVisible } from './browser.ts';
import { type Studio, setUpStudio, until } from './ui-harness.ts';

const openStudio = setUpStudio();
let studio: Studio;
vi.setConfig({ testTimeout: 90_000 });

it('sorts and filters the runs, and forgets several with a way back', async () => {
  studio = await openStudio();
  const { page, engine } = studio;
  await page.getByRole('button', { name: 'All runs' }).click();
  const rows = page.getByRole('table', { name: 'Runs' }).locator('tbody tr');
  await rows.first().waitFor();
  const all = engine.runs().length;
  const totals = async () =>
    (await page.getByRole('table', { name: 'Runs' }).locator('[data-row]').allTextContents()).map((text) =>
      Number.parseFloat(text),
    );
  await page.getByRole('button', { name: 'Total', exact: true }).click();
  const ascending = (await totals()).filter((total) => !Number.isNaN(total));
  expect(ascending).toEqual([...ascending].sort((a, b) => a - b));
  await page.getByLabel('Filter the runs').fill('cold');
  const cold = engine.runs().filter((run) => run.startMode === 'cold').length;
  await page.getByText(`${cold} of ${all} runs`).waitFor();
  await page.getByLabel('Select all runs').check();
  await page.getByRole('button', { name: `Forget ${cold} selected` }).click();
  await page.getByText(`${cold} runs are forgotten.`).waitFor();
  expect(await rows.count()).toBe(0);
  await page.getByRole('button', { name: 'Undo' }).click();
  await until('they are back', async () => (await rows.count()) === cold);
  expect(engine.runs().length).toBe(all);
  await page.getByRole('button', { name: `Forget ${cold} selected` }).click();
  await until('they are gone', () => engine.runs().length === all - cold);
});

it('shows what an instance is made of from its context menu', async () => {
  studio = await openStudio();
  const { page, engine } = studio;
  const id = engine.instances()[0]?.id ?? '';
  await page.locator('[data-part="instance-id"]', { hasText: id }).click({ button: 'right' });
  await page.getByRole('menuitem', { name: 'Details' }).click();
  const dialog = page.getByRole('dialog', { name: id });
  await expectVisible(dialog.getByRole('region', { name: 'Domain XML' }).getByText(`firstlight-${id}`));
  if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/details.png` });
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
});
