// Real Helm for the tests of charts: built from Go modules when asked for, and kept outside the tree.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findGo } from '../node-program.mjs';

const sourceDir = dirname(fileURLToPath(import.meta.url));

/** The path of Helm: that of FIRSTLIGHT_HELM, else the one built from the present sources. */
export function helmPath() {
  if (process.env.FIRSTLIGHT_HELM) return process.env.FIRSTLIGHT_HELM;
  const hash = createHash('sha256');
  for (const name of ['go.mod', 'go.sum', 'tools.go']) hash.update(readFileSync(join(sourceDir, name)));
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
  return join(cache, 'firstlight-cluster', `helm-${hash.digest('hex').slice(0, 16)}`, 'helm');
}

/** The reason why there is no Helm for tests, or null. */
export const whyNoHelm = () =>
  existsSync(helmPath()) ? null : 'there is no Helm: FIRSTLIGHT_HELM, or npm run cluster -- --build-helm';

/**
 * Builds Helm if it does not exist. Takes 4 minutes of processor time, once per machine.
 *
 * Errors: throws with the compiler's output.
 */
export function buildHelm({ log = () => {} } = {}) {
  const path = helmPath();
  if (existsSync(path)) return path;
  const go = findGo();
  if (go === null) throw new Error('Helm is built with Go, which is not installed.');
  log('cluster: building Helm from Go modules; this takes minutes, once');
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}`;
  const args = ['build', '-trimpath', '-ldflags', '-s -w', '-o', temporary, 'helm.sh/helm/v3/cmd/helm'];
  const { status, stderr } = spawnSync('nice', ['-n', '15', go, ...args], {
    cwd: sourceDir,
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
    env: { ...process.env, CGO_ENABLED: '0', GOFLAGS: '-mod=readonly' },
  });
  if (status !== 0) {
    rmSync(temporary, { force: true });
    throw new Error(`Helm cannot be built:\n${stderr.slice(-2000)}`);
  }
  renameSync(temporary, path);
  return path;
}
