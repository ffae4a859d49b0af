/** A change of a function on a cluster, from its first object to its first answer: it holds as a whole, or is taken back. */
import type { Progress } from '#shared/contract/define.ts';
import { FirstlightError, toFirstlightError } from '#shared/errors.ts';
import type { DeployResult } from '#shared/model/deploy.ts';
import { callOnce } from './call-once.ts';
import { type Cluster, pathOf } from './cluster.ts';
import type { createDeploySteps } from './deploy-steps.ts';
import type { KubeObject, PodObject } from './kube/objects.ts';
import { containerOf } from './logs.ts';
import type { OpenWorkload } from './open-workload.ts';
import { readParts } from './parts.ts';
import { isRefusal, replaced } from './replaced.ts';

export interface RollOutRequest {
  readonly name: string;
  readonly deployed: OpenWorkload;
  /** Puts the function's Secret there. Shape: its version as text. Absent: it has no values of its own. */
  readonly applySecret: (() => Promise<string>) | undefined;
  /** The objects, with the version of that Secret. Shape: with a note on them for the step. */
  readonly makeObjects: (
    secretVersion: string,
  ) => Promise<{ readonly objects: readonly KubeObject[]; readonly detail: string }>;
  readonly force: boolean;
  readonly wait: boolean;
  /** False: what has failed is left as it is. */
  readonly rollback: boolean;
  readonly graceMs: number;
  /** The time within which the endpoint is to answer. Units: ms. */
  readonly callTimeoutMs: number;
  readonly step: ReturnType<typeof createDeploySteps>['step'];
  readonly signal: AbortSignal;
  readonly progress: (progress: Progress) => void;
}

/**
 * Applies, watches the rollout and calls the function once. What fails on the way is taken back; a change that a person
 * cancels, or that another one has taken the place of, is left.
 *
 * Errors: DEPLOY_FAILED with the cluster's message; CONFLICT; CLUSTER_*; CANCELLED.
 */
export async function rollOut(
  cluster: Cluster,
  {
    name,
    deployed,
    applySecret,
    makeObjects,
    force,
    wait,
    rollback,
    graceMs,
    callTimeoutMs,
    step,
    signal,
    progress,
  }: RollOutRequest,
): Promise<Pick<DeployResult, 'revision' | 'answer'> & { readonly warnings: readonly string[] }> {
  const parts = await readParts(cluster, name, signal);
  let objects: readonly KubeObject[] = [];
  let hasSecret = false;

  /** Shape: a note for a person on what was done; empty where nothing had been changed. */
  async function goBack(): Promise<string> {
    if (!hasSecret && !deployed.isTouched()) return '';
    if (!rollback) return 'It was left as it is.';
    try {
      if ((await deployed.whose()) === 'others') return 'Another change has taken its place, and was left as it is.';
      // A function that was new goes with all its parts.
      const left = deployed.before === null ? [] : await parts.restore(objects, hasSecret);
      return [await deployed.goBack(), ...left].join(' ');
    } catch (thrown) {
      return `It could not go back: ${toFirstlightError(thrown).message}`;
    }
  }
  async function orGoBack<Value>(work: () => Promise<Value>): Promise<Value> {
    try {
      return await work();
    } catch (thrown) {
      const error = toFirstlightError(thrown);
      if (error.code === 'CANCELLED' || signal.aborted) throw error;
      const { code, message, details, hint = '' } = error;
      const went = await goBack();
      throw new FirstlightError(code, message, {
        hint: [hint, went].filter(Boolean).join(' '),
        details,
        cause: thrown,
      });
    }
  }
  /** Takes away what the function no longer needs. What cannot be taken away is no reason to go back. */
  async function finish(): Promise<void> {
    try {
      await parts.removeOthers(objects, signal);
      await deployed.finish(signal);
    } catch (thrown) {
      const { code, message, details, hint = '' } = toFirstlightError(thrown);
      const runs = `The new revision of ${name} stays; what it no longer needs is not all gone.`;
      throw new FirstlightError(code, message, { hint: `${runs} ${hint}`.trim(), details, cause: thrown });
    }
  }

  const applied = await step('apply', `Applying to ${cluster.namespace}`, () =>
    orGoBack(async () => {
      let version = '';
      if (applySecret !== undefined) {
        const unmark = await deployed.mark?.(signal);
        hasSecret = true;
        version = await applySecret().catch(async (thrown: unknown) => {
          hasSecret = !isRefusal(thrown);
          if (!hasSecret) await unmark?.();
          throw thrown;
        });
      }
      const made = await makeObjects(version);
      objects = made.objects;
      const value = await deployed.apply(objects, { force, wait, leavesRest: parts.hasOthers(objects) }, signal);
      return { value, detail: made.detail };
    }),
  );
  if (!wait) {
    await finish();
    return { revision: applied.revision, answer: null, warnings: [] };
  }
  const revision = await step('rollout', 'Rolling out', () =>
    orGoBack(async () => {
      const { verdict, pods, ...end } = await deployed.watch(applied, {
        graceMs,
        signal,
        onVerdict: ({ message, trouble }) =>
          progress({ step: 'rollout', message: trouble[0] === undefined ? message : `${message}: ${trouble[0]}` }),
      });
      if (verdict.state !== 'failed') return { value: end.revision, detail: verdict.message };
      const lines = await readLastLines(cluster, pods).catch(() => []);
      throw new FirstlightError('DEPLOY_FAILED', `${name} does not run on ${cluster.target.name}: ${verdict.message}`, {
        details: { output: [...verdict.trouble, ...lines].join('\n'), subject: name },
      });
    }),
  );
  const called = await step('call', 'Calling it once', () =>
    orGoBack(async () => {
      const value = await callOnce(cluster, deployed, name, { signal, timeoutMs: callTimeoutMs });
      if ((await deployed.whose()) !== 'ours') throw replaced(name);
      return { value, detail: value.answer === null ? 'not called' : `status ${value.answer.status}` };
    }),
  );
  await finish();
  return { revision, ...called };
}

/** The guest's last output: of the failing pod, also of the container before. */
async function readLastLines(cluster: Cluster, [pod]: readonly PodObject[]): Promise<string[]> {
  if (pod === undefined) return [];
  for (const previous of ['true', 'false']) {
    const answer = await cluster.client.raw(`${pathOf(cluster, 'pods', pod.metadata.name)}/log`, {
      query: { tailLines: '15', previous, container: containerOf(pod) },
    });
    if (answer.status === 200 && answer.text.trim() !== '') return answer.text.trimEnd().split('\n');
  }
  return [];
}
