/** The chart and the Kustomize base that `firstlight manifests` writes, under real Helm and kubectl. */
import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Project } from '#shared/model/project.ts';
import { makeHome, removeHome, whyNot } from '../integration/studio.ts';
import { goToolPath, whyNoGoTool } from './go-tool.mjs';
import { type OpenTarget, openTarget } from './open-target.ts';
import { whyNoTestCluster } from './test-cluster.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });
const reason = whyNot() ?? whyNoTestCluster();
const noHelm = whyNoGoTool('helm');
const run = promisify(execFile);

describe.skipIf(reason !== null)(`manifests for GitOps${reason === null ? '' : ` (skipped: ${reason})`}`, () => {
  const home = reason === null ? makeHome() : '';
  let open: OpenTarget;
  let project: Project;

  /** Writes the files of a format; the image is in the registry afterwards. */
  async function write(format: 'kustomize' | 'helm', deploy: object = {}): Promise<string> {
    writeFileSync(join(project.dir, 'firstlight.json'), JSON.stringify({ name: 'greet', deploy }));
    const request = { projectId: project.id, target: 'test', format, push: true };
    const { files } = await open.studio.client.call('deploy:manifests', request);
    const dir = join(home, `${format}-${Object.keys(deploy).join('-')}`);
    for (const { path, text } of files) {
      mkdirSync(dirname(join(dir, path)), { recursive: true });
      writeFileSync(join(dir, path), text);
    }
    return dir;
  }
  const helm = async (...args: string[]) => {
    const dirs = { HELM_CACHE_HOME: join(home, 'helm'), HELM_CONFIG_HOME: join(home, 'helm') };
    const env = { ...process.env, ...dirs, HELM_DATA_HOME: join(home, 'helm'), KUBECONFIG: open.cluster.kubeconfig };
    return (await run(goToolPath('helm'), args, { env })).stdout;
  };
  const answer = async () => {
    const { body } = await open.studio.client.call('deploy:invoke', { target: 'test', name: 'greet' });
    return JSON.parse(body) as unknown;
  };
  const get = (object: string, path: string) => open.cluster.kubectl('get', object, '-o', `jsonpath={${path}}`);

  beforeAll(async () => {
    open = await openTarget(home);
    project = await open.studio.project('greet', 'export default () => ({ by: "manifests" });');
  });
  afterAll(async () => {
    await open?.close();
    removeHome(home);
  });

  it('run the function by kubectl apply -k, and take it away', async () => {
    const base = await write('kustomize');
    await open.cluster.kubectl('apply', '-k', base);
    await open.cluster.kubectl('rollout', 'status', 'deployment/greet', '--timeout=120s');
    expect(await answer()).toEqual({ by: 'manifests' });
    await open.cluster.kubectl('delete', '-k', base, '--wait=true');
    await expect(open.cluster.kubectl('get', 'deployment/greet')).rejects.toThrow(/not found/);
  });

  it.skipIf(noHelm !== null)(
    `pass helm lint, and are installed, upgraded and uninstalled${noHelm === null ? '' : ` (skipped: ${noHelm})`}`,
    async () => {
      const chart = await write('helm');
      expect(await helm('lint', '--strict', chart)).toContain('0 chart(s) failed');
      await helm('install', 'mine', chart, '--wait', '--timeout', '3m');
      expect(await answer()).toEqual({ by: 'manifests' });
      const status = await helm('status', 'mine', '-o', 'json');
      expect(JSON.parse(status)).toMatchObject({ info: { status: 'deployed' } });
      await helm('upgrade', 'mine', chart, '--set', 'replicas=2', '--wait', '--timeout', '3m');
      expect(await get('deployment/greet', '.status.readyReplicas')).toBe('2');
      await helm('uninstall', 'mine', '--wait');
      await expect(open.cluster.kubectl('get', 'deployment/greet')).rejects.toThrow(/not found/);
    },
  );

  it.skipIf(noHelm !== null)(
    `have a chart with an autoscaler, a route and secrets${noHelm === null ? '' : ` (skipped: ${noHelm})`}`,
    async () => {
      const deploy = {
        autoscale: { min: 2, max: 3 },
        // Braces that are the template language's own to Helm.
        route: { host: 'greet.example', path: '/{{ id }}' },
        secrets: { TOKEN: { secret: 'app', key: 'token' } },
      };
      const chart = await write('helm', deploy);
      expect(await helm('lint', '--strict', chart)).toContain('0 chart(s) failed');
      await helm('install', 'mine', chart);
      expect(await get('hpa/greet', '.spec.minReplicas')).toBe('2');
      expect(await get('ingress/greet', '.spec.rules[0].http.paths[0].path')).toBe('/{{ id }}');
      const key = '.spec.template.spec.containers[0].env[0].valueFrom.secretKeyRef.key';
      expect(await get('deployment/greet', key)).toBe('token');
      await helm('uninstall', 'mine', '--wait');
    },
  );
});
