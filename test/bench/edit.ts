import { launchBrowser } from '../e2e/browser.ts';
import { openDevWindow } from '../e2e/dev-window.ts';
import type { BenchOptions } from './options.ts';

/** The result of `benchEdit`. Units: milliseconds from the write of a component's file to the page that shows it. */
export interface EditBench {
  readonly medianMs: number;
  readonly slowestMs: number;
  readonly runs: number;
}

/** The time from an edit of a component to the screen under `npm run dev -- --fake`. */
export async function benchEdit({ runs = 10, log }: BenchOptions): Promise<EditBench> {
  const browser = await launchBrowser();
  const window = await openDevWindow(browser);
  const times: number[] = [];
  try {
    for (let run = 0; run < runs; run++) {
      times.push(await window.edit(`Edit ${run}`));
      log(`edit ${run + 1} of ${runs}: ${Math.round(times[run] ?? 0)} ms`);
    }
  } finally {
    await window.close();
    await browser.close();
  }
  const sorted = [...times].sort((a, b) => a - b);
  return {
    medianMs: Math.round(sorted[Math.floor(sorted.length / 2)] ?? Number.NaN),
    slowestMs: Math.round(sorted.at(-1) ?? Number.NaN),
    runs,
  };
}
