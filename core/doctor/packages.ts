import { existsSync } from 'node:fs';
import { runTool } from '#core/exec/run-tool.ts';
import type { Fix } from '#core/runtime/check.ts';

const aptGet = '/usr/bin/apt-get';
const installTimeoutMs = 15 * 60_000;

/** The fix that installs Debian packages: applied by us for root on Debian, otherwise only described. */
export function installPackages(names: readonly string[], uid: number): Fix {
  const sudo = uid === 0 ? '' : 'sudo ';
  const fix = {
    label: `Install ${names.join(' and ')}.`,
    command: `${sudo}apt-get install -y --no-install-recommends ${names.join(' ')}`,
  };
  if (uid !== 0 || !existsSync(aptGet)) return fix;
  return {
    ...fix,
    apply: async () => {
      const options = { timeoutMs: installTimeoutMs, env: { DEBIAN_FRONTEND: 'noninteractive' } };
      await runTool(aptGet, ['update'], options);
      await runTool(aptGet, ['install', '-y', '--no-install-recommends', ...names], options);
    },
  };
}
