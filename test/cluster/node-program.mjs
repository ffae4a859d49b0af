// The one program with every part of Kubernetes: built once per machine from Go modules, and kept outside the tree.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const sourceDir = join(dirname(fileURLToPath(import.meta.url)), 'node');
const kubernetesVersion = 'v1.34.4';
/** The folder of Go when PATH lacks it. */
const goDirs = ['/usr/local/go/bin', '/usr/lib/go/bin'];

/** The path of the program for its present sources. */
export function nodeProgramPath() {
  const hash = createHash('sha256');
  for (const name of ['go.mod', 'go.sum', 'main.go']) hash.update(readFileSync(join(sourceDir, name)));
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
  return join(cache, 'firstlight-cluster', hash.digest('hex').slice(0, 16), 'cluster-node');
}

/** The `go` program, or null. */
export function findGo() {
  const dirs = [...(process.env.PATH ?? '').split(':').filter(Boolean), ...goDirs];
  return dirs.map((dir) => join(dir, 'go')).find((path) => existsSync(path)) ?? null;
}

/**
 * Builds the program if it does not exist. Takes 5 to 15 minutes of two processors and 2 GB of memory, once per
 * machine.
 *
 * Errors: throws with the compiler's output.
 */
export function buildNodeProgram({ log = () => {} } = {}) {
  const path = nodeProgramPath();
  if (existsSync(path)) return path;
  const go = findGo();
  if (go === null) throw new Error('The test cluster is built with Go, which is not installed.');
  log('cluster: building Kubernetes from Go modules; this takes minutes, once');
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}`;
  const version = `-X k8s.io/component-base/version.gitVersion=${kubernetesVersion}`;
  const args = ['-n', '15', go, 'build', '-trimpath', '-ldflags', `-s -w ${version}`, '-o', temporary, '.'];
  const { status, stderr } = spawnSync('nice', args, {
    cwd: sourceDir,
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
    env: { ...process.env, CGO_ENABLED: '0', GOFLAGS: '-mod=readonly' },
  });
  if (status !== 0) {
    rmSync(temporary, { force: true });
    throw new Error(`The test cluster cannot be built:\n${stderr.slice(-2000)}`);
  }
  renameSync(temporary, path);
  return path;
}
