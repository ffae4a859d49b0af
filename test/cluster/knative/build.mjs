// Real Knative Serving for the test cluster: its programs and manifests, from Go modules, built once per machine and kept
// outside the tree.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeImageArchive } from '../image-archive.mjs';
import { findGo } from '../node-program.mjs';

const sourceDir = dirname(fileURLToPath(import.meta.url));
const servingModule = 'knative.dev/serving';
const tag = '0.42.2';
export const knativeParts = ['controller', 'webhook', 'autoscaler', 'activator'];
const programs = [...knativeParts, 'queue'];

/** The folder of the built parts for their present sources. */
export function knativeDir() {
  const hash = createHash('sha256');
  for (const name of ['go.mod', 'go.sum', 'build.mjs']) hash.update(readFileSync(join(sourceDir, name)));
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
  return join(cache, 'firstlight-cluster', `knative-${hash.digest('hex').slice(0, 16)}`);
}

/** The reason why there is no Knative for the test cluster, or null. */
export const whyNoKnative = () =>
  existsSync(knativeDir()) ? null : 'Knative Serving is not built: npm run cluster -- --build-knative';

/** The archives of the images. */
export const knativeImages = () => programs.map((name) => join(knativeDir(), `${name}.tar`));

/**
 * Builds Knative Serving if it does not exist. Takes 5 minutes of processor time, once per machine.
 *
 * Errors: throws with the compiler's output.
 */
export function buildKnative({ log = () => {} } = {}) {
  const dir = knativeDir();
  if (existsSync(dir)) return dir;
  const go = findGo();
  if (go === null) throw new Error('Knative Serving is built with Go, which is not installed.');
  log('cluster: building Knative Serving from Go modules; this takes minutes, once');
  const temporary = `${dir}.${process.pid}`;
  const env = { ...process.env, CGO_ENABLED: '0', GOFLAGS: '-mod=readonly' };
  const run = (...args) => {
    const options = { cwd: sourceDir, encoding: 'utf8', env, stdio: ['ignore', 'pipe', 'pipe'] };
    const { status, stdout, stderr } = spawnSync('nice', ['-n', '15', go, ...args], options);
    if (status !== 0) throw new Error(`Knative Serving cannot be built:\n${stderr.slice(-2000)}`);
    return stdout;
  };
  try {
    mkdirSync(join(temporary, 'bin'), { recursive: true });
    const packages = programs.map((name) => `${servingModule}/cmd/${name}`);
    run('build', '-trimpath', '-ldflags', '-s -w', '-o', `${join(temporary, 'bin')}/`, ...packages);
    for (const name of programs) {
      writeImageArchive(join(temporary, `${name}.tar`), {
        name: `dev.local/${name}:${tag}`,
        programPath: join(temporary, 'bin', name),
        user: '65532',
      });
    }
    rmSync(join(temporary, 'bin'), { recursive: true });
    const dirOf = (module) => run('list', '-m', '-f', '{{.Dir}}', module).trim();
    writeFileSync(join(temporary, 'serving.yaml'), readManifests(dirOf));
    renameSync(temporary, dir);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
  return dir;
}

/** The manifests in the order in which they are applied; those of other modules are links that a module does not hold. */
function readManifests(dirOf) {
  const serving = join(dirOf(servingModule), 'config/core');
  const networking = join(dirOf('knative.dev/networking'), 'config');
  const all = (dir) =>
    readdirSync(dir)
      .filter((name) => name.endsWith('.yaml'))
      .map((name) => join(dir, name));
  const files = [
    join(serving, '100-namespace.yaml'),
    ...all(join(serving, '300-resources')),
    ...['ingress', 'serverlessservice', 'certificate', 'domain-claim'].map((name) => join(networking, `${name}.yaml`)),
    join(dirOf('knative.dev/caching'), 'config/image.yaml'),
    ...all(join(serving, '200-roles')),
    join(serving, '200-serviceaccount.yaml'),
    ...all(join(serving, 'configmaps')),
    join(networking, 'config-network.yaml'),
    ...all(join(serving, 'webhooks')),
    ...knativeParts.map((name) => join(serving, 'deployments', `${name}.yaml`)),
  ];
  const text = files.map((file) => readFileSync(file, 'utf8')).join('\n---\n');
  return text.replace(/ko:\/\/knative\.dev\/serving\/cmd\/(\w+)/g, `dev.local/$1:${tag}`);
}
