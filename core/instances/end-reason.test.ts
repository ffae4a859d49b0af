import { describe, expect, it } from 'vitest';
import { describeEnd, type EndedInstance, endedError, endReasonOf } from './end-reason.ts';

const ended: EndedInstance = {
  id: 'hello-1',
  reason: 'vmm-ended',
  consoleText: 'last words\n',
  serialText: '',
  runtime: { readPanic: (text) => (text.includes('PANIC') ? { message: 'page fault', report: text } : null) },
  whileBooting: false,
};

describe('endReasonOf', () => {
  it('reads the events that end a domain, and no others', () => {
    expect(endReasonOf({ event: 'stopped', detail: 'destroyed' })).toBe('destroyed');
    expect(endReasonOf({ event: 'stopped', detail: 'shutdown' })).toBe('shutdown');
    expect(endReasonOf({ event: 'stopped', detail: 'failed' })).toBe('vmm-ended');
    expect(endReasonOf({ event: 'crashed', detail: 'panicked' })).toBe('vmm-ended');
    expect(endReasonOf({ event: 'resumed', detail: 'unpaused' })).toBeNull();
  });
});

describe('endedError', () => {
  it.each([
    [{}, 'INSTANCE_LOST'],
    [{ whileBooting: true }, 'BOOT_FAILED'],
    [{ whileBooting: true, reason: 'destroyed' }, 'INSTANCE_LOST'],
    [{ reason: 'libvirt-lost' }, 'LIBVIRT_LOST'],
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
    expect(describeEnd(ended)).toBe('QEMU ended unexpectedly.');
  });
});
