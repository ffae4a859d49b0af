import type { GuestMark } from '#core/runtime/session.ts';
import type { PhaseName } from '#shared/model/timeline.ts';
import type { GuestMark as WireMark } from './channel.ts';
import type { EmberMark } from './layout.ts';

/** The label of each of Ember's marks, and the phase that it opens. */
const meanings: Readonly<Record<EmberMark, { readonly label: string; readonly opens: PhaseName | null }>> = {
  entry: { label: 'Ember’s first instruction', opens: 'kernel' },
  kernel: { label: 'page tables on, ring 3 runs', opens: null },
  memory: { label: 'memory mapped', opens: null },
  discovery: { label: 'virtio device found', opens: null },
  devices: { label: 'invocation channel up', opens: null },
  runtime: { label: 'QuickJS starts', opens: 'runtime' },
  function: { label: 'heap snapshot restored', opens: 'function' },
  invoke: { label: 'invocation read', opens: null },
  handler: { label: 'handler called', opens: 'handler' },
  returned: { label: 'handler returned', opens: 'respond' },
  respond: { label: 'answer written', opens: null },
};

/** True for a mark that is made anew for each invocation; the others stay as they were at the boot. */
export const isOfInvocation = ({ name }: WireMark): boolean =>
  name === 'invoke' || name === 'handler' || name === 'returned' || name === 'respond';

/** An Ember guest's marks with their meaning. A handler that was stopped never returned: its phase ends with the answer. */
export function describeMarks(marks: readonly WireMark[]): GuestMark[] {
  const seen = new Set(marks.map(({ name }) => name));
  const wasStopped = seen.has('handler') && !seen.has('returned');
  return marks.map(({ name, tsc }) => ({
    name: `ember.${name}`,
    ticks: Number(tsc),
    ...meanings[name],
    ...(name === 'respond' && wasStopped && { opens: 'respond' as const }),
  }));
}
