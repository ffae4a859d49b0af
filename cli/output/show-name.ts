import type { Style } from './style.ts';

/** A file's name on one line, also when it contains a line break, which could pass for the next entry. */
export function showName(name: string, style: Style): string {
  return style.foreign(name).replaceAll('\n', '␊').replaceAll('\t', '␉');
}
