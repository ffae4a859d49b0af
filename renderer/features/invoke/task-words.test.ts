import { expect, it } from 'vitest';
import type { Task } from '../../state/transient.ts';
import { taskNote } from './task-words.ts';

it('names the key that cancels only until a person has cancelled', () => {
  const task = { message: 'Running your handler', answer: { sinceMs: 0, limitMs: 10_000 }, cancelling: false } as Task;
  expect(taskNote(task, 4_200)).toBe('Running your handler, 4.2 s of 10 s, Esc cancels');
  expect(taskNote({ ...task, cancelling: true }, 4_200)).toBe('Cancelling');
});
