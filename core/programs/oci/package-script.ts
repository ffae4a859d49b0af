/** Node.js' package managers, which start the command of a `package.json` in a shell. */
import { posix } from 'node:path';
import { z } from 'zod';
import { type Finder, lookUp } from './resolve-command.ts';

/** Shape: `text` is the shell's command, in which the package's own programs are found in `binDir`. */
export interface PackageScript {
  readonly tool: string;
  readonly text: string;
  readonly args: readonly string[];
  readonly binDir: string;
}

const packageSchema = z.object({ scripts: z.record(z.string(), z.string()).optional() });
/** The commands of yarn and pnpm that no script has to be named for. */
const runs = new Set(['run', 'run-script', 'rum', 'urn']);
const shortcuts = new Set(['start', 'stop', 'test', 'restart']);

/** The script that a package manager starts; null for any other command. Source: npm-run-script(1), npm-start(1). */
export async function readPackageScript(
  words: readonly string[],
  { tree, readStart, cwd }: Finder,
): Promise<PackageScript | null> {
  const [program = '', ...rest] = words;
  const tool = program.slice(program.lastIndexOf('/') + 1);
  if (!['npm', 'yarn', 'pnpm'].includes(tool)) return null;
  const given = rest.slice(
    Math.max(
      0,
      rest.findIndex((word) => !word.startsWith('-')),
    ),
  );
  const [command = ''] = given;
  const name = runs.has(command) ? given[1] : command;
  if (name === undefined || (tool === 'npm' && !runs.has(command) && !shortcuts.has(command))) return null;
  const after = given.slice(runs.has(command) ? 2 : 1);
  const node = lookUp(tree, posix.join(cwd, 'package.json'))?.node;
  const scripts = node?.kind === 'file' ? parseScripts(Buffer.from(await readStart(node)).toString('utf8')) : {};
  const hasServer = lookUp(tree, posix.join(cwd, 'server.js'))?.node.kind === 'file';
  const text = scripts[name] ?? (tool === 'npm' && name === 'start' && hasServer ? 'node server.js' : undefined);
  if (text === undefined) return null;
  // npm keeps its own options before `--`; the others pass all on.
  const end = after.indexOf('--');
  const args = end === 0 || (tool === 'npm' && end !== -1) ? after.slice(end + 1) : after;
  return { tool, text, args, binDir: posix.join(cwd, 'node_modules/.bin') };
}

function parseScripts(text: string): Readonly<Record<string, string>> {
  try {
    return packageSchema.safeParse(JSON.parse(text)).data?.scripts ?? {};
  } catch {
    return {};
  }
}
