import { randomBytes } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { createFileTree } from '@firstlight/files';
import { composeImage, writeLayer } from '@firstlight/oci';
import { toFirstlightError } from '#shared/errors.ts';
import { runtimeClassOf, type TargetCheck } from '#shared/model/deploy.ts';
import { type Cluster, nullIfMissing, pathOf } from './cluster.ts';
import type { DeployContext } from './deploy-context.ts';
import type { EventObject, PodObject } from './kube/objects.ts';
import { managedBy } from './names.ts';
import { podPaths, podUser } from './pod-image/pod-paths.ts';
import { pushPodImage } from './push-function.ts';

/** The time for one small image to be pulled, or refused twice. Units: ms. */
const patienceMs = 60_000;
/** A node may not know a Secret yet that its first pod needs; it pulls again after 10 s. Units: ms. */
const graceMs = 16_000;
const name = 'firstlight-pull-test';

/**
 * Whether the nodes pull from the target's registry: a small image is pushed, and a pod is made of it and removed again.
 * A failure is a finding.
 */
export async function tryPull(
  cluster: Cluster,
  context: Pick<DeployContext, 'layout' | 'supervisorPath' | 'env'>,
  signal: AbortSignal,
): Promise<TargetCheck> {
  const base = { id: 'pull', title: 'Registry' } as const;
  const { registry } = cluster.target;
  const failed = (found: string, fix: string | null): TargetCheck => ({ ...base, status: 'failed', found, fix });
  let reference: string;
  try {
    const image = await makeTrialImage(context, signal);
    const pushed = await pushPodImage(cluster.target, name, image.manifest.digest.slice(7), image, {
      layout: context.layout,
      env: context.env,
      signal,
      progress: () => undefined,
    });
    reference = pushed.reference;
  } catch (thrown) {
    const { code, message, hint = null } = toFirstlightError(thrown);
    if (code === 'CANCELLED') throw thrown;
    return failed(`You cannot push to ${registry}: ${message}`, hint);
  }
  const pod = `${name}-${randomBytes(4).toString('hex')}`;
  try {
    await cluster.client.json(pathOf(cluster, 'pods'), {
      method: 'POST',
      body: makePod(cluster, pod, reference),
      signal,
    });
    const trouble = await waitForPull(cluster, pod, signal);
    if (trouble === null)
      return { ...base, status: 'ok', found: `nodes pull from ${registry}, seen with a pod`, fix: null };
    if (trouble.step === 'pull')
      return failed(`The nodes cannot pull from ${registry}: ${trouble.words}`, hintFor(cluster));
    const runtimeClass = runtimeClassOf(cluster.target);
    const fix = runtimeClass === null ? 'kubectl describe nodes' : `kubectl describe runtimeclass ${runtimeClass}`;
    return failed(`The nodes cannot begin a pod: ${trouble.words}`, fix);
  } catch (thrown) {
    const { code, message } = toFirstlightError(thrown);
    if (code === 'CANCELLED') throw thrown;
    return { ...base, status: 'warning', found: `No pod could be tried: ${message}`, fix: null };
  } finally {
    // Also after a cancel.
    const query = { gracePeriodSeconds: '0' };
    await nullIfMissing(cluster.client.json(pathOf(cluster, 'pods', pod), { method: 'DELETE', query })).catch(
      () => null,
    );
  }
}

async function makeTrialImage(
  { layout, supervisorPath }: Pick<DeployContext, 'layout' | 'supervisorPath'>,
  signal: AbortSignal,
) {
  const builder = createFileTree();
  const { size } = await stat(supervisorPath);
  builder.add(podPaths.supervisor, { kind: 'file', content: { kind: 'host', path: supervisorPath }, bytes: size });
  const layer = await writeLayer(builder.tree, await layout.ensure(layout.podLayersDir), {
    modeOf: () => 0o755,
    signal,
  });
  const settings = { entrypoint: [podPaths.supervisor, '--version'], user: `${podUser}:${podUser}`, exposedPorts: [] };
  return composeImage({ layers: [layer], settings: { ...settings, labels: {} }, annotations: {} });
}

const makePod = ({ target, namespace }: Cluster, pod: string, image: string) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: pod, namespace, labels: { ...managedBy, 'app.kubernetes.io/name': name } },
  spec: {
    restartPolicy: 'Never',
    automountServiceAccountToken: false,
    activeDeadlineSeconds: 120,
    ...(runtimeClassOf(target) !== null && { runtimeClassName: runtimeClassOf(target) }),
    ...(target.pullSecret !== null && { imagePullSecrets: [{ name: target.pullSecret }] }),
    securityContext: { runAsNonRoot: true, runAsUser: podUser, seccompProfile: { type: 'RuntimeDefault' } },
    containers: [
      {
        name: 'trial',
        image,
        imagePullPolicy: 'Always',
        resources: { requests: { cpu: '10m', memory: '16Mi' }, limits: { cpu: '100m', memory: '16Mi' } },
        securityContext: {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        },
      },
    ],
  },
});

/** Why a pod does not start, in the cluster's words, and whether a pull or what comes before it fails. */
interface Trouble {
  readonly step: 'begin' | 'pull';
  readonly words: string;
}

/** Null once the image is there; else why not. */
async function waitForPull(cluster: Cluster, pod: string, signal: AbortSignal): Promise<Trouble | null> {
  let words = 'no node has begun to';
  let refusedAt: number | null = null;
  for (const end = Date.now() + patienceMs; Date.now() < end; await sleep(250, undefined, { signal })) {
    const { status } = await cluster.client.json<PodObject>(pathOf(cluster, 'pods', pod), { signal });
    const [container] = status?.containerStatuses ?? [];
    if (container?.state?.running !== undefined || container?.state?.terminated !== undefined) return null;
    const { reason = '', message = '' } = container?.state?.waiting ?? {};
    const unplaced = status?.conditions?.find(({ type, status: is }) => type === 'PodScheduled' && is === 'False');
    // The wait between two pulls says less than the pull did.
    if (reason !== 'ImagePullBackOff') words = message || reason || unplaced?.message || words;
    if (/^(ErrImagePull|ImagePullBackOff|InvalidImageName)$/.test(reason)) refusedAt ??= Date.now();
    const sandbox = reason === 'ContainerCreating' ? await findSandboxTrouble(cluster, pod, signal) : null;
    if (sandbox !== null) refusedAt ??= Date.now();
    if (refusedAt !== null && Date.now() - refusedAt > graceMs) {
      return sandbox === null ? { step: 'pull', words } : { step: 'begin', words: sandbox };
    }
    // The image is there, and something else is wrong.
    if (reason === 'CreateContainerError' || reason === 'RunContainerError') return null;
  }
  return { step: 'pull', words };
}

/** Why a node cannot make what a pod's containers run in, as where it lacks the handler of a RuntimeClass. */
async function findSandboxTrouble(cluster: Cluster, pod: string, signal: AbortSignal): Promise<string | null> {
  const fieldSelector = `involvedObject.kind=Pod,involvedObject.name=${pod},reason=FailedCreatePodSandBox`;
  const answer = await cluster.client.raw(pathOf(cluster, 'events'), { query: { fieldSelector }, signal });
  // Without the right to read events it stays unknown.
  if (answer.status !== 200) return null;
  const { items = [] } = JSON.parse(answer.text) as { readonly items?: readonly EventObject[] };
  return items.at(-1)?.message ?? null;
}

function hintFor({ target, namespace }: Cluster): string {
  const host = target.registry.split('/')[0];
  const [secret, option] =
    target.pullSecret === null ? ['pull', ' # then --pull-secret pull'] : [target.pullSecret, ''];
  return `kubectl -n ${namespace} create secret docker-registry ${secret} --docker-server=${host} --docker-username=NAME --docker-password=PASSWORD${option}`;
}
