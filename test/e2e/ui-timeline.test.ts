import { describe, expect, it } from 'vitest';
import { expectVisible } from './browser.ts';
import { type Studio, type StudioOptions, setUpStudio, until } from './ui-harness.ts';

const openStudio = setUpStudio();
let studio: Studio;
const open = async (options?: StudioOptions) => {
  studio = await openStudio(options);
  await studio.page.getByText('200 OK').waitFor();
  return studio;
};

const plain = (text: string | null) => (text ?? '').replaceAll('\u00a0', ' ');
const plot = () => studio.page.getByRole('application');
const change = () => studio.page.getByTestId('timeline-change');
const describePlot = async () => plain(await plot().getAttribute('aria-label'));

describe('a run that goes on', () => {
  it('grows phase by phase, and is seen to be in a handler that loops', async () => {
    const { page, engine } = await open();
    engine.faults.handlerMs = 60_000;
    await page.keyboard.press('Control+Enter');
    await until('it is in the handler', async () => /so far .*handler/.test(await describePlot()));
    expect(await describePlot()).toMatch(/so far .*prepare .*, vmm .*, firmware .*, kernel .*, handler/);
    await change()
      .getByText(/handler, \d\.\d s of 10 s, Esc cancels/)
      .waitFor();
    const handler = page.getByRole('list', { name: 'Phases' }).getByRole('button', { name: /^handler/ });
    const before = plain(await handler.textContent());
    await until('the bar has grown', async () => plain(await handler.textContent()) !== before);
    expect(await page.getByText('no response', { exact: true }).count()).toBe(0);
    await page.keyboard.press('Escape');
    await page.getByText(/cancelled after/).waitFor();
    await until('the run before it is back', async () => /, total /.test(await describePlot()));
  });

  it('is drawn over the run before it', async () => {
    const { page, engine } = await open();
    engine.faults.bootMs = 60_000;
    await page.keyboard.press('Control+Enter');
    await until('it is under way', async () => /so far /.test(await describePlot()));
    await page.getByText('previous', { exact: true }).waitFor();
    await page.keyboard.press('Escape');
    await expectVisible(page.getByText(/cancelled after/));
  });
});

describe('a series', () => {
  it('TL-E3: shows for each phase what the other runs took: in the readout, the table and what is copied', async () => {
    const { page } = await open();
    await change()
      .getByText(/(faster|slower) than the median of 10 runs \(p = 0?\.?\d+\)/)
      .waitFor();
    await page.getByText('median of 10', { exact: true }).waitFor();
    const box = await plot().boundingBox();
    if (box === null) throw new Error('the plot is not on the page');
    await page.mouse.move(box.x + box.width / 4, box.y + 30);
    expect(plain(await page.getByTestId('timeline-spread').textContent())).toMatch(
      /^median of 10 runs[\d.]+ [mµ]s5–95 %: [\d.]+ [mµ]s to [\d.]+ [mµ]s; [+−±][\d.]+ [mµ]s, p = [\d.]+$/,
    );
    await plot().focus();
    await page.keyboard.press('t');
    const headings = await page.getByRole('table').first().getByRole('columnheader').allTextContents();
    expect(headings).toEqual(['phase', 'start', 'length', 'share', 'error', 'median of 10', '5–95 %', 'change', 'p']);
    const vmm = page.getByRole('row', { name: /^vmm [^,]/ });
    expect(plain(await vmm.getByRole('cell').nth(5).textContent())).toMatch(/^[\d.]+ ms to [\d.]+ ms$/);
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.getByRole('button', { name: 'Share' }).click();
    await page.getByRole('menuitem', { name: 'Copy as JSON' }).click();
    await page.getByText('Copied').waitFor();
    const copied = JSON.parse(await page.evaluate(() => navigator.clipboard.readText()));
    expect(copied.comparison.baseline.total.count).toBe(10);
  });

  it('is named with what it measures in the details of a run', async () => {
    const { page, engine } = await open();
    await page.getByRole('button', { name: 'All runs' }).click();
    await page.getByRole('button', { name: 'Details' }).first().click();
    const view = page.getByRole('main', { name: 'Run' });
    await view.getByText(/^11 runs like it: median [\d.]+ ms, 5 to 95 %: /).waitFor();
    const { subject } = engine.runs()[0] ?? {};
    for (const value of [subject?.imageId, subject?.bundleId, subject?.eventDigest, subject?.host]) {
      await view.getByText(value as string, { exact: true }).waitFor();
    }
    await view.getByText(/prestarted, emulated/).waitFor();
    await expectVisible(view.getByText('none: not in a git repository'));
  });
});
