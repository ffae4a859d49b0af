// `npm start [-- <args>]`: sets up the missing parts, then runs the command line in this same process.
// Without arguments it opens the studio. Set-up prints on stderr only.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root, runMain } from './script.mjs';
import { setUp } from './setup.mjs';

await runMain(async () => {
  const args = process.argv.slice(2);
  const opensWindow = args.length === 0 || args.includes('studio');
  await setUp(opensWindow || args.includes('serve') ? 'studio' : 'run', { wantsWindow: opensWindow });
  const cliPath = join(root, 'dist/cli.mjs');
  process.argv = [process.execPath, cliPath, ...(args.length > 0 ? args : ['studio'])];
  // npm runs scripts in the project's root; a typed path is relative to the person's own folder.
  const typedIn = process.env.INIT_CWD;
  if (process.env.npm_lifecycle_event === 'start' && typedIn && existsSync(typedIn)) process.chdir(typedIn);
  await import(pathToFileURL(cliPath).href);
});
