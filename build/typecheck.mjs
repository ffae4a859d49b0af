// `npm run typecheck [-- folder…]`: checks the types of every folder, or of the named ones. It skips unchanged folders.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { formatMs } from './log.mjs';
import { root, runMain, SetupError } from './script.mjs';
import { setUp } from './setup.mjs';
import { writeStyleTypes } from './styles.mjs';

/** The folders with a tsconfig.json, the slowest first. */
export const typedFolders = [
  ...['test', 'renderer', 'core', 'cli', 'electron/main', 'host', 'guest', 'shared', 'electron/preload', 'build'],
  ...readdirSync(join(root, 'packages')).map((name) => `packages/${name}`),
].filter((folder) => existsSync(join(root, folder, 'tsconfig.json')));

/** Runs a program to its end. Shape: `{ ok, output }`. */
export function runCheckTool(command, args) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    const chunks = [];
    child.stdout.on('data', (chunk) => chunks.push(chunk));
    child.stderr.on('data', (chunk) => chunks.push(chunk));
    child.once('error', (error) => resolve({ ok: false, output: error.message }));
    child.once('close', (code) => resolve({ ok: code === 0, output: Buffer.concat(chunks).toString().trim() }));
  });
}

/** Checks the types of one folder. Shape: as `runCheckTool`. */
export function checkTypes(folder) {
  const cacheDir = join(root, '.cache/types');
  mkdirSync(cacheDir, { recursive: true });
  const known = ['--incremental', '--tsBuildInfoFile', join(cacheDir, `${folder.replaceAll('/', '-')}.tsbuildinfo`)];
  const args = ['-p', join(folder, 'tsconfig.json'), '--pretty', 'false', ...known];
  return runCheckTool(join(root, 'node_modules/.bin/tsc'), args);
}

/** Runs checks two at a time (CI has two cores) and prints each result. Shape: `[{ name, run }]`; returns how many failed. */
export async function runChecks(checks) {
  const queue = [...checks];
  let failed = 0;
  const worker = async () => {
    for (let check = queue.shift(); check; check = queue.shift()) {
      const startedAt = performance.now();
      const { ok, output, isNotable = false } = await check.run();
      if (!ok) failed += 1;
      process.stdout.write(`${ok ? 'ok    ' : 'FAILED'} ${check.name} (${formatMs(performance.now() - startedAt)})\n`);
      if ((!ok || isNotable) && output) process.stdout.write(`${output.replace(/^/gm, '    ')}\n`);
    }
  };
  await Promise.all([worker(), worker()]);
  return failed;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await runMain(async () => {
    const folders = process.argv.slice(2).map((name) => name.replace(/\/+$/, ''));
    const unknown = folders.find((folder) => !typedFolders.includes(folder));
    if (unknown)
      throw new SetupError(`${unknown} has no tsconfig.json.`, `The typed folders are: ${typedFolders.join(', ')}`);
    await setUp('lint');
    writeStyleTypes();
    const failed = await runChecks(
      (folders.length > 0 ? folders : typedFolders).map((folder) => ({ name: folder, run: () => checkTypes(folder) })),
    );
    if (failed > 0) process.exitCode = 1;
  });
}
