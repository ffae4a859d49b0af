/** What a deploy would make of a function's objects, by dry runs. */
import { toFirstlightError } from '#shared/errors.ts';
import { applyObject, type Cluster, nullIfMissing, pathOf, pluralOf } from './cluster.ts';
import type { KubeObject } from './kube/objects.ts';
import { listVmSets } from './kubevirt/find-sets.ts';
import { revisionOfSet, vmReplicaSets } from './kubevirt/objects.ts';
import { planRetirement } from './kubevirt/revisions.ts';
import { isOurs } from './remove-owned.ts';

/** The kinds that a deploy deletes where it has no use for them. */
const optionalKinds = ['horizontalpodautoscalers', 'ingresses', 'httproutes'] as const;

export interface Comparison {
  readonly before: readonly KubeObject[];
  readonly after: readonly KubeObject[];
  /** Why there is no preview of an object. */
  readonly notes: readonly string[];
}

/**
 * A function's objects on the cluster, and as a deploy of `objects` would leave them. What it would delete is among those of
 * before only. Errors: CLUSTER_*, CONFLICT unless `force`.
 */
export async function compareObjects(
  cluster: Cluster,
  name: string,
  objects: readonly KubeObject[],
  { force, signal }: { readonly force: boolean; readonly signal: AbortSignal },
): Promise<Comparison> {
  const before: KubeObject[] = [];
  const after: KubeObject[] = [];
  const notes: string[] = [];
  for (const object of objects) {
    const path = pathOf(cluster, pluralOf(object), object.metadata.name);
    const there = await nullIfMissing(cluster.client.json<KubeObject>(path, { signal }));
    if (there !== null) before.push(plain(there));
    try {
      after.push(plain(await applyObject<KubeObject>(cluster, object, { force, dryRun: true, signal })));
    } catch (thrown) {
      const error = toFirstlightError(thrown);
      // A webhook that refuses a dry run does not predict the real request.
      if (!/webhook/.test(error.message)) throw error;
      notes.push(`No preview of the ${object.kind}: ${error.message}`);
    }
  }
  const wanted = objects.map(pluralOf);
  for (const kind of optionalKinds.filter((one) => !wanted.includes(one))) {
    const there = await findOurs(cluster, kind, name, signal);
    if (there !== null) before.push(plain(there));
  }
  const own = objects.find((object) => pluralOf(object) === vmReplicaSets);
  if (own !== undefined) {
    const sets = await listVmSets(cluster, name, signal);
    const { ended, deleted } = planRetirement(sets, revisionOfSet(own));
    // Items of a list have no kind of their own.
    const { apiVersion = '', kind = '' } = own;
    const described = (set: KubeObject): KubeObject => plain({ apiVersion, kind, ...set });
    before.push(...[...ended, ...deleted].map(described));
    after.push(...ended.map((set) => described({ ...set, spec: { ...set.spec, replicas: 0 } } as KubeObject)));
  }
  return { before, after, notes };
}

/** An object that a deploy made; null also where one may not look: it stays then. */
async function findOurs(cluster: Cluster, kind: string, name: string, signal: AbortSignal) {
  try {
    const found = await nullIfMissing(cluster.client.json<KubeObject>(pathOf(cluster, kind, name), { signal }));
    return found !== null && isOurs(found) ? found : null;
  } catch (thrown) {
    if (toFirstlightError(thrown).code === 'CLUSTER_DENIED') return null;
    throw thrown;
  }
}

/** The object without the fields that the cluster itself adds and changes, for a comparison. */
function plain(object: KubeObject): KubeObject {
  const pick = (from: object, without: readonly string[]) =>
    Object.fromEntries(Object.entries(from).filter(([key]) => !without.includes(key)));
  const metadata = pick(object.metadata, [
    'managedFields',
    'uid',
    'creationTimestamp',
    'generation',
    'resourceVersion',
  ]);
  return { ...pick(object, ['status']), metadata: { name: object.metadata.name, ...metadata } };
}
