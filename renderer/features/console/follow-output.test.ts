import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { type Followed, followOutput } from './follow-output.ts';

const active = { viewportY: 0, baseY: 0 };
let render: () => void = () => undefined;
let selected = false;
const scrollToBottom = vi.fn(() => {
  active.viewportY = active.baseY;
});
const terminal = {
  buffer: { active },
  hasSelection: () => selected,
  onRender: (listener: () => void) => {
    render = listener;
    return { dispose: () => undefined };
  },
  scrollToBottom,
} as unknown as Followed;
let root: EventTarget;
let held = false;
let stop: () => void;

beforeEach(() => {
  vi.useFakeTimers();
  scrollToBottom.mockClear();
  Object.assign(active, { viewportY: 0, baseY: 100 });
  selected = held = false;
  root = new EventTarget();
  stop = followOutput(terminal, root as HTMLElement, () => held);
});
afterEach(() => {
  stop();
  vi.useRealTimers();
});

it('brings the last line back when nobody scrolled', () => {
  render();
  expect(active.viewportY).toBe(100);
  render();
  expect(scrollToBottom).toHaveBeenCalledTimes(1);
});

it('stays where a person scrolled to, until they are at the end again', () => {
  root.dispatchEvent(new Event('wheel'));
  active.viewportY = 40;
  render();
  vi.runAllTimers();
  render();
  expect(active.viewportY).toBe(40);
  active.viewportY = 100;
  root.dispatchEvent(new Event('wheel'));
  vi.runAllTimers();
  active.baseY = 200;
  render();
  expect(active.viewportY).toBe(200);
});

it('holds still while the view is paused or text is selected', () => {
  held = true;
  render();
  held = false;
  selected = true;
  render();
  expect(scrollToBottom).not.toHaveBeenCalled();
});
