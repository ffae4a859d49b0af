import { describe, expect, it } from 'vitest';
import { createKeptLog, plainText } from './kept-log.ts';
import { routeKey } from './terminal-keys.ts';

const chunk = (length: number, fill: number) => new Uint8Array(length).fill(fill);

describe('kept log', () => {
  it('begins at the start of a line once its beginning is gone, and gives its text without sequences', () => {
    const log = createKeptLog(30);
    const add = (text: string) => log.add(new TextEncoder().encode(text));
    add('an earlier line that is dropped, ');
    add('its rest\r\n\u001b[31mred');
    add('\u001b[0m €\n');
    expect(plainText(log)).toBe('red €');
    expect(log.keptBytes()).toBeLessThan(log.totalBytes());
  });

  it('keeps the newest chunks within its limit', () => {
    const log = createKeptLog(10);
    for (let i = 1; i <= 5; i++) log.add(chunk(4, i));
    expect(log.chunks().map((bytes) => bytes[0])).toEqual([4, 5]);
    expect([log.keptBytes(), log.totalBytes()]).toEqual([8, 20]);
  });

  it('keeps the last chunk even when it alone is too big', () => {
    const log = createKeptLog(10);
    log.add(chunk(4, 1));
    log.add(chunk(40, 2));
    expect(log.chunks()).toHaveLength(1);
    log.clear();
    expect([log.chunks().length, log.totalBytes()]).toEqual([0, 0]);
  });

  it('holds its limit over many small chunks', () => {
    const log = createKeptLog(1000);
    for (let i = 0; i < 20_000; i++) log.add(chunk(1, 11 + (i % 240)));
    expect([log.chunks().length, log.keptBytes()]).toEqual([1000, 1000]);
  });
});

describe('keys of the console', () => {
  const press = (key: string, held = '') => ({
    key,
    ctrlKey: held.includes('c'),
    shiftKey: held.includes('s'),
    altKey: held.includes('a'),
    metaKey: false,
  });

  it('lets the studio keep its shortcuts and a way out', () => {
    expect(['Enter', 's', 'k', '1', '`'].map((key) => routeKey(press(key, 'c'), false))).toEqual(Array(5).fill('app'));
    expect(routeKey(press('F6'), false)).toBe('app');
  });

  it('copies with Ctrl+Shift+C, and with Ctrl+C when something is selected', () => {
    expect(routeKey(press('C', 'cs'), false)).toBe('copy');
    expect(routeKey(press('c', 'c'), true)).toBe('copy');
    expect(routeKey(press('c', 'c'), false)).toBe('guest');
  });

  it('gives everything else to the guest', () => {
    expect([routeKey(press('a'), false), routeKey(press('d', 'c'), false), routeKey(press('f', 'ca'), false)]).toEqual([
      'guest',
      'guest',
      'guest',
    ]);
    expect(routeKey(press('f', 'c'), false)).toBe('search');
  });
});
