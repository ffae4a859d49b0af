import { expect, it } from 'vitest';
import { renameInConfig } from './rename-in-config.ts';

it('changes each place that names the file on this machine, and no path in the guest', () => {
  const text = `{
  // kept
  "entry": "handler.ts",
  "python": { "script": "./main.py" },
  "files": { "/data/words.txt": "./words.txt", "/words.txt": "words.txt", "words.txt": "other.txt" }
}
`;
  expect(renameInConfig(text, 'handler.ts', 'lib/main.ts')).toBe(text.replace('handler.ts', 'lib/main.ts'));
  expect(renameInConfig(text, 'main.py', 'app.py')).toBe(text.replace('main.py', 'app.py'));
  expect(renameInConfig(text, 'words.txt', 'data/w.txt')).toBe(
    text.replace('"./words.txt"', '"./data/w.txt"').replace(': "words.txt"', ': "data/w.txt"'),
  );
  expect(renameInConfig(text, 'absent.txt', 'x.txt')).toBe(text);
});
