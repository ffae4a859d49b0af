import { type FirstlightError, type Problem, toWireError } from '#shared/errors.ts';
import type { Style } from './style.ts';

/** The number of lines of a tool's or guest's output that a terminal gets; the JSON has them all. */
const maxOutputLines = 20;

/** The part of one line that a terminal gets. A path or a key of a file may be as long as the file. */
const maxLineLength = 1000;

/** An error as text for a person: message and place, the tool's output, the causes, then the hint. */
export function renderError(error: FirstlightError, style: Style): string {
  const { problems = [], stack, output } = error.details;
  const lines = [`${style.red('error')}${style.dim(`[${error.code}]`)} ${style.foreign(cutLines(error.message))}`];
  for (const problem of problems) lines.push(...renderProblem(problem, style, error.message));
  if (stack) lines.push(...renderStack(stack, error.message, style));
  if (output) {
    const tail = style.foreign(cutLines(output)).trimEnd().split('\n').slice(-maxOutputLines);
    lines.push(...tail.map((line) => style.dim(`  | ${line}`)));
  }
  const causes = toWireError(error).causes ?? [];
  for (const cause of causes.filter((text) => !error.message.includes(text))) {
    lines.push(style.dim(`  because: ${style.foreign(cutLines(cause))}`));
  }
  if (error.hint) lines.push(`${style.green('hint')} ${error.hint}`);
  return `${lines.join('\n')}\n`;
}

/** The text with what its long lines have beyond the limit counted instead of printed. */
function cutLines(text: string): string {
  if (text.length <= maxLineLength) return text;
  const cut = (line: string) => `${line.slice(0, maxLineLength)}… (${line.length - maxLineLength} characters more)`;
  return text
    .split('\n')
    .map((line) => (line.length > maxLineLength ? cut(line) : line))
    .join('\n');
}

/**
 * A problem at its place: `file:line:column`, the source line, a caret under the column.
 *
 * Shape: `said` is the text printed above it, which is not repeated.
 */
export function renderProblem(problem: Problem, style: Style, said = ''): string[] {
  const { file, line, column, lineText, severity, message } = problem;
  const place = [file, line, column].filter((part) => part !== undefined).join(':');
  const kind = severity === 'error' ? style.red('error') : style.yellow('warning');
  const parts = [
    ...(place === '' || said.includes(place) ? [] : [style.bold(style.foreign(place))]),
    ...(said.includes(message) ? [] : [`${kind}: ${style.foreign(cutLines(message))}`]),
  ];
  const lines = parts.length > 0 ? [`  ${parts.join(': ')}`] : [];
  if (lineText !== undefined && line !== undefined) {
    const gutter = `  ${line} | `;
    lines.push(`${style.dim(gutter)}${style.foreign(lineText)}`);
    if (column !== undefined) {
      // Tabs before the caret stay tabs, so that the caret is under the character on the terminal.
      const before = lineText.slice(0, column - 1).replace(/[^\t]/g, ' ');
      lines.push(`${' '.repeat(gutter.length)}${before}${style.red('^')}`);
    }
  }
  return lines;
}

/** The stack without its first line where that only repeats the message. */
function renderStack(stack: string, message: string, style: Style): string[] {
  const lines = style.foreign(stack).trimEnd().split('\n');
  const repeats = lines[0] !== undefined && !/^\s*at /.test(lines[0]) && message.includes(lines[0].trim());
  return lines.slice(repeats ? 1 : 0).map((line) => style.dim(`  ${line.trim()}`));
}

/** An error as `--json` prints it. Shape: code, message, then any of hint, stack, problems, output, causes. */
export function errorJson(thrown: FirstlightError): Record<string, unknown> {
  const { details, ...rest } = toWireError(thrown);
  return { ...rest, ...details };
}
