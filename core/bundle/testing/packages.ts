import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openFunction } from '#core/runtimes/ember/testing/open-function.ts';
import { FirstlightError } from '#shared/errors.ts';
import { openWorkshop, type Workshop } from './bundle-and-open.ts';
import { type PackageUse, packageUses } from './package-uses.ts';

/** The options that `npm run bench` gives. */
export interface PackagesOptions {
  readonly dir?: string | undefined;
  readonly log: (line: string) => void;
}

/** The result of a package. `answer` is undefined where the use failed; `problem` is then the reason. */
export interface PackageResult {
  readonly name: string;
  readonly version: string;
  readonly isRight: boolean;
  readonly bundleKiB: number;
  readonly warnings: readonly string[];
  readonly problem: string | null;
}

/**
 * A small use of each of the npm packages that functions import most, in the guest's engine, beside the same use in
 * Node.js: `isRight` where both give the same answer.
 *
 * Needs a folder in which they are installed: `npm install --ignore-scripts` with the names that it prints without one.
 * Errors: BAD_INPUT.
 */
export async function benchPackages({ dir, log }: PackagesOptions) {
  if (dir === undefined) {
    const names = [...new Set(packageUses.flatMap(({ name, needs = [] }) => [name, ...needs]))].join(' ');
    throw new FirstlightError('BAD_INPUT', 'The benchmark packages needs a folder with the packages.', {
      hint: `npm install --ignore-scripts --prefix <path> ${names}, then npm run bench -- packages --dir <path>`,
    });
  }
  const shop = await openWorkshop();
  try {
    const results: PackageResult[] = [];
    for (const use of packageUses) {
      const result = await tryPackage(shop, dir, use);
      results.push(result);
      log(`${result.name} ${result.version}: ${result.isRight ? 'right' : result.problem}`);
    }
    return { right: results.filter(({ isRight }) => isRight).length, total: results.length, results };
  } finally {
    await shop.close();
  }
}

/** The use of one package that is installed in `dir`. */
export async function tryPackage(shop: Workshop, dir: string, { name, code }: PackageUse): Promise<PackageResult> {
  const text = await readFile(join(dir, 'node_modules', name, 'package.json'), 'utf8').catch(() => '{}');
  const none = { name, version: String(JSON.parse(text).version ?? '?'), isRight: false, bundleKiB: 0, warnings: [] };
  const at = join(dir, 'uses', name.replaceAll('/', '-'));
  try {
    await mkdir(at, { recursive: true });
    await writeFile(join(at, 'firstlight.json'), JSON.stringify({ name: 'use', memoryMiB: 128 }));
    await writeFile(join(at, 'handler.js'), code);
    await writeFile(join(at, 'handler.ts'), "export { default } from './handler.js';\n");
    const expected = await answerOfNode(join(at, 'handler.js'));
    const bundle = await shop.bundleAt(at);
    const { call } = await openFunction(bundle.code);
    const answer = JSON.stringify((await call()).body);
    return {
      ...none,
      isRight: answer === expected,
      bundleKiB: Math.round(bundle.code.length / 1024),
      warnings: bundle.warnings.map(({ message }) => message),
      problem: answer === expected ? null : `It answers ${answer}, and in Node.js ${expected}.`.slice(0, 500),
    };
  } catch (thrown) {
    return { ...none, problem: (thrown instanceof Error ? thrown.message : String(thrown)).slice(0, 500) };
  }
}

async function answerOfNode(path: string): Promise<string> {
  const module = (await import(path)) as { default: () => unknown };
  return JSON.stringify(await module.default());
}
