import { toFirstlightError } from '#shared/errors.ts';
import type { KernelRelease } from '#shared/model/kernel.ts';
import type { RuntimeId } from '#shared/model/project.ts';
import type { ProjectId } from '#shared/model/units.ts';
import { currentProject, report, type StudioContext, setEntry } from '../../state/context.ts';
import { kernelRuntimes } from '../../state/kernels.ts';
import { failed, loading, ready } from '../../state/loadable.ts';
import type { KernelInstall, KernelSource } from '../../state/transient.ts';

export interface KernelActions {
  /** Reads the releases of each runtime that has any. */
  readonly load: () => Promise<void>;
  /** Installs a release; the notice about published ones comes first, until a person has accepted it. */
  readonly install: (runtime: RuntimeId, source: KernelSource) => Promise<void>;
  /** Records that the notice was read, and continues. */
  readonly accept: () => Promise<void>;
  /** Cancels the installation in progress, or dismisses a waiting or failed one. */
  readonly cancel: () => void;
  readonly use: (runtime: RuntimeId, version: string) => Promise<void>;
  /** Removes a release after a person has confirmed it. */
  readonly remove: (runtime: RuntimeId, release: KernelRelease) => void;
  readonly changed: (runtime: RuntimeId, releases: readonly KernelRelease[]) => void;
}

/** The dependencies on the feature that builds. */
export interface KernelNeeds {
  readonly prepare: (projectId: ProjectId) => Promise<void>;
}

export function createKernelActions(context: StudioContext, needs: KernelNeeds): KernelActions {
  const { client, session, transient } = context;
  const kernelsOf = (runtime: RuntimeId) => session.getState().kernels[runtime];
  const titleOf = (runtime: RuntimeId) =>
    session.getState().runtimes.find(({ id }) => id === runtime)?.title ?? runtime;
  const put = (kernelInstall: KernelInstall | null) => transient.setState({ kernelInstall });
  const patch = (change: Partial<KernelInstall>) =>
    transient.setState(({ kernelInstall }) =>
      kernelInstall === null ? {} : { kernelInstall: { ...kernelInstall, ...change } },
    );
  const begin = (runtime: RuntimeId, source: KernelSource, change: Partial<KernelInstall>): KernelInstall => ({
    runtime,
    source,
    stage: 'working',
    message:
      source.kind === 'official' ? `Asking for ${titleOf(runtime)} ${source.version}` : `Looking at ${source.from}`,
    fraction: null,
    cancelling: false,
    cancel: () => undefined,
    error: null,
    ...change,
  });

  const loadOne = async (runtime: RuntimeId) => {
    setEntry(context, 'kernels', runtime, loading(kernelsOf(runtime)));
    try {
      setEntry(context, 'kernels', runtime, ready(await client.call('kernels:list', { runtime })));
    } catch (thrown) {
      setEntry(context, 'kernels', runtime, failed(kernelsOf(runtime), toFirstlightError(thrown)));
    }
  };

  const buildAgain = (runtime: RuntimeId) => {
    const project = currentProject(context);
    if (project?.config?.runtime === runtime) void needs.prepare(project.id);
  };

  const work = async (runtime: RuntimeId, source: KernelSource, accept: boolean) => {
    const abort = new AbortController();
    const cancel = () => {
      patch({ cancelling: true });
      abort.abort();
    };
    put(begin(runtime, source, { cancel }));
    const wanted =
      source.kind === 'official'
        ? { version: source.version, accept }
        : { from: source.from, ...(source.as !== null && { as: source.as }) };
    try {
      await client.call(
        'kernels:install',
        { runtime, ...wanted },
        {
          signal: abort.signal,
          onProgress: ({ message, fraction }) => patch({ message, fraction: fraction ?? null }),
        },
      );
      put(null);
      await loadOne(runtime);
      buildAgain(runtime);
    } catch (thrown) {
      const error = toFirstlightError(thrown);
      if (error.code === 'CANCELLED') put(null);
      else if (error.code === 'NOTICE_NOT_ACCEPTED') put(begin(runtime, source, { stage: 'notice' }));
      else patch({ stage: 'failed', error, fraction: null });
    }
  };

  return {
    load: async () => {
      await Promise.all(kernelRuntimes(session.getState()).map(({ id }) => loadOne(id)));
    },
    install: async (runtime, source) => {
      if (transient.getState().kernelInstall?.stage === 'working') return;
      const mustRead = source.kind === 'official' && kernelsOf(runtime)?.value?.noticeAccepted !== true;
      if (mustRead) put(begin(runtime, source, { stage: 'notice' }));
      else await work(runtime, source, true);
    },
    accept: async () => {
      const { kernelInstall } = transient.getState();
      if (kernelInstall?.stage === 'notice') await work(kernelInstall.runtime, kernelInstall.source, true);
    },
    cancel: () => {
      const { kernelInstall } = transient.getState();
      if (kernelInstall?.stage === 'working') kernelInstall.cancel();
      else put(null);
    },
    use: async (runtime, version) => {
      try {
        await client.call('kernels:use', { runtime, version });
        buildAgain(runtime);
      } catch (thrown) {
        report(context, thrown);
      }
    },
    remove: (runtime, release) => {
      const title = titleOf(runtime);
      transient.setState({
        dialog: {
          kind: 'confirm',
          title: `Remove ${title} ${release.version}?`,
          message: release.inUse
            ? `It is the release in use: functions on ${title} then need another one before they can be built again.`
            : 'Its files are deleted from this machine. Images that were built with it stay.',
          action: 'Remove',
          onConfirm: () => void removeNow(runtime, release.version),
        },
      });
    },
    changed: (runtime, releases) => {
      const before = kernelsOf(runtime)?.value;
      if (before == null) void loadOne(runtime);
      else setEntry(context, 'kernels', runtime, ready({ ...before, releases: [...releases] }));
    },
  };

  async function removeNow(runtime: RuntimeId, version: string): Promise<void> {
    try {
      await client.call('kernels:remove', { runtime, version });
    } catch (thrown) {
      report(context, thrown);
    }
  }
}
