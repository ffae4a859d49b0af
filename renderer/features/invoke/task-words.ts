import type { Task } from '../../state/transient.ts';

/** A shorter wait is not shown: most handlers have answered by then. */
const noticedMs = 1_000;

/** The present step of a task, with the wait for the handler so far and its limit. */
export function taskWords({ message, answer, cancelling }: Task, nowMs: number): string {
  if (cancelling) return 'Cancelling';
  if (answer === null || nowMs - answer.sinceMs < noticedMs) return message;
  return `${message}, ${seconds(nowMs - answer.sinceMs)} of ${seconds(answer.limitMs)}`;
}

/** The present step of a task, with the key that cancels it as long as none has. */
export const taskNote = (task: Task, nowMs: number): string =>
  task.cancelling ? taskWords(task, nowMs) : `${taskWords(task, nowMs)}, Esc cancels`;

const seconds = (ms: number) => `${(ms / 1000).toFixed(ms % 1000 === 0 ? 0 : 1)} s`;
