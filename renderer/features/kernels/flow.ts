import { toFirstlightError } from '#shared/errors.ts';
import type { NanosRelease } from '#shared/model/nanos.ts';
import type { BuildActions } from '../../state/builds.ts';
import { currentProject, report, type StudioContext } from '../../state/context.ts';
import { failed, loading, ready } from '../../state/loadable.ts';
import type { NanosInstall, NanosSource } from '../../state/transient.ts';

export interface NanosActions {
  readonly load: () => Promise<void>;
  /** Installs a release; the words about published ones come first, until a person has accepted them. */
  readonly install: (source: NanosSource) => Promise<void>;
  /** Says that the words were read, and goes on. */
  readonly accept: () => Promise<void>;
  /** Ends what is under way, or puts away what waits or failed. */
  readonly cancel: () => void;
  readonly use: (version: string) => Promise<void>;
  /** Removes a release once a person has confirmed it. */
  readonly remove: (release: NanosRelease) => void;
  readonly changed: (releases: readonly NanosRelease[]) => void;
}

const installing = (source: NanosSource, patch: Partial<NanosInstall>): NanosInstall => ({
  source,
  stage: 'working',
  message: source.kind === 'official' ? `Asking for Nanos ${source.version}` : `Looking at ${source.from}`,
  fraction: null,
  cancelling: false,
  cancel: () => undefined,
  error: null,
  ...patch,
});

export function createNanosActions(context: StudioContext, builds: BuildActions): NanosActions {
  const { client, session, transient } = context;
  const put = (nanosInstall: NanosInstall | null) => transient.setState({ nanosInstall });
  const patch = (change: Partial<NanosInstall>) =>
    transient.setState(({ nanosInstall }) =>
      nanosInstall === null ? {} : { nanosInstall: { ...nanosInstall, ...change } },
    );

  const load = async () => {
    session.setState((state) => ({ nanos: loading(state.nanos) }));
    try {
      session.setState({ nanos: ready(await client.call('nanos:releases', {})) });
    } catch (thrown) {
      session.setState((state) => ({ nanos: failed(state.nanos, toFirstlightError(thrown)) }));
    }
  };

  const work = async (source: NanosSource, accept: boolean) => {
    const abort = new AbortController();
    const cancel = () => {
      patch({ cancelling: true });
      abort.abort();
    };
    put(installing(source, { cancel }));
    const wanted =
      source.kind === 'official'
        ? { version: source.version, accept }
        : { from: source.from, ...(source.as !== null && { as: source.as }) };
    try {
      await client.call('nanos:install', wanted, {
        signal: abort.signal,
        onProgress: ({ message, fraction }) => patch({ message, fraction: fraction ?? null }),
      });
      put(null);
      await load();
      const project = currentProject(context);
      if (project?.config?.runtime === 'nanos') void builds.prepare(project.id);
    } catch (thrown) {
      const error = toFirstlightError(thrown);
      if (error.code === 'CANCELLED') put(null);
      else if (error.code === 'NOTICE_NOT_ACCEPTED') put(installing(source, { stage: 'notice' }));
      else patch({ stage: 'failed', error, fraction: null });
    }
  };

  return {
    load,
    install: async (source) => {
      if (transient.getState().nanosInstall?.stage === 'working') return;
      const mustRead = source.kind === 'official' && session.getState().nanos.value?.noticeAccepted !== true;
      if (mustRead) put(installing(source, { stage: 'notice' }));
      else await work(source, true);
    },
    accept: async () => {
      const { nanosInstall } = transient.getState();
      if (nanosInstall?.stage === 'notice') await work(nanosInstall.source, true);
    },
    cancel: () => {
      const { nanosInstall } = transient.getState();
      if (nanosInstall?.stage === 'working') nanosInstall.cancel();
      else put(null);
    },
    use: async (version) => {
      try {
        await client.call('nanos:use', { version });
        const project = currentProject(context);
        if (project?.config?.runtime === 'nanos') void builds.prepare(project.id);
      } catch (thrown) {
        report(context, thrown);
      }
    },
    remove: (release) =>
      transient.setState({
        dialog: {
          kind: 'confirm',
          title: `Remove Nanos ${release.version}?`,
          message: release.inUse
            ? 'It is the release in use: functions on Nanos then need another one before they can be built again.'
            : 'Its kernel and klibs are deleted from this machine. Images that were built with it stay.',
          action: 'Remove',
          onConfirm: () => void removeNow(release.version),
        },
      }),
    changed: (releases) => {
      const before = session.getState().nanos.value;
      if (before !== null) session.setState({ nanos: ready({ ...before, releases: [...releases] }) });
      else void load();
    },
  };

  async function removeNow(version: string): Promise<void> {
    try {
      await client.call('nanos:remove', { version });
    } catch (thrown) {
      report(context, thrown);
    }
  }
}
