/** A change of several objects that was ended in its middle: its mark stays on the Deployment, so that it is told of. */
import type { KubeObject } from './kube/objects.ts';
import { annotationNames } from './names.ts';

/** The object with a mark: what is done, and since when. An apply without it takes it away. */
export const withMark = <Value extends KubeObject>(object: Value, what: 'deploy' | 'undeploy'): Value => ({
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

/** What to say of a function whose deploy or undeploy has not ended, or null. */
export function describeUnfinished({ metadata }: KubeObject): string | null {
  const [, what, since] =
    /^(deploy|undeploy) (\S+)$/.exec(metadata.annotations?.[annotationNames.unfinished] ?? '') ?? [];
  if (what === undefined || since === undefined) return null;
  return what === 'deploy'
    ? `the deploy of ${since} has not put all its parts in place; if it was ended, deploy again`
    : `the undeploy of ${since} has not taken all its parts away; if it was ended, undeploy again`;
}
