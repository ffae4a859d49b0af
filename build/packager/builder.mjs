// electron-builder's program, and its check of our configuration.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { root, SetupError } from '../script.mjs';

/** electron-builder's program and its configurations. Shape: paths relative to the root. */
export const builderProgram = 'build/packager/node_modules/electron-builder/cli.js';
export const configPath = 'build/packager/config.mjs';
export const tryConfigPath = 'build/packager/config-try.mjs';

/** Errors: throws a SetupError when the configuration has a key or a value that electron-builder does not know. */
export async function checkConfig() {
  const { default: config } = await import('./config.mjs');
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
