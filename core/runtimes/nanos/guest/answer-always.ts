/** Answers the calls that are under way when the function brings its own process down. */
import { writeSync } from 'node:fs';
import { inspect } from 'node:util';
import { failure, type Handler, inBundle, type Outcome, type Result } from './handler.ts';

/** Calls the function. `answer` is called once, or never if the returned function was called before. */
export type Call = (event: unknown, answer: (result: Result) => void) => () => void;

/** The time for the last output to leave the machine, which ends with the process. */
const lingerMs = 50;

/** Calls that are answered even when the process ends. Shape: `answer` may be called while the process ends. */
export function answerAlways(handler: Handler, bundlePath: string): Call {
  const waiting = new Set<(result: Result) => void>();
  const answerAll = (outcome: Outcome) => {
    for (const answer of waiting) answer({ outcome });
    waiting.clear();
  };

  // Node.js raises an unhandled rejected promise as such an exception, too.
  process.on('uncaughtException', (thrown: unknown) => {
    // The function handles it itself.
    if (process.listenerCount('uncaughtException') > 1) return;
    writeSync(2, `Uncaught ${inspect(thrown)}\n`);
    const isError = thrown instanceof Error;
    const words = isError ? `${thrown.name}: ${thrown.message}` : inspect(thrown);
    const message = `Nothing caught what was thrown outside of the call, and Node.js ended: ${words}`;
    endWith(failure('FUNCTION_CRASHED', '', message, isError ? inBundle(`${thrown.stack}`, bundlePath) : ''), 1);
  });
  process.on('exit', (code) => {
    if (waiting.size === 0) return;
    const { message, stack } = new Error(`The function ended Node.js, with exit code ${code}.`);
    answerAll(failure('FUNCTION_CRASHED', '', message, inBundle(`${stack}`, bundlePath)));
    linger();
  });

  function endWith(outcome: Outcome, code: number): void {
    const wasWaiting = waiting.size > 0;
    answerAll(outcome);
    if (wasWaiting) linger();
    process.exit(code);
  }

  return (event, answer) => {
    waiting.add(answer);
    void handler(event).then((result) => {
      if (waiting.delete(answer)) answer(result);
    });
    return () => void waiting.delete(answer);
  };
}

/** The sockets have been written to by now. */
function linger(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, lingerMs);
}
