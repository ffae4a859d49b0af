import { describe, expect, it } from 'vitest';
import { createTimedLogReader } from './timed-log.ts';

const at = (nanos: number, zone = 'Z') => `2026-01-02T03:04:05.${String(nanos).padStart(9, '0')}${zone}`;
const bytes = (text: string) => Buffer.from(text);
const textOf = (taken: Uint8Array) => Buffer.from(taken).toString('utf8');

describe('a log with timestamps', () => {
  const log = `${at(1)} a \x1b[31mred\r\n${at(2)} \n${at(3)} ü\n`;

  it('is given byte for byte without them, wherever it is cut', () => {
    for (const size of [1, 2, 7, 1000]) {
      const reader = createTimedLogReader();
      const all = bytes(log);
      let out = Buffer.alloc(0);
      for (let from = 0; from < all.length; from += size) {
        out = Buffer.concat([out, reader.push(all.subarray(from, from + size))]);
      }
      expect(out.toString('utf8')).toBe('a \x1b[31mred\r\n\nü\n');
    }
  });

  it('is continued after a lost connection, in mid-line too, without a byte missing or doubled', () => {
    const all = bytes(log);
    for (let cut = 0; cut <= all.length; cut++) {
      const reader = createTimedLogReader();
      const first = reader.push(all.subarray(0, cut));
      reader.reopen();
      const joined = Buffer.concat([first, reader.push(all)]);
      expect(joined.toString('utf8')).toBe('a \x1b[31mred\r\n\nü\n');
    }
  });

  it('keeps lines of the same time, and says since when it is to be asked for', () => {
    const reader = createTimedLogReader();
    expect(reader.reopen()).toBeUndefined();
    expect(textOf(reader.push(bytes(`${at(5)} one\n${at(5)} two\n`)))).toBe('one\ntwo\n');
    expect(reader.reopen()).toBe(at(5));
    expect(textOf(reader.push(bytes(`${at(5)} one\n${at(5)} two\n${at(5)} three\n`)))).toBe('three\n');
  });

  it('takes the time zone of a node into account', () => {
    const reader = createTimedLogReader();
    reader.push(bytes(`${at(5, '+02:00')} one\n`));
    reader.reopen();
    expect(textOf(reader.push(bytes(`2026-01-02T01:04:05.000000005Z one\n2026-01-02T01:04:05.1Z two\n`)))).toBe(
      'two\n',
    );
  });

  it('leaves words without a time as they are', () => {
    const words = 'unable to retrieve container logs for containerd://1f\n';
    expect(textOf(createTimedLogReader().push(bytes(words)))).toBe(words);
  });
});
