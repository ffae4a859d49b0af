import { describe, expect, test } from 'vitest';
import { readCrash, readNanosPanic } from './read-crash.ts';
import { type ConsoleName, consoleNames, consoleOf } from './testing/consoles.ts';

const expected: Readonly<Record<ConsoleName, readonly [kind: string, message: string]>> = {
  'user-fault': ['user fault', 'SIGSEGV: the program wrote to 0x1234, where it has no memory'],
  'stack-full': ['user fault', 'SIGSEGV: the stack is full, often from endless recursion'],
  'out-of-memory': ['user fault', 'SIGBUS: the machine is out of memory'],
  abort: ['signal', 'SIGABRT: the program gave up with abort()'],
  symbols: ['user fault', 'SIGSEGV: the program wrote to 0x1234, where it has no memory'],
  'kernel-fault': ['kernel panic', 'Nanos crashed: general protection fault in exec_elf_read'],
  assertion: [
    'kernel panic',
    'Nanos crashed: the assertion "program" failed in register_special_files (src/unix/special.c:367)',
  ],
  'no-program': ['halt', 'Nanos could not start the program: unable to open program file /nope'],
  'no-library': ['halt', 'The program needs the library liblib.so, which is not in the image'],
};

describe('the console of a guest that crashed', () => {
  test.each(consoleNames)('reads how: %s', (name) => {
    const crash = readCrash(consoleOf(name));
    expect([crash?.kind, crash?.message]).toEqual(expected[name]);
  });

  test('reads the same with the line ends of a terminal, or much before it', () => {
    for (const name of consoleNames) {
      const text = `${'the program says something\n'.repeat(5000)}${consoleOf(name)}`.replaceAll('\n', '\r\n');
      expect(readNanosPanic(text)).toEqual(readNanosPanic(consoleOf(name)));
    }
  });

  test('reads registers, frames and stack', () => {
    const crash = readCrash(consoleOf('user-fault'));
    expect(crash).toMatchObject({ address: 0x1234n, signal: { number: 11, code: 1, threadId: 2 } });
    const { context, frames, report } = crash ?? {};
    expect(context).toMatchObject({ vector: 14, vectorName: 'Page fault', errorCode: 6, type: 'thread' });
    expect(context?.registers.size).toBe(24);
    expect(context?.registers.get('rip')?.address).toBe(0x401666n);
    expect(context?.registers.get('r15')?.address).toBe(1n);
    expect(context?.kernelOffset).toBe(0xffffffffd7cd1000n);
    expect(frames?.map(({ address }) => address.toString(16)).slice(0, 4)).toEqual([
      '401666',
      '401687',
      '4016b8',
      '4019e4',
    ]);
    expect(context?.stack).toHaveLength(32);
    expect(report?.split('\n')[0]).toBe('*** signal 11 received by tid 2, errno 0, code 1');
    expect(report?.endsWith('no core generated: limit 0')).toBe(true);
  });

  test('reads the functions where the kernel had loaded them', () => {
    const frames = readCrash(consoleOf('symbols'))?.frames ?? [];
    expect(frames.slice(0, 3).map(({ symbol }) => symbol)).toEqual([
      { name: 'inner', offset: 0x11 },
      { name: 'outer', offset: 0x17 },
      { name: 'main', offset: 0x2c },
    ]);
  });

  test('reads the frames of the kernel, whose report stands after them', () => {
    const crash = readCrash(consoleOf('assertion'));
    expect(crash?.frames[0]).toEqual({
      address: 0xffffffffd78cf9a0n,
      object: 'kernel',
      symbol: { name: 'init_unix', offset: 0x1f0 },
    });
    expect(crash?.report.startsWith('frame trace:')).toBe(true);
    expect(crash?.report).toMatch(/in register_special_files\(\)$/);
  });

  test('reads it also when a list of missing files follows', () => {
    const list = `missing_files_begin\n${'/etc/absent\n'.repeat(20)}missing_files_end\n`;
    const text = consoleOf('user-fault').replace(/(?<=core dump\n)/, list);
    expect(readCrash(text)?.message).toBe(expected['user-fault'][1]);
  });

  test('reads what it can when it was cut off', () => {
    const whole = consoleOf('user-fault');
    for (let length = whole.indexOf('code 1\n') + 8; length < whole.length; length += 41) {
      expect(readCrash(whole.slice(0, length))).toMatchObject({ kind: 'user fault', signal: { number: 11 } });
    }
  });
});

describe('the console of a guest that did not crash', () => {
  test.each([
    ['nothing', ''],
    ['a program that ended', '[0.292956] NET: no network interface found\ndone\n'],
    ['a program that speaks of one', 'it printed "*** signal 11 received by tid 2, errno 0, code 1"\n'],
  ])('reads nothing: %s', (_, text) => {
    expect(readCrash(text)).toBeNull();
  });

  test.each(consoleNames)('is not one that goes on after the report: %s', (name) => {
    const after = 'the program goes on\n'.repeat(9);
    expect(readCrash(`${consoleOf(name)}\n${after}`)).toBeNull();
  });
});
