import { describe, expect, it } from 'vitest';
import { readEmberPanic } from './read-panic.ts';

describe('readEmberPanic', () => {
  it('finds an exception and its report', () => {
    const report = 'ember: page fault (vector 14, error 0x2)\r\n  write at 0000000000000000, page not present\r\n';
    expect(readEmberPanic(`hello\r\n\r\n${report}`)).toEqual({
      message: 'page fault (vector 14, error 0x2)',
      report: 'ember: page fault (vector 14, error 0x2)\n  write at 0000000000000000, page not present',
    });
  });

  it('finds a panic of the kernel itself', () => {
    expect(readEmberPanic('ember: panic: no memory for the heap\n')?.message).toBe('no memory for the heap');
  });

  it('finds a trap of the engine, which has its registers, or lists its calls', () => {
    const calls = 'calls (from the stack, newest first):\n  0000000000200000  qjs:f1+0x5';
    for (const registers of ['  rip 0000000000200000  qjs:f1+0x5\n', '']) {
      const report = `ember: abort in QuickJS\n${registers}${calls}`;
      expect(readEmberPanic(`${report}\n`)).toEqual({ message: 'abort in QuickJS', report });
    }
  });

  it('takes nothing else for one, also when a function prints something like it', () => {
    expect(readEmberPanic('')).toBeNull();
    expect(readEmberPanic('ember: ready\nnot ember: panic: x\n')).toBeNull();
  });
});
