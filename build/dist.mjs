// `npm run dist [-- --dir]`: the desktop packages (AppImage and deb) in dist/packages.
// Electron's binary comes from its own site; where that cannot be reached, this checks the configuration and says so.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { bundleAll } from './bundle.mjs';
import { log, logStep } from './log.mjs';
import { runTool } from './run-tool.mjs';
import { root, runMain, SetupError } from './script.mjs';
import { setUp } from './setup.mjs';

const configPath = 'build/electron-builder.mjs';
const electronBinary = join(root, 'node_modules/electron/dist/electron');

/** Errors: throws a SetupError when the configuration has a key or a value that electron-builder does not know. */
async function checkConfig() {
  const { default: config } = await import('./electron-builder.mjs');
  const { validateConfiguration } = await import('app-builder-lib/out/util/config/config.js');
  const { DebugLogger } = await import('builder-util');
  await validateConfiguration(config, new DebugLogger(false)).catch((error) => {
    throw new SetupError(
      `${configPath} is not valid: ${error.message}`,
      'See https://www.electron.build/configuration',
    );
  });
  for (const path of [config.linux.icon, config.directories.buildResources]) {
    if (!existsSync(join(root, path))) throw new SetupError(`${configPath} names ${path}, which is not there.`);
  }
}

function fetchElectron() {
  return logStep("Electron's binary", () =>
    runTool(process.execPath, ['node_modules/electron/install.js'], {
      name: 'electron-install',
      hint: `${configPath} is valid and dist/ is built: only the packing is left. Run \`npm run dist\` where Electron's site can be reached, or set ELECTRON_MIRROR.`,
    }),
  );
}

function runBuilder(args) {
  return new Promise((resolve, reject) => {
    const child = spawn(
      process.execPath,
      ['node_modules/electron-builder/cli.js', '--linux', '--config', configPath, ...args],
      {
        cwd: root,
        stdio: 'inherit',
      },
    );
    child.once('error', reject);
    child.once('close', (code) =>
      code === 0 ? resolve() : reject(new SetupError('electron-builder failed; its words are above.', undefined)),
    );
  });
}

await runMain(async () => {
  await setUp('dist');
  // Chunks of older builds have no place in a package.
  await bundleAll({ keepMs: 0 });
  await checkConfig();
  log(`dist: ${configPath} is valid`);
  if (!existsSync(electronBinary)) await fetchElectron();
  await runBuilder(['--publish', 'never', ...process.argv.slice(2)]);
  log('dist: packages are in dist/packages');
});
