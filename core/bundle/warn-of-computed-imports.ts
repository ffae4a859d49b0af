/** Warns of imports whose file is known only when they run: it is not in the bundle. */
import type { Metafile } from 'esbuild';
import type { BundleEngine } from '#core/runtime/images.ts';
import type { Problem } from '#shared/errors.ts';

/**
 * `import(name)` and `require(name)`. The compiler itself follows those whose argument begins with the text of a
 * relative folder.
 */
const computed =
  /(?<![\w$.])(import|require)\(\s*(?:\/\*.*?\*\/\s*)?(?!['"]|`[^`$]*`|`\.{1,2}\/)([^)\n]+)\)(?!\s*[:{])/g;
/** Node.js finds by path what lies beside the bundle, and its own modules by their names. */
const isPath = /\bimport\.meta\b|\b__dirname\b|\bpathToFileURL\b|\brequire\.resolve\(\s*['"]|^[`'"]node:/;
const isComment = /^\s*(?:\/\/|\/?\*)/;

const explain = (kind: string) =>
  `The bundle has only the files that imports name, and this \`${kind}()\` names none. Let its argument begin with a folder, whose files are then all taken: \`${kind}('./lib/' + name)\`.`;

/** A warning for each such line of the project's own files. */
export async function warnOfComputedImports(
  engine: BundleEngine,
  { inputs }: Pick<Metafile, 'inputs'>,
  readText: (path: string) => Promise<string | undefined>,
): Promise<Problem[]> {
  const problems: Problem[] = [];
  for (const path of Object.keys(inputs)) {
    if (path.includes('node_modules/') || !/\.[cm]?[jt]sx?$/.test(path)) continue;
    const text = await readText(path);
    if (text === undefined || !/\b(?:import|require)\(/.test(text)) continue;
    const declaresRequire = /\b(?:const|let|var|function)\s+require\b/.test(text);
    for (const [index, lineText] of text.split('\n').entries()) {
      if (isComment.test(lineText)) continue;
      for (const { 1: kind = '', 2: argument = '', index: at } of lineText.matchAll(computed)) {
        if (kind === 'require' && declaresRequire) continue;
        if (engine === 'node' && isPath.test(argument)) continue;
        problems.push({
          severity: 'warning',
          message: explain(kind),
          file: path,
          line: index + 1,
          column: at + 1,
          lineText,
        });
      }
    }
  }
  return problems;
}
