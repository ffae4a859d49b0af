/** The end of a log, and the number of dropped lines before it. */
export interface LogText {
  readonly text: string;
  readonly leftOut: number;
}

export const noLog: LogText = { text: '', leftOut: 0 };

/** Lines that a browser lays out at once without a stutter. */
const mostLines = 2000;

/** A log with more text at its end; the oldest whole lines are dropped. */
export function appendLog({ text, leftOut }: LogText, more: string): LogText {
  const whole = text + more;
  const lines = whole.split('\n');
  const over = lines.length - 1 - mostLines;
  return over <= 0 ? { text: whole, leftOut } : { text: lines.slice(over).join('\n'), leftOut: leftOut + over };
}
