import { expect, it } from 'vitest';
import { commandOf } from './timeline-keys.ts';

const press = (key: string, held: Partial<Record<'shiftKey' | 'ctrlKey' | 'altKey' | 'metaKey', boolean>> = {}) =>
  commandOf({ key, shiftKey: false, ctrlKey: false, altKey: false, metaKey: false, ...held });

it('reads keys as commands', () => {
  expect(press('ArrowRight')).toEqual({ kind: 'pan', share: 0.12 });
  expect(press('ArrowLeft', { shiftKey: true })).toEqual({ kind: 'cursor', share: -0.01 });
  expect(press('3')).toEqual({ kind: 'phase', name: 'firmware' });
  expect(press('.')).toEqual({ kind: 'mark', step: 1 });
});

it('leaves the studio’s shortcuts and other keys alone', () => {
  expect(press('1', { ctrlKey: true })).toBeNull();
  expect(press('9')).toBeNull();
  expect(press('q')).toBeNull();
});
