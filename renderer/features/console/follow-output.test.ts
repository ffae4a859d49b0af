import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { type Followed, followOutput } from './follow-output.ts';

const active = { viewportY: 0, baseY: 0 };
let render: () => void = () => undefined;
let parse: () => void = () => undefined;
let selected = false;
const toBottom = () => {
  active.viewportY = active.baseY;
};
const scrollToBottom = vi.fn(toBottom);
const scrollLines = vi.fn();
const terminal = {
  buffer: { active },
  hasSelection: () => selected,
  onRender: (listener: () => void) => {
    render = listener;
    return { dispose: () => undefined };
  },
  onWriteParsed: (listener: () => void) => {
    parse = listener;
    return { dispose: () => undefined };
  },
  scrollLines,
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
  vi.unstubAllGlobals();
});

it('brings the last line back when nobody scrolled', () => {
  render();
  expect(active.viewportY).toBe(100);
  render();
  expect(scrollToBottom).toHaveBeenCalledTimes(1);
});

it('brings it back when what was written is out of sight, where nothing is drawn', () => {
  parse();
  expect(active.viewportY).toBe(100);
});

it('moves the scroll bar when that stands at its end and the lines do not, and looks again', () => {
  const frames: (() => void)[] = [];
  vi.stubGlobal('requestAnimationFrame', (act: () => void) => frames.push(act));
  scrollToBottom.mockImplementation(() => undefined);
  render();
  expect(scrollLines).toHaveBeenCalledWith(-1);
  expect(frames).toHaveLength(1);
  scrollToBottom.mockImplementation(toBottom);
  frames[0]?.();
  expect(active.viewportY).toBe(100);
  expect(frames).toHaveLength(1);
});

it('takes a pointer that only passes for no scrolling', () => {
  root.dispatchEvent(Object.assign(new Event('pointermove'), { buttons: 0 }));
  vi.runAllTimers();
  render();
  expect(active.viewportY).toBe(100);
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
