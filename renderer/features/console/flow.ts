import type { InstanceId, RunId } from '#shared/model/units.ts';
import { type StudioContext, showPanels } from '../../state/context.ts';
import type { ConsoleTab } from '../../state/transient.ts';

export interface ConsoleActions {
  readonly open: (instanceId: InstanceId) => void;
  /** Opens it without a person's asking: a page that covers the dock stays open. */
  readonly bring: (instanceId: InstanceId) => void;
  /** Opens the recorded console of a run. `passing`: until the next run, and without a person's asking. */
  readonly openReplay: (runId: RunId, title: string, passing?: boolean) => void;
  readonly close: (key: string) => void;
}

/** The tabs of the consoles in the dock. */
export function createConsoleActions(context: StudioContext): ConsoleActions {
  const { transient } = context;

  /** Brings a tab to the front, adding it first where it is missing. */
  const show = (tab: ConsoleTab & { readonly key: `console:${string}` }, isAskedFor = true) => {
    if (isAskedFor) showPanels(context);
    transient.setState(({ consoles }) => ({
      consoles: consoles.some(({ key }) => key === tab.key) ? consoles : [...consoles, tab],
      dockTab: tab.key,
    }));
  };

  return {
    open: (instanceId) => show({ key: `console:${instanceId}`, kind: 'live', instanceId }),
    bring: (instanceId) => show({ key: `console:${instanceId}`, kind: 'live', instanceId }, false),
    openReplay: (runId, title, passing = false) =>
      show({ key: `console:run-${runId}`, kind: 'replay', runId, title, passing }, !passing),
    close: (key) =>
      transient.setState((state) => {
        const consoles = state.consoles.filter((tab) => tab.key !== key);
        const next = consoles.at(-1)?.key as `console:${string}` | undefined;
        return { consoles, dockTab: state.dockTab === key ? (next ?? 'build') : state.dockTab };
      }),
  };
}
