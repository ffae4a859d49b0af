/** A change of several objects that was ended in its middle: its mark stays on what runs the function, so that it is told of. */
import { FirstlightError } from '#shared/errors.ts';
import type { KubeObject } from './kube/objects.ts';
import { annotationNames } from './names.ts';
import { thisComputer } from './this-computer.ts';

type Change = 'deploy' | 'rollback' | 'undeploy';

/** The object with a mark: what is done, since when, and by whom. An apply without it takes it away. */
export const withMark = <Value extends KubeObject>(object: Value, what: Change): Value => ({
  ...object,
  metadata: {
    ...object.metadata,
    annotations: {
      ...object.metadata.annotations,
      [annotationNames.unfinished]: `${what} ${new Date().toISOString()} ${thisComputer()}`,
    },
  },
});

/** The object without a mark. */
export function withoutMark<Value extends KubeObject>(object: Value): Value {
  const { [annotationNames.unfinished]: _, ...annotations } = object.metadata.annotations ?? {};
  return { ...object, metadata: { ...object.metadata, annotations } };
}

const readMark = ({ metadata }: KubeObject) =>
  /^(?<what>deploy|rollback|undeploy) (?<since>\S+)(?: (?<by>\S+))?$/.exec(
    metadata.annotations?.[annotationNames.unfinished] ?? '',
  )?.groups;

/** True while a rollback has not ended: the same one again finishes it. */
export const isRollingBack = (object: KubeObject): boolean => readMark(object)?.what === 'rollback';

/** A change of another computer that is older than this was interrupted. Units: ms. */
const foreignChangeMs = 10 * 60_000;

/** Errors: CONFLICT while another computer changes the function, as far as its mark shows, unless with `force`. */
export function checkNotElsewhere(object: KubeObject | null, name: string, force: boolean): void {
  const { what = '', since = '', by = '' } = (object === null ? undefined : readMark(object)) ?? {};
  // Our own computer lets one change go on at a time: a mark of it is of one that was ended.
  if (force || by === '' || by === thisComputer() || Date.now() - Date.parse(since) > foreignChangeMs) return;
  throw new FirstlightError('CONFLICT', `The ${what} of ${name} by ${by}, since ${since}, has not ended.`, {
    hint: 'Wait for it to end. If it was interrupted, --force takes over.',
    details: { subject: name },
  });
}

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
