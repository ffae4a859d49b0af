import type { Browser, Page } from 'playwright-core';
import { locateResources } from '#core/store/resources.ts';
import { startHost } from '#host/start-host.ts';
import { createFakeEngine } from '../fixtures/fake-engine.ts';
import { launchChromium, serveInstruments } from '../fixtures/instruments/serve.ts';
import { round, summarize } from './figures.ts';
import type { BenchOptions } from './options.ts';

/** Two seconds of panning at 60 Hz. */
const panFrames = 120;

/**
 * The time until the studio is usable, and the smoothness of a crowded timeline.
 *
 * Units: `studio.interactiveMs` from the start of navigation, with an empty cache, until Run can be pressed and the
 * editor shows the source; the engine behind it answers at once. The rest is described at `measureTimeline`.
 */
export async function benchUi(options: BenchOptions) {
  const browser = await launchChromium();
  try {
    return { studio: await measureStudio(browser, options), timeline: await measureTimeline(browser, options) };
  } finally {
    await browser.close();
  }
}

async function measureStudio(browser: Browser, { runs = 3, log }: BenchOptions) {
  const engine = createFakeEngine();
  const host = await startHost({
    roots: ['/'],
    engine,
    rendererDir: locateResources().rendererDir,
    log: () => undefined,
  });
  try {
    const interactiveMs: number[] = [];
    for (let turn = 1; turn <= runs; turn += 1) {
      const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
      const page = await context.newPage();
      await page.goto(host.url, { waitUntil: 'commit' });
      const run = page.getByRole('button', { name: 'Run Ctrl+Enter' });
      await run.waitFor();
      await page.locator('.monaco-editor .view-line span').first().waitFor();
      await run.click({ trial: true });
      interactiveMs.push(await page.evaluate(() => performance.now()));
      await context.close();
      log(`${turn}/${runs}: interactive after ${round(interactiveMs.at(-1) ?? 0)} ms`);
    }
    return { interactiveMs: summarize(interactiveMs) };
  } finally {
    await host.close();
    engine.close();
  }
}

/**
 * A timeline of 10,000 marks, panned back and forth a step per frame in a headless browser.
 *
 * Units: `frameMs` from frame to frame, `scriptMs` the part of it in our code; `framesPerSecond` is bounded by the
 * browser's 60. `whole` shows all marks at once, `zoomed` about a sixth of them. `readyMs` is from the start of loading to
 * the first drawn frame.
 */
async function measureTimeline(browser: Browser, { runs = 3, log }: BenchOptions) {
  const site = await serveInstruments();
  try {
    const ready: number[] = [];
    const whole: Pan[] = [];
    const zoomed: Pan[] = [];
    for (let turn = 1; turn <= runs; turn += 1) {
      const page = await openTimeline(browser, site.url('state=crowded'));
      ready.push(await page.evaluate(() => performance.now()));
      whole.push(await pan(page));
      await zoomIn(page);
      zoomed.push(await pan(page));
      await page.close();
      log(`${turn}/${runs}: ${round(whole.at(-1)?.framesPerSecond ?? 0)} frames/s, all 10,000 marks in view`);
    }
    return {
      marks: 10_000,
      viewport: { widthPx: 1280, heightPx: 200 },
      readyMs: summarize(ready),
      whole: summarizePans(whole),
      zoomed: summarizePans(zoomed),
    };
  } finally {
    await site.close();
  }
}

interface Pan {
  readonly frameMs: readonly number[];
  readonly scriptMs: readonly number[];
  readonly framesPerSecond: number;
}

const summarizePans = (pans: readonly Pan[]) => ({
  framesPerSecond: summarize(pans.map((pan) => pan.framesPerSecond)),
  frameMs: summarize(pans.flatMap((pan) => pan.frameMs)),
  scriptMs: summarize(pans.flatMap((pan) => pan.scriptMs)),
});

async function openTimeline(browser: Browser, url: string): Promise<Page> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 200 } });
  await page.goto(url);
  await page.getByRole('application').waitFor();
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
  return page;
}

async function zoomIn(page: Page): Promise<void> {
  await page.mouse.move(700, 80);
  for (let notch = 0; notch < 8; notch += 1) await page.mouse.wheel(0, -100);
  await page.waitForTimeout(100);
}

/** Pans with Shift-wheel events, one per frame, like a trackpad. */
const pan = (page: Page): Promise<Pan> =>
  page.evaluate(async (frames) => {
    const plot = document.querySelector('[aria-roledescription=timeline]') as HTMLElement;
    const box = plot.getBoundingClientRect();
    const frameMs: number[] = [];
    const scriptMs: number[] = [];
    const nextFrame = () => new Promise<number>((resolve) => requestAnimationFrame(resolve));
    // The timeline draws in its own frame callback, requested by the wheel event: it runs after ours.
    const original = window.requestAnimationFrame.bind(window);
    let spentMs = 0;
    window.requestAnimationFrame = (callback) =>
      original((now) => {
        const startedMs = performance.now();
        callback(now);
        spentMs += performance.now() - startedMs;
      });
    let lastMs = await nextFrame();
    const startedMs = lastMs;
    for (let frame = 0; frame < frames; frame += 1) {
      const eventMs = performance.now();
      plot.dispatchEvent(
        new WheelEvent('wheel', {
          deltaY: frame % 60 < 30 ? 12 : -12,
          shiftKey: true,
          clientX: box.left + box.width / 2,
          clientY: box.top + 50,
          bubbles: true,
          cancelable: true,
        }),
      );
      spentMs = performance.now() - eventMs;
      const nowMs = await nextFrame();
      // A second turn in the same frame: the drawing requested above has run.
      await new Promise((resolve) => setTimeout(resolve, 0));
      frameMs.push(nowMs - lastMs);
      scriptMs.push(spentMs);
      lastMs = nowMs;
    }
    window.requestAnimationFrame = original;
    return { frameMs, scriptMs, framesPerSecond: (frames / (lastMs - startedMs)) * 1000 };
  }, panFrames);
