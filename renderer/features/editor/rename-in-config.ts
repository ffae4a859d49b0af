import type { JSONPath } from 'jsonc-parser';
import { readConfig, setInConfig, valueAt } from '../../state/config-text.ts';

/** The text of firstlight.json after a file of the project got another path: what names the file there follows. */
export function renameInConfig(text: string, from: string, to: string): string {
  const files = valueAt(readConfig(text) ?? {}, ['files']);
  const names: readonly JSONPath[] = [
    ['entry'],
    ['program'],
    ['python', 'script'],
    // From a path in the guest to one on this machine, which is the file's.
    ...Object.keys(typeof files === 'object' && files !== null ? files : {}).map((guestPath) => ['files', guestPath]),
  ];
  return names.reduce((before, path) => {
    const value = valueAt(readConfig(before) ?? {}, path);
    if (value === from) return setInConfig(before, path, to);
    return value === `./${from}` ? setInConfig(before, path, `./${to}`) : before;
  }, text);
}
