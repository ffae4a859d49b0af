import { describe, expect, it } from 'vitest';
import { readyMarker } from '../session/wire.ts';
import { createTraceSplitter, partOf } from './split-trace.ts';

const traced = [
  '[2] brk(0x0000000000000000) = 0x502000',
  'hello from C',
  '[2] write(1, 0x00000000005036d0, 13) = 13',
  '    2 run thread, cpu 0, frame 0xffffc0000049d000, pc 0x4014f0, sp 0xffd6dea0, rv 0x0',
  '    2 page fault, vaddr 0x4014f0, vmap 0xffffc000001f3a80, type 3, pc 0x4014f0, user 1',
  '[2] <... read resumed> ) = 4',
  '[3] a list, not a call',
  '  12 apples',
  'missing_files_begin',
  '/etc/nothing',
  'missing_files_end',
  'bye',
  '',
].join('\r\n');

describe('the output of diagnostics', () => {
  it('is separated from the output of the program', () => {
    expect(partOf(Buffer.from(traced), 'program').toString().split('\r\n')).toEqual([
      'hello from C',
      '[3] a list, not a call',
      '  12 apples',
      'bye',
      '',
    ]);
    expect(partOf(Buffer.from(traced), 'trace').toString().split('\r\n')).toEqual([
      '[2] brk(0x0000000000000000) = 0x502000',
      '[2] write(1, 0x00000000005036d0, 13) = 13',
      '    2 run thread, cpu 0, frame 0xffffc0000049d000, pc 0x4014f0, sp 0xffd6dea0, rv 0x0',
      '    2 page fault, vaddr 0x4014f0, vmap 0xffffc000001f3a80, type 3, pc 0x4014f0, user 1',
      '[2] <... read resumed> ) = 4',
      'missing_files_begin',
      '/etc/nothing',
      'missing_files_end',
      '',
    ]);
  });

  it('is recognised after the marker of a listening server, which ends no line', () => {
    const text = `${readyMarker}[2] write(1, 0x00000000ffe49e08, 4) = 4\r\n${readyMarker}hello\r\n`;
    expect(partOf(Buffer.from(text), 'program').toString()).toBe(`${readyMarker}${readyMarker}hello\r\n`);
    expect(partOf(Buffer.from(text), 'trace').toString()).toBe('[2] write(1, 0x00000000ffe49e08, 4) = 4\r\n');
  });

  it('is separated the same way however the bytes come, and no byte is lost', () => {
    const bytes = Buffer.from(`${traced}über ✓`);
    for (const size of [1, 2, 7, 64]) {
      const [program, trace] = [createTraceSplitter('program'), createTraceSplitter('trace')];
      const given: Record<'program' | 'trace', Uint8Array[]> = { program: [], trace: [] };
      for (let at = 0; at < bytes.length; at += size) {
        given.program.push(program.push(bytes.subarray(at, at + size)));
        given.trace.push(trace.push(bytes.subarray(at, at + size)));
      }
      given.program.push(program.end());
      given.trace.push(trace.end());
      const whole = Buffer.concat([...given.program, ...given.trace]);
      expect(whole.length).toBe(bytes.length);
      expect(Buffer.concat(given.program).toString()).toBe(partOf(bytes, 'program').toString());
    }
  });

  it('does not hold back a prompt', () => {
    const splitter = createTraceSplitter('program');
    expect(Buffer.from(splitter.push(Buffer.from('name? '))).toString()).toBe('name? ');
    expect(Buffer.from(splitter.push(Buffer.from('Ada\n[2'))).toString()).toBe('Ada\n');
    expect(Buffer.from(splitter.push(Buffer.from('/3] done'))).toString()).toBe('[2/3] done');
  });
});
