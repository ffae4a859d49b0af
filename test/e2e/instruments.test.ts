import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type InstrumentsPage, launchChromium, serveInstruments } from '../fixtures/instruments/serve.ts';

let site: InstrumentsPage;
let browser: Browser;
let page: Page;
const faults: string[] = [];

beforeAll(async () => {
  [site, browser] = await Promise.all([serveInstruments(), launchChromium()]);
});
afterAll(async () => {
  await browser?.close();
  await site?.close();
});
afterEach(async () => {
  await page?.close();
  expect(faults.splice(0)).toEqual([]);
});

async function open(query: string, height = 200): Promise<void> {
  page = await browser.newPage({ viewport: { width: 1280, height } });
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
  await page.goto(site.url(query));
}

const plain = (text: string | null) => (text ?? '').replaceAll('\u00a0', ' ');

describe('timeline', () => {
  const plot = () => page.getByRole('application');
  const readout = () => page.getByTestId('timeline-readout');
  const spoken = async () => plain(await page.getByTestId('timeline-spoken').textContent());
  const selected = () => page.evaluate(() => window.selected);
  /** The position of an instant of the 23.4 ms run while the whole run is shown. */
  const xOf = async (ms: number) => {
    const box = await plot().boundingBox();
    if (box === null) throw new Error('the plot is not on the page');
    // The fit: the previous run's 25.1 ms and a margin of 1.5 % at both ends.
    return box.x + (box.width * (ms + 25.1 * 0.015)) / (25.1 * 1.03);
  };
  const hover = async (ms: number, y = 60) => page.mouse.move(await xOf(ms), y);

  it('shows the total, every phase with its length, and what kind of start it was', async () => {
    await open('state=prestarted');
    expect(plain(await page.getByTestId('timeline-total').textContent())).toBe('23.4 ms');
    const legend = await page.getByRole('list', { name: 'Phases' }).getByRole('button').allTextContents();
    expect(legend.map(plain)).toEqual([
      'prepare310 µs',
      'vmm3.12 ms',
      'firmware1.64 ms',
      'kernel2.18 ms',
      'runtime6.05 ms',
      'function7.42 ms',
      'handler2.18 ms',
      'respond500 µs',
    ]);
    await page.getByText('prestarted', { exact: true }).waitFor();
    await page.getByText('emulated').waitFor();
    await page.getByRole('button', { name: /Ahead of the click: 312/ }).waitFor();
    expect(plain(await plot().getAttribute('aria-label'))).toContain('total 23.4 ms: prepare 310 µs');
  });

  it('reads out the phase, its share and change, and the resources under the pointer', async () => {
    await open('state=prestarted');
    await hover(10);
    expect(plain(await readout().textContent())).toMatch(/runtime6\.05 ms25\.9 %, 1\.9 ms faster.*cpu .*memory/);
    await hover(7.25);
    expect(plain(await readout().textContent())).toContain('heap restored7.25 ms ± 50 µsguest, guest-tsc clock');
    await page.mouse.move(10, 10);
    await readout().waitFor({ state: 'detached' });
  });

  it('selects a phase by click, shows what is inside, and lets it go with Esc', async () => {
    await open('state=prestarted');
    await page.mouse.click(await xOf(10), 60);
    expect(await selected()).toBe('runtime');
    const details = plain(await page.getByRole('complementary', { name: 'Phase runtime' }).textContent());
    expect(details).toContain('25.9 % of total');
    expect(details).toContain('function loaded+6.05 ms');
    await page.keyboard.press('Escape');
    expect(await selected()).toBeNull();
  });

  it('zooms about the pointer, pans with a drag, and fits again', async () => {
    await open('state=prestarted');
    await hover(10);
    await page.mouse.wheel(0, -400);
    await hover(10);
    // The instant under the pointer stayed: still in the runtime phase, whose edges have moved apart.
    expect(plain(await readout().textContent())).toContain('runtime');
    await page.mouse.move((await xOf(10)) + 200, 60);
    expect(plain(await readout().textContent())).toContain('runtime');
    await page.mouse.down();
    await page.mouse.move((await xOf(10)) - 500, 60, { steps: 4 });
    await page.mouse.up();
    await hover(10);
    expect(plain(await readout().textContent())).toContain('function');
    expect(await selected()).toBeNull();
    await page.getByRole('button', { name: 'Fit' }).click();
    await page.waitForTimeout(250);
    await hover(10);
    expect(plain(await readout().textContent())).toContain('runtime');
  });

  it('zooms with two fingers', async () => {
    await open('state=prestarted');
    const touch = await page.context().newCDPSession(page);
    const fingers = async (type: 'touchStart' | 'touchMove' | 'touchEnd', apartPx: number) => {
      const middle = await xOf(10);
      const touchPoints =
        type === 'touchEnd' ? [] : [-apartPx / 2, apartPx / 2].map((dx, id) => ({ x: middle + dx, y: 60, id }));
      await touch.send('Input.dispatchTouchEvent', { type, touchPoints });
    };
    await fingers('touchStart', 100);
    for (const apartPx of [200, 300, 400]) await fingers('touchMove', apartPx);
    await fingers('touchEnd', 0);
    // Four times as near: 250 px left of the fixed instant is now 1.5 ms before it, still in the same phase.
    await page.mouse.move((await xOf(10)) - 250, 60);
    expect(plain(await readout().textContent())).toContain('runtime');
    expect(await selected()).toBeNull();
  });

  it('measures a span with Shift-drag', async () => {
    await open('state=prestarted');
    await page.keyboard.down('Shift');
    await page.mouse.move(await xOf(5), 60);
    await page.mouse.down();
    await page.mouse.move(await xOf(15), 60, { steps: 3 });
    await page.mouse.up();
    await page.keyboard.up('Shift');
    expect(plain(await page.getByTestId('timeline-range').textContent())).toMatch(
      /^(9\.9\d|10\.0) ms, 42\.\d % of the total$/,
    );
    await page.mouse.click(await xOf(20), 150);
    expect(await page.getByTestId('timeline-range').textContent()).toBe('');
  });

  it('can be used with keys alone', async () => {
    await open('state=prestarted');
    await plot().focus();
    await page.keyboard.press('.');
    expect(await spoken()).toContain('0 ms; run requested, seen by host');
    for (let i = 0; i < 3; i++) await page.keyboard.press('.');
    expect(await spoken()).toContain(
      '3.43 ms; first guest instruction, seen by guest, guest-tsc clock, ± 50 µs; in firmware, 1.64 ms',
    );
    await page.keyboard.press('m');
    await page.keyboard.press('.');
    expect(plain(await page.getByTestId('timeline-range').textContent())).toContain('1.64 ms');
    await page.keyboard.press('Escape');
    await page.keyboard.press('6');
    expect(await selected()).toBe('function');
    await page.keyboard.press('Enter');
    await page.waitForTimeout(250);
    const box = await plot().boundingBox();
    await page.mouse.move((box?.x ?? 0) + (box?.width ?? 0) / 2, 60);
    expect(plain(await readout().textContent())).toContain('function7.42 ms');
    await page.mouse.move((box?.x ?? 0) + (box?.width ?? 0) * 0.1, 60);
    expect(plain(await readout().textContent())).toContain('function7.42 ms');
  });

  it('is a table on request, with every mark', async () => {
    await open('state=crowded');
    await plot().focus();
    await page.keyboard.press('t');
    const tables = page.getByRole('table');
    expect(await tables.count()).toBe(2);
    expect(await tables.nth(0).getByRole('row').count()).toBe(10);
    expect(await tables.nth(1).getByRole('row').count()).toBe(201);
    await page.getByRole('button', { name: /^Show 200 more of 9,8\d\d left/ }).click();
    expect(await tables.nth(1).getByRole('row').count()).toBe(401);
  });

  it('shows both tables side by side, or one under the other, and neither over the other', async () => {
    for (const width of [1280, 1024]) {
      await page?.close();
      await open('state=compared', 400);
      await page.setViewportSize({ width, height: 400 });
      await plot().focus();
      await page.keyboard.press('t');
      const [phases, marks] = await Promise.all([0, 1].map((n) => page.getByRole('table').nth(n).boundingBox()));
      if (!phases || !marks) throw new Error('a table is not on the page');
      expect(marks.x >= phases.x + phases.width || marks.y >= phases.y + phases.height).toBe(true);
      const cells = await page.getByRole('table').first().getByRole('cell').all();
      for (const cell of cells.slice(0, 6)) {
        const box = await cell.boundingBox();
        expect((box?.x ?? 0) + (box?.width ?? 0)).toBeLessThanOrEqual(phases.x + phases.width + 1);
      }
    }
  });

  it('keeps every phase of the legend in sight', async () => {
    await open('state=prestarted');
    for (const width of [1236, 1230, 1100, 980]) {
      await page.setViewportSize({ width, height: 200 });
      const list = await page.getByRole('list', { name: 'Phases' }).boundingBox();
      const first = await page.getByRole('list', { name: 'Phases' }).getByRole('button').first().boundingBox();
      expect(first?.x ?? 0).toBeGreaterThanOrEqual(list?.x ?? Number.NaN);
    }
  });

  it('says plainly when a start never answered and when there is no run', async () => {
    await open('state=failed');
    await page.getByText('no response', { exact: true }).waitFor();
    expect(plain(await plot().getAttribute('aria-label'))).toContain('ended without a response after 371 ms');
    await page.goto(site.url('state=empty'));
    await page.getByText('No cold start yet.').waitFor();
  });

  it('is copied as text', async () => {
    await open('state=prestarted', 400);
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.getByRole('button', { name: 'Share' }).click();
    await page.getByRole('menuitem', { name: 'Copy as text' }).click();
    await page.getByText('Copied').waitFor();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toContain(
      'Cold start  23.4 ms  prestarted, emulated (tcg)',
    );
  });

  it('is saved as a picture', async () => {
    await open('state=prestarted', 400);
    for (const [item, name] of [
      ['Save as SVG', 'cold-start.svg'],
      ['Save as PNG', 'cold-start.png'],
    ] as const) {
      await page.getByRole('button', { name: 'Share' }).click();
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('menuitem', { name: item }).click(),
      ]);
      expect(download.suggestedFilename()).toBe(name);
    }
  });
});

describe('resource graphs', () => {
  it('shows the newest values, and those under a crosshair shared by all graphs', async () => {
    await open('view=graphs');
    const captions = () => page.locator('figcaption').allTextContents();
    const now = (await captions()).map(plain);
    expect(now[0]).toMatch(/^CPU [\d.]+ %of one vCPU$/);
    expect(now[1]).toMatch(/^Memory [\d.]+ MiB/);
    expect(now[2]).toMatch(/^Disk read[\d.]+ [KMi]*B\/swrite/);
    await page.mouse.move(180, 110);
    await page.getByText(/s ago$/).waitFor();
    expect((await captions()).map(plain)).not.toEqual(now);
    expect(await page.locator('.u-cursor-x:visible').count()).toBe(4);
  });

  it('is a table on request, and says what to do without samples', async () => {
    await open('view=graphs');
    await page.getByRole('button', { name: 'Table' }).click();
    expect(await page.getByRole('columnheader').allTextContents()).toEqual([
      'time',
      'cpu',
      'memory',
      'disk read',
      'disk write',
      'network in',
      'network out',
    ]);
    await page.goto(site.url('view=graphs&state=empty'));
    await page.getByText('start one with Ctrl+Enter').waitFor();
  });
});
