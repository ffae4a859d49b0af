import type { Task } from '../../state/transient.ts';

/** Below this a wait is not news: most handlers have answered by then. */
const noticedMs = 1_000;

/** What a task does now, with how long the handler has been waited for and may be. */
export function taskWords({ message, answer, cancelling }: Task, nowMs: number): string {
  if (cancelling) return 'Cancelling';
  if (answer === null || nowMs - answer.sinceMs < noticedMs) return message;
  return `${message}, ${seconds(nowMs - answer.sinceMs)} of ${seconds(answer.limitMs)}`;
}

const seconds = (ms: number) => `${(ms / 1000).toFixed(ms % 1000 === 0 ? 0 : 1)} s`;
