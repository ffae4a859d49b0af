import type { Browser, Page } from 'playwright-core';
import { launchChromium, serveInstruments } from '../fixtures/instruments/serve.ts';
import { round, summarize } from './figures.ts';
import type { BenchOptions } from './options.ts';

/** Enough for a steady state; a run takes a few seconds. */
const floodBytes = 24 * 1024 * 1024;
/** The most bytes in one message of the wire before it waits for an acknowledgement. */
const chunkBytes = 64 * 1024;
/** About the highest typing speed of a person. */
const keyEveryMs = 60;

/**
 * The renderer's end of the console: a flood of numbered, coloured lines into the view while a person types.
 *
 * Units: `bytesPerSecond` that the terminal took; `inputMs` from a key press to its handler. `lostLines` counts the gaps
 * among the lines of the scrollback and is 0 or the benchmark fails.
 */
export async function benchConsoleRender({ runs = 3, log }: BenchOptions) {
  const site = await serveInstruments();
  let browser: Browser | undefined;
  try {
    browser = await launchChromium();
    const rates: number[] = [];
    const inputMs: number[] = [];
    for (let turn = 1; turn <= runs; turn += 1) {
      const page = await openConsole(browser, site.url('view=console&state=empty&height=240'));
      const measured = await flood(page);
      await checkLines(page, measured.lines);
      rates.push(measured.bytesPerSecond);
      inputMs.push(...measured.inputMs);
      await page.close();
      log(`${turn}/${runs}: ${round(measured.bytesPerSecond / 1e6)} MB/s`);
    }
    return { bytes: floodBytes, lostLines: 0, bytesPerSecond: summarize(rates), inputMs: summarize(inputMs) };
  } finally {
    await browser?.close();
    await site.close();
  }
}

async function openConsole(browser: Browser, url: string): Promise<Page> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 260 } });
  await page.goto(url);
  await page.locator('.xterm').click();
  return page;
}

interface Flood {
  readonly lines: number;
  readonly bytesPerSecond: number;
  readonly inputMs: readonly number[];
}

async function flood(page: Page): Promise<Flood> {
  const flooding = page.evaluate(
    async ({ total, chunk }) => {
      const inputMs: number[] = [];
      const onKey = (event: KeyboardEvent) => inputMs.push(performance.now() - event.timeStamp);
      window.addEventListener('keydown', onKey, { capture: true });
      const encoder = new TextEncoder();
      let sent = 0;
      let lines = 0;
      let pending = '';
      const startedMs = performance.now();
      while (sent < total) {
        while (pending.length < chunk)
          pending += `\x1b[36m[flood]\x1b[0m line ${lines++} of a guest that will not stop talking\r\n`;
        // Cut anywhere: chunks of a stream have arbitrary ends.
        const bytes = encoder.encode(pending.slice(0, chunk));
        pending = pending.slice(chunk);
        await window.control.send(bytes);
        sent += bytes.byteLength;
      }
      await window.control.send(encoder.encode(pending));
      const elapsedMs = performance.now() - startedMs;
      window.removeEventListener('keydown', onKey, { capture: true });
      return { lines, bytesPerSecond: (sent / elapsedMs) * 1000, inputMs };
    },
    { total: floodBytes, chunk: chunkBytes },
  );
  let done = false;
  const result = flooding.finally(() => {
    done = true;
  });
  while (!done) {
    await page.keyboard.press('a');
    await page.waitForTimeout(keyEveryMs);
  }
  return result;
}

/** Errors: throws when the scrollback differs from the last lines in order. */
async function checkLines(page: Page, lines: number): Promise<void> {
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.getByRole('button', { name: 'Copy' }).click();
  await page.getByText('Copied everything').waitFor();
  const text = await page.evaluate(() => navigator.clipboard.readText());
  const numbers = [...text.matchAll(/line (\d+) of/g)].map((match) => Number(match[1]));
  const gaps = numbers.filter((number, index) => index > 0 && number !== (numbers[index - 1] ?? 0) + 1).length;
  if (gaps > 0 || numbers.at(-1) !== lines - 1 || numbers.length < 10_000) {
    throw new Error(
      `the console lost lines: ${gaps} gaps, ${numbers.length} lines, the last ${numbers.at(-1)} of ${lines}`,
    );
  }
}
