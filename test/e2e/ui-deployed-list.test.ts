import { expect, it } from 'vitest';
import { FirstlightError } from '#shared/errors.ts';
import { setUpStudio, until } from './ui-harness.ts';

const openStudio = setUpStudio();
const count = 500;

async function openList(options: { readonly width?: number; readonly height?: number } = {}) {
  const studio = await openStudio({ deployed: count, ...options });
  const { page } = studio;
  await page.keyboard.press('Control+8');
  const view = page.getByRole('main', { name: 'Deployed functions' });
  const table = view.getByRole('table', { name: 'Functions on many' });
  const side = page.getByRole('list', { name: 'Functions on many' });
  await table.getByRole('row', { name: /^function-000 / }).waitFor();
  return { ...studio, view, table, side };
}
const focused = (page: Awaited<ReturnType<typeof openList>>['page']) =>
  page.evaluate(() => document.activeElement?.textContent ?? '');

it('draws the rows in view of a long list, and says how many there are', async () => {
  const { view, table, side } = await openList();
  expect(await table.getAttribute('aria-rowcount')).toBe(String(count + 1));
  expect(await table.locator('tbody tr[data-index]').count()).toBeLessThan(60);
  expect(await side.locator('li[data-index]').count()).toBeLessThan(60);
  const last = table.getByRole('row', { name: /^function-499 / });
  await view.locator('.scroll').evaluate((box) => box.scrollTo({ top: box.scrollHeight }));
  await last.waitFor();
  expect(await last.getAttribute('aria-rowindex')).toBe(String(count + 1));
  const bottom = await last.evaluate((row) => {
    const box = row.closest('.scroll')?.getBoundingClientRect();
    return (box?.bottom ?? 0) - row.getBoundingClientRect().bottom;
  });
  // It stands at the end of the box: the rows that are not drawn take the room of those that are.
  expect(Math.abs(bottom)).toBeLessThan(20);
  const item = side.getByRole('listitem').filter({ hasText: 'function-007' });
  expect([await item.getAttribute('aria-posinset'), await item.getAttribute('aria-setsize')]).toEqual(['9', '501']);
});

it('reaches all rows by the keyboard, and keeps the focused one when the list is scrolled away', async () => {
  const { page, view, table, side } = await openList({ width: 1024, height: 640 });
  await table.getByRole('button', { name: 'function-000' }).focus();
  await page.keyboard.press('End');
  expect(await focused(page)).toBe('function-499');
  await page.keyboard.press('ArrowUp');
  expect(await focused(page)).toBe('function-498');
  await page.keyboard.press('Home');
  expect(await focused(page)).toBe('function-000');
  await page.keyboard.press('PageDown');
  const paged = Number((await focused(page)).slice(-3));
  expect(paged).toBeGreaterThan(5);
  await view.locator('.scroll').evaluate((box) => box.scrollTo({ top: box.scrollHeight }));
  await table.getByRole('row', { name: /^function-499 / }).waitFor();
  expect(await focused(page)).toBe(`function-${String(paged).padStart(3, '0')}`);
  await page.keyboard.press('ArrowDown');
  expect(await focused(page)).toBe(`function-${String(paged + 1).padStart(3, '0')}`);

  await side.getByRole('button', { name: 'many', exact: true }).focus();
  await page.keyboard.press('ArrowDown');
  expect(await focused(page)).toContain('function-000');
  await page.keyboard.press('End');
  expect(await focused(page)).toContain('function-499');
  await page.keyboard.press('Enter');
  await page.getByRole('status', { name: 'State' }).waitFor();
  await page.keyboard.press('Home');
  expect(await focused(page)).toBe('many');
});

it('shows the chosen function in the list beside the page', async () => {
  const { page, table, side } = await openList();
  await table.getByRole('button', { name: 'function-000' }).focus();
  await page.keyboard.press('End');
  await page.keyboard.press('Enter');
  const chosen = side.getByRole('button', { name: 'function-499 on many, failing' });
  await until('the chosen row is in view', () =>
    chosen.evaluate((row) => {
      const box = row.closest('.scroll')?.getBoundingClientRect();
      const { top, bottom } = row.getBoundingClientRect();
      return box !== undefined && top >= box.top && bottom <= box.bottom;
    }),
  );
  expect(await chosen.getAttribute('aria-current')).toBe('true');
});

it('sorts and filters the functions', async () => {
  const { page, view, table } = await openList();
  const names = () => table.locator('tbody [data-row]').allTextContents();
  await table.getByRole('button', { name: 'State' }).click();
  expect((await names()).slice(0, 3)).toEqual(['function-049', 'function-099', 'function-149']);
  expect(await table.getByRole('columnheader', { name: 'State' }).getAttribute('aria-sort')).toBe('ascending');
  await table.getByRole('button', { name: 'Deployed' }).click();
  await table.getByRole('button', { name: /^Deployed/ }).click();
  expect((await names())[0]).toBe('function-499');
  const filter = view.getByLabel('Filter the functions on many');
  await filter.fill('pulling image');
  await view.getByText('10 of 500 functions').waitFor();
  expect(await table.getAttribute('aria-rowcount')).toBe('11');
  await filter.fill('nobody');
  await view.getByText('No function has these words.').waitFor();
  await filter.press('Escape');
  await view.getByText('500 functions', { exact: true }).waitFor();
  await page.keyboard.press('Escape');
  await view.waitFor({ state: 'detached' });
});

it('keeps what a cluster last said while it cannot be reached, says so, and follows it again by itself', async () => {
  const { engine, view, table } = await openList();
  const context = { signal: new AbortController().signal, progress: () => undefined };
  const scale = () =>
    engine.calls['deploy:scale']({ target: 'many', name: 'function-000', replicas: 2 }, context as never);
  engine.faults.watchError = new FirstlightError('CLUSTER_UNREACHABLE', 'The cluster cannot be used: nothing listens.');
  await scale();
  await view.getByText('nothing listens').waitFor();
  await table.getByRole('row', { name: /^function-000 / }).waitFor();
  engine.faults.watchError = null;
  await view.getByText('nothing listens').waitFor({ state: 'detached' });
  expect(await table.getByRole('row', { name: /^function-000 / }).count()).toBe(1);
});
