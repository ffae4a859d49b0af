/** A line of a stack: a place in a source file, or text. */
export type StackLine =
  | {
      readonly kind: 'frame';
      readonly name: string;
      readonly file: string;
      readonly line: number;
      readonly column: number;
    }
  | { readonly kind: 'text'; readonly text: string };

const frame = /^\s*at\s+(?:(.*?)\s+\()?([^()\s]+?):(\d+):(\d+)\)?\s*$/;

/** The lines of a stack as engines print it, `at name (file:line:column)`. */
export function parseStack(stack: string): readonly StackLine[] {
  return stack
    .split('\n')
    .filter((text) => text.trim() !== '')
    .map((text) => {
      const match = frame.exec(text);
      if (match === null) return { kind: 'text', text };
      const [, name = '', file = '', line, column] = match;
      return { kind: 'frame', name: name || '(top level)', file, line: Number(line), column: Number(column) };
    });
}
