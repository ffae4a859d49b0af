import { type FirstlightError, type Problem, toWireError } from '#shared/errors.ts';
import type { Style } from './style.ts';

/** Lines of a tool's or guest's own words that a terminal gets; the JSON has them all. */
const maxOutputLines = 20;

/** An error as a person reads it: what and where, the tool's words, the causes, then what to do. */
export function renderError(error: FirstlightError, style: Style): string {
  const { problems = [], stack, output } = error.details;
  const lines = [`${style.red('error')}${style.dim(`[${error.code}]`)} ${style.foreign(error.message)}`];
  for (const problem of problems) lines.push(...renderProblem(problem, style, error.message));
  if (stack) lines.push(...renderStack(stack, error.message, style));
  if (output) {
    const tail = style.foreign(output).trimEnd().split('\n').slice(-maxOutputLines);
    lines.push(...tail.map((line) => style.dim(`  | ${line}`)));
  }
  const causes = toWireError(error).causes ?? [];
  for (const cause of causes.filter((text) => !error.message.includes(text))) {
    lines.push(style.dim(`  because: ${style.foreign(cause)}`));
  }
  if (error.hint) lines.push(`${style.green('hint')} ${error.hint}`);
  return `${lines.join('\n')}\n`;
}

/**
 * A problem at its place: `file:line:column`, the source line, a caret under the column.
 *
 * Shape: `said` is what stands above it and is not said twice.
 */
export function renderProblem(problem: Problem, style: Style, said = ''): string[] {
  const { file, line, column, lineText, severity, message } = problem;
  const place = [file, line, column].filter((part) => part !== undefined).join(':');
  const kind = severity === 'error' ? style.red('error') : style.yellow('warning');
  const parts = [
    ...(place === '' || said.includes(place) ? [] : [style.bold(style.foreign(place))]),
    ...(said.includes(message) ? [] : [`${kind}: ${style.foreign(message)}`]),
  ];
  const lines = parts.length > 0 ? [`  ${parts.join(': ')}`] : [];
  if (lineText !== undefined && line !== undefined) {
    const gutter = `  ${line} | `;
    lines.push(`${style.dim(gutter)}${style.foreign(lineText)}`);
    if (column !== undefined) {
      // Tabs before the caret stay tabs, so that it stands where the terminal puts the character.
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

/** An error as `--json` prints it. Shape: code, message, then what there is of hint, stack, problems, output, causes. */
export function errorJson(thrown: FirstlightError): Record<string, unknown> {
  const { details, ...rest } = toWireError(thrown);
  return { ...rest, ...details };
}
