import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openStudio, type Studio } from '../integration/studio.ts';
import { startTestCluster, type TestCluster } from './test-cluster.ts';

/** A cluster, and a studio with it as the target `test`. */
export interface OpenTarget {
  readonly cluster: TestCluster;
  readonly studio: Studio;
  /** What the pods of a function have printed. */
  readonly logOf: (name: string, target?: string) => Promise<string>;
  readonly close: () => Promise<void>;
}

/** Opens a cluster, and makes it a target whose nodes may pull. With `kvm`, they offer KVM; with `knative`, Knative runs there. */
export async function openTarget(
  home: string,
  env: NodeJS.ProcessEnv = {},
  parts: Parameters<typeof startTestCluster>[0] = {},
): Promise<OpenTarget> {
  const cluster = await startTestCluster(parts);
  const { host, repository, auth, user, password, caPath } = cluster.registry;
  const docker = join(home, 'docker');
  mkdirSync(docker, { recursive: true });
  writeFileSync(join(docker, 'config.json'), JSON.stringify({ auths: { [host]: { auth } } }));
  const studio = await openStudio({
    home,
    env: { ...process.env, DOCKER_CONFIG: docker, ...env },
    // A node may not know the Secret yet with which its first pod is pulled: it pulls again after 10 s.
    rolloutGraceMs: 25_000,
  });
  await studio.client.call('targets:add', {
    name: 'test',
    kind: 'kubernetes',
    kubeconfig: cluster.kubeconfig,
    registry: repository,
    ...(caPath !== null && { registryCa: caPath }),
    pullSecret: 'pull',
  });
  const secret = ['create', 'secret', 'docker-registry', 'pull', `--docker-server=${host}`];
  await cluster.kubectl(...secret, `--docker-username=${user}`, `--docker-password=${password}`);
  return {
    cluster,
    studio,
    logOf: async (name, target = 'test') => {
      let log = '';
      const stream = studio.client.openStream('deploy:logs', { target, name, follow: false }, (chunk) => {
        log += Buffer.from(chunk).toString('utf8');
      });
      await stream.ended;
      return log;
    },
    close: async () => {
      await studio.close();
      await cluster.stop();
    },
  };
}
