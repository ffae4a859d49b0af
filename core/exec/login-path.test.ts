import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readLoginPath, takeLoginPath } from './login-path.ts';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'fl-login-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

/** A shell whose start files are those of `home`. */
function makeShell(run: string): string {
  const path = join(home, 'shell');
  writeFileSync(path, `#!/bin/sh\n${run}\n`);
  chmodSync(path, 0o755);
  return path;
}

describe('the PATH of a login shell', () => {
  it('is what its start files make of it, whatever else they print', async () => {
    writeFileSync(join(home, '.bash_profile'), 'echo Welcome; PATH="/opt/plug ins/bin:/usr/bin:/bin"');
    expect(await readLoginPath({ SHELL: makeShell(`HOME=${home} exec bash "$@"`) })).toBe(
      '/opt/plug ins/bin:/usr/bin:/bin',
    );
  });

  it('is none where the shell fails, prints nothing, or is named by no path', async () => {
    expect(await readLoginPath({ SHELL: makeShell('exit 1') })).toBeNull();
    expect(await readLoginPath({ SHELL: makeShell('exit 0') })).toBeNull();
    expect(await readLoginPath({ SHELL: 'bash' })).toBeNull();
    expect(await readLoginPath({ SHELL: join(home, 'none') })).toBeNull();
  });

  it('comes first in an environment that a desktop gave, and not into one of a terminal', async () => {
    writeFileSync(join(home, '.bash_profile'), 'PATH="/opt/bin:/usr/bin:/bin"');
    const env: NodeJS.ProcessEnv = { SHELL: makeShell(`HOME=${home} exec bash "$@"`), PATH: '/usr/bin:/own' };
    await takeLoginPath(env);
    expect(env.PATH).toBe('/opt/bin:/usr/bin:/bin:/own');
    const inTerminal = { ...env, TERM: 'xterm', PATH: '/own' };
    await takeLoginPath(inTerminal);
    expect(inTerminal.PATH).toBe('/own');
  });
});
