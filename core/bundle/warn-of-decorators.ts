/** Warns of TypeScript options without effect here: esbuild compiles file by file, without types. */
import { relative, resolve } from 'node:path';
import type { Metafile } from 'esbuild';
import type { Problem } from '#shared/errors.ts';
import { readSource } from './read-source.ts';
import type { Tsconfig } from './tsconfig.ts';

/** The effect that each option would have, and its replacement. */
const ignored: Readonly<Record<string, string>> = {
  emitDecoratorMetadata:
    'types are not known when a function is compiled, so `design:type` and `design:paramtypes` are undefined. Name the types in the decorators themselves ' +
    '(`@Inject(Service)`), or compile with tsc or SWC first and name its output as "entry"',
  rootDirs: 'imports are resolved from the folder that they stand in. Use "paths"',
  moduleSuffixes: 'imports are resolved without suffixes. Import the file by its whole name',
  jsx: 'JSX is compiled, here to calls of React.createElement. Set "jsx" to "react-jsx"',
  plugins: 'a transformer of ts-patch does not run here. Compile with tspc first and name its output as "entry"',
  customConditions:
    'packages are resolved by the conditions of the runtime. Import the file by its path in the package',
};

/** A warning for each such option that is on, where it could matter. */
export async function warnOfDecorators(
  projectDir: string,
  { path, options: found }: Pick<Tsconfig, 'path' | 'options'>,
  { inputs }: Pick<Metafile, 'inputs'>,
): Promise<Problem[]> {
  const hasJsx = Object.keys(inputs).some((path) => /\.[jt]sx$/.test(path) && !path.includes('node_modules/'));
  const options = Object.keys(ignored).filter((name) =>
    name === 'jsx'
      ? hasJsx && leavesJsx(found[name])
      : isOn(name === 'plugins' ? transformersIn(found[name]) : found[name]),
  );
  if (options.length === 0) return [];
  const isUsed = !options.includes('emitDecoratorMetadata') || (await hasDecorators(projectDir, Object.keys(inputs)));
  const text = (await readSource(path)) ?? '';
  return options
    .filter((name) => name !== 'emitDecoratorMetadata' || isUsed)
    .map((name): Problem => {
      const lines = text.split('\n');
      const line = lines.findIndex((words) => words.includes(`"${name}"`));
      const lineText = lines[line];
      const place =
        lineText === undefined ? {} : { line: line + 1, column: lineText.indexOf(`"${name}"`) + 1, lineText };
      return {
        severity: 'warning',
        message: `"${name}" has no effect: ${ignored[name]}.`,
        file: relative(projectDir, path),
        ...place,
      };
    });
}

/** Frameworks have it so, since they compile JSX in a step of their own. */
const leavesJsx = (value: unknown) => value === 'preserve' || value === 'react-native';
/** The other plugins are the editor's. */
const transformersIn = (value: unknown) =>
  Array.isArray(value) ? value.filter((plugin) => typeof plugin?.transform === 'string') : value;
const isOn = (value: unknown) => value === true || (Array.isArray(value) && value.length > 0);

async function hasDecorators(projectDir: string, paths: readonly string[]): Promise<boolean> {
  for (const path of paths) {
    if (!/\.[cm]?tsx?$/.test(path) || path.includes('node_modules/')) continue;
    const text = await readSource(resolve(projectDir, path));
    if (text !== undefined && /(?:^|[\s(,])@[A-Za-z_$][\w$.]*/m.test(text)) return true;
  }
  return false;
}
