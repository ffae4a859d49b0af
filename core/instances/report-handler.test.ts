import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { reportHandler } from './report-handler.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('reports how long the handler runs, from when the guest is up until the reports are ended', async () => {
  const messages: string[] = [];
  let come: () => void = () => undefined;
  const ready = new Promise<void>((resolve) => {
    come = resolve;
  });
  const stop = reportHandler(ready, 10_000, ({ message }) => messages.push(message));
  await vi.advanceTimersByTimeAsync(5_000);
  expect(messages).toEqual([]);
  come();
  await vi.advanceTimersByTimeAsync(4_250);
  expect(messages[0]).toMatch(/^Running your handler, 0\.[23] s of 10 s$/);
  expect(messages.at(-1)).toMatch(/^Running your handler, 4\.[23] s of 10 s$/);
  const count = messages.length;
  stop();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(messages).toHaveLength(count);
});

it('reports nothing of a guest that comes up too late, or never', async () => {
  const progress = vi.fn();
  const stop = reportHandler(Promise.resolve(), 1_000, progress);
  stop();
  reportHandler(Promise.reject(new Error('gone')), 1_000, progress);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(progress).not.toHaveBeenCalled();
});
