/** A change of several objects that was ended in its middle: its mark stays on what runs the function, so that it is told of. */
import type { KubeObject } from './kube/objects.ts';
import { annotationNames } from './names.ts';

type Change = 'deploy' | 'rollback' | 'undeploy';

/** The object with a mark: what is done, and since when. An apply without it takes it away. */
export const withMark = <Value extends KubeObject>(object: Value, what: Change): Value => ({
  ...object,
  metadata: {
    ...object.metadata,
    annotations: {
      ...object.metadata.annotations,
      [annotationNames.unfinished]: `${what} ${new Date().toISOString()}`,
    },
  },
});

/** The object without a mark. */
export function withoutMark<Value extends KubeObject>(object: Value): Value {
  const { [annotationNames.unfinished]: _, ...annotations } = object.metadata.annotations ?? {};
  return { ...object, metadata: { ...object.metadata, annotations } };
}

const readMark = ({ metadata }: KubeObject) =>
  /^(?<what>deploy|rollback|undeploy) (?<since>\S+)$/.exec(metadata.annotations?.[annotationNames.unfinished] ?? '')
    ?.groups;

/** True while a rollback has not ended: the same one again finishes it. */
export const isRollingBack = (object: KubeObject): boolean => readMark(object)?.what === 'rollback';

/** What to say of a function whose deploy, rollback or undeploy has not ended, or null. */
export function describeUnfinished(object: KubeObject): string | null {
  const { what, since } = readMark(object) ?? {};
  if (what === undefined) return null;
  if (what === 'deploy')
    return `the deploy of ${since} has not put all its parts in place; if it was ended, deploy again`;
  return what === 'rollback'
    ? `the rollback of ${since} has not put all its parts in place; if it was ended, roll back again`
    : `the undeploy of ${since} has not taken all its parts away; if it was ended, undeploy again`;
}
