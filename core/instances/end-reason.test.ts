import { describe, expect, it } from 'vitest';
import { describeEnd, type EndedInstance, endedError } from './end-reason.ts';

const ended: EndedInstance = {
  id: 'hello-1',
  reason: 'vmm-ended',
  consoleText: 'last words\n',
  serialText: '',
  runtime: { readPanic: (text) => (text.includes('PANIC') ? { message: 'page fault', report: text } : null) },
  whileBooting: false,
};

describe('endedError', () => {
  it.each([
    [{}, 'INSTANCE_LOST'],
    [{ whileBooting: true }, 'BOOT_FAILED'],
    [{ whileBooting: true, reason: 'destroyed' }, 'INSTANCE_LOST'],
    [{ reason: 'host-lost' }, 'LIBVIRT_LOST'],
    [{ serialText: 'PANIC' }, 'GUEST_PANICKED'],
    [{ consoleText: 'last words: PANIC' }, 'INSTANCE_LOST'],
  ] as const)('%o is %s, with the guest’s last words', (change, code) => {
    const error = endedError({ ...ended, ...change });
    expect(error.code).toBe(code);
    expect(error.hint).toBeTruthy();
    expect(error.details.output).toMatch(/last words|PANIC/);
  });

  it('prefers the guest’s own reason', () => {
    expect(describeEnd({ ...ended, serialText: 'PANIC' })).toBe('page fault');
    expect(describeEnd(ended)).toBe('The VMM ended unexpectedly.');
  });
});
