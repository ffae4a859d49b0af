// `npm run dist [-- --dir]`: the desktop packages (AppImage and deb) in dist/packages.
// Electron's binary comes from its own site; where that cannot be reached, `--dir` packs with the Electron for tests.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { bundleAll } from './bundle.mjs';
import { log, logStep } from './log.mjs';
import { builderProgram, checkConfig, configPath, tryConfigPath } from './packager/builder.mjs';
import { runTool } from './run-tool.mjs';
import { root, runMain, SetupError } from './script.mjs';
import { setUp } from './setup.mjs';
import { testElectronBinary, testElectronVersion, unpackTestElectron } from './test-electron.mjs';

const electronBinary = join(root, 'node_modules/electron/dist/electron');

function fetchElectron() {
  return logStep("Electron's binary", () =>
    runTool(process.execPath, ['node_modules/electron/install.js'], {
      name: 'electron-install',
      hint: `${configPath} is valid and dist/ is built: only the packing is left. Run \`npm run dist\` where Electron's site can be reached, or set ELECTRON_MIRROR. \`npm run dist -- --dir\` packs with the Electron for tests.`,
    }),
  );
}

/**
 * The configuration to pack with: for a folder, the one with the Electron for tests where Electron's own cannot be fetched.
 *
 * Errors: throws a SetupError when there is no Electron to pack with.
 */
async function chooseConfig(args) {
  if (existsSync(electronBinary)) return configPath;
  if (!args.includes('--dir')) {
    await fetchElectron();
    return configPath;
  }
  if (!existsSync(join(root, testElectronBinary))) await logStep('an Electron for tests', unpackTestElectron);
  log(`dist: packing with Electron ${testElectronVersion}, which is for tests: try the folder out, do not ship it`);
  return tryConfigPath;
}

function runBuilder(config, args) {
  return new Promise((resolve, reject) => {
    const words = [builderProgram, '--linux', '--config', config, ...args];
    // It reads the configuration by jiti, which would leave a cache in the temporary directory.
    const env = { ...process.env, JITI_FS_CACHE: 'false' };
    const child = spawn(process.execPath, words, { cwd: root, env, stdio: 'inherit' });
    child.once('error', reject);
    child.once('close', (code) =>
      code === 0 ? resolve() : reject(new SetupError('electron-builder failed; its words are above.', undefined)),
    );
  });
}

await runMain(async () => {
  const args = process.argv.slice(2);
  await setUp('dist');
  // Chunks of older builds have no place in a package.
  await bundleAll({ keepMs: 0 });
  await checkConfig();
  log(`dist: ${configPath} is valid`);
  await runBuilder(await chooseConfig(args), ['--publish', 'never', ...args]);
  log('dist: packages are in dist/packages');
});
