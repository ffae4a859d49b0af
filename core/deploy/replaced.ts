/** Another change of a function while a deploy of it goes on: the last one to apply has the cluster. */
import { FirstlightError, toFirstlightError } from '#shared/errors.ts';
import type { PodTemplate } from './kube/objects.ts';
import { annotationNames } from './names.ts';

/** What tells one deploy from another: the time of it, and the image. */
export const stampOf = ({ metadata, spec }: PodTemplate): string =>
  `${metadata?.annotations?.[annotationNames.deployedAt]} ${spec.containers[0]?.image}`;

/** Of which deploy the object on the cluster is. */
export type Whose = 'ours' | 'before' | 'others';

/** Keeps apart what a deploy has applied, what was there before it, and what others apply meanwhile. */
export function createClaim<Value>(name: string, before: Value | null, stamp: (value: Value) => string) {
  const own = new Set<string>();
  let isTouched = false;
  const whose = (present: Value | null): Whose => {
    if (present !== null && own.has(stamp(present))) return 'ours';
    const isBefore = present === null ? before === null : before !== null && stamp(before) === stamp(present);
    return isBefore ? 'before' : 'others';
  };
  return {
    /** Applies what is ours from then on; the cluster may alter it. */
    apply: async <Applied extends Value>(sent: Value, work: () => Promise<Applied>): Promise<Applied> => {
      isTouched = true;
      own.add(stamp(sent));
      try {
        const applied = await work();
        own.add(stamp(applied));
        return applied;
      } catch (thrown) {
        isTouched = !isRefusal(thrown);
        throw thrown;
      }
    },
    /** True once an apply may have changed the object. */
    isTouched: () => isTouched,
    whose,
    /** Errors: CONFLICT for one that is of another deploy. */
    check: (present: Value): void => {
      if (whose(present) !== 'ours') throw replaced(name);
    },
  };
}

export const replaced = (name: string): FirstlightError =>
  new FirstlightError('CONFLICT', `Another change of ${name} has taken the place of this deploy, which does not run.`, {
    hint: `firstlight deploy history ${name} shows which. Deploy again to have this one in its place.`,
    details: { subject: name },
  });

/** True for an error by which the cluster says that it has changed nothing. Of a connection that broke that is not known. */
export const isRefusal = (thrown: unknown): boolean =>
  ['CONFLICT', 'CLUSTER_DENIED', 'CLUSTER_REFUSED'].includes(toFirstlightError(thrown).code);
