// Packs with the Electron for tests, where Electron's own site cannot be reached: a folder for trials, never to ship.
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../script.mjs';
import { testElectronDir, testElectronVersion } from '../test-electron.mjs';
import config from './config.mjs';

const { grantFileProtocolExtraPrivileges: _lacking, ...fuses } = config.electronFuses;

/** The functions that the Node.js of that Electron lacks are added before the program starts. */
const startFile = 'start-on-test-electron.cjs';

/** @type {import('electron-builder').Configuration} */
export default {
  ...config,
  electronDist: join(root, testElectronDir),
  electronVersion: testElectronVersion,
  electronFuses: fuses,
  linux: { ...config.linux, target: ['dir'] },
  afterPack: ({ appOutDir }) => {
    const app = join(appOutDir, 'resources/app');
    rmSync(join(app, 'test-electron-loader.cjs'), { force: true });
    cpSync(join(root, 'build/test-electron-node.cjs'), join(app, 'test-electron-node.cjs'));
    const manifestPath = join(app, 'package.json');
    const manifest = JSON.parse(readFileSync(manifestPath, 'utf8'));
    writeFileSync(join(app, startFile), `require('./test-electron-node.cjs');\nrequire('./${manifest.main}');\n`);
    writeFileSync(manifestPath, JSON.stringify({ ...manifest, main: startFile }));
  },
};
