import { expect, it } from 'vitest';
import { renameImports } from './rename-imports.ts';

const after = (files: Record<string, string>, from: string, to: string) =>
  Object.fromEntries(
    renameImports(
      Object.entries(files).map(([path, text]) => ({ path, text })),
      from,
      to,
    ).map(({ path, text }) => [path, text]),
  );

it('changes each form of import of a renamed file, and leaves others as they are', () => {
  const files = {
    'handler.ts':
      "import { a } from './greet.ts';\nexport * from \"./greet\";\nconst b = await import('./greet.js');\n",
    'other.ts': "import z from 'zod';\nimport './great.ts';\n",
    'greet.ts': '',
    'great.ts': '',
  };
  expect(after(files, 'greet.ts', 'lib/hello.ts')).toEqual({
    'handler.ts':
      "import { a } from './lib/hello.ts';\nexport * from \"./lib/hello\";\nconst b = await import('./lib/hello.js');\n",
  });
});

it('changes what a file that moves to another folder imports', () => {
  const files = { 'lib/greet.ts': "import { x } from './text.ts';\n", 'lib/text.ts': '', 'handler.ts': '' };
  expect(after(files, 'lib/greet.ts', 'greet.ts')).toEqual({ 'greet.ts': "import { x } from './lib/text.ts';\n" });
  const up = { 'greet.ts': "import h from './handler.ts';\n", 'handler.ts': '' };
  expect(after(up, 'greet.ts', 'lib/greet.ts')).toEqual({ 'lib/greet.ts': "import h from '../handler.ts';\n" });
});

it('follows a folder’s index, and JSON', () => {
  const files = {
    'handler.ts': "import a from './lib';\nimport d from './data.json';\n",
    'lib/index.ts': '',
    'data.json': '',
  };
  expect(after(files, 'lib/index.ts', 'lib/all.ts')['handler.ts']).toContain("'./lib/all'");
  expect(after(files, 'data.json', 'words.json')['handler.ts']).toContain("'./words.json'");
});

it('does not touch what leads out of the project, or to nothing', () => {
  expect(after({ 'handler.ts': "import '../../x.ts'; import './missing.ts';", 'x.ts': '' }, 'x.ts', 'y.ts')).toEqual(
    {},
  );
});

it('follows the address of a file beside the module', () => {
  const files = {
    'handler.ts': "const at = new URL('./words.txt', import.meta.url);\nnew URL('./words.txt', 'http://x/');\n",
    'words.txt': '',
  };
  expect(after(files, 'words.txt', 'data/words.txt')).toEqual({
    'handler.ts': "const at = new URL('./data/words.txt', import.meta.url);\nnew URL('./words.txt', 'http://x/');\n",
  });
  expect(after(files, 'handler.ts', 'lib/handler.ts')['lib/handler.ts']).toContain(
    "new URL('../words.txt', import.meta.url)",
  );
});
