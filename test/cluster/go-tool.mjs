// Programs of others for tests and benchmarks of clusters: built from Go modules when asked for, and kept outside the tree.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findGo } from './node-program.mjs';

const here = dirname(fileURLToPath(import.meta.url));

/** Each tool with its package; its folder here has go.mod, go.sum and tools.go. */
export const goTools = {
  helm: { package: 'helm.sh/helm/v3/cmd/helm', variable: 'FIRSTLIGHT_HELM' },
  kwok: { package: 'sigs.k8s.io/kwok/cmd/kwok', variable: 'FIRSTLIGHT_KWOK' },
};

/** The path of a tool: that of its variable, else the one built from the present sources. */
export function goToolPath(name) {
  const given = process.env[goTools[name].variable];
  if (given) return given;
  const hash = createHash('sha256');
  for (const file of ['go.mod', 'go.sum', 'tools.go']) hash.update(readFileSync(join(here, name, file)));
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
  return join(cache, 'firstlight-cluster', `${name}-${hash.digest('hex').slice(0, 16)}`, name);
}

/** The reason why there is no such tool, or null. */
export const whyNoGoTool = (name) =>
  existsSync(goToolPath(name))
    ? null
    : `there is no ${name}: ${goTools[name].variable}, or npm run cluster -- --build-${name}`;

/**
 * Builds a tool if it does not exist. Takes some minutes of processor time, once per machine.
 *
 * Errors: throws with the compiler's output.
 */
export function buildGoTool(name, { log = () => {} } = {}) {
  const path = goToolPath(name);
  if (existsSync(path)) return path;
  const go = findGo();
  if (go === null) throw new Error(`${name} is built with Go, which is not installed.`);
  log(`cluster: building ${name} from Go modules; this takes minutes, once`);
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}`;
  const args = ['build', '-trimpath', '-ldflags', '-s -w', '-o', temporary, goTools[name].package];
  const { status, stderr } = spawnSync('nice', ['-n', '15', go, ...args], {
    cwd: join(here, name),
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
    env: { ...process.env, CGO_ENABLED: '0', GOFLAGS: '-mod=readonly' },
  });
  if (status !== 0) {
    rmSync(temporary, { force: true });
    throw new Error(`${name} cannot be built:\n${stderr.slice(-2000)}`);
  }
  renameSync(temporary, path);
  return path;
}
