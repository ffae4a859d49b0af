import type { Command, ListCommands } from '../../bind/command.ts';
import { configPath } from '../../state/config-text.ts';
import { currentProject } from '../../state/context.ts';
import { runtimeOf } from '../../state/function-config.ts';
import { type KernelRuntime, kernelRuntimes, showReleases } from '../../state/kernels.ts';
import { docKey } from '../../state/session.ts';
import type { Studio } from '../../studio.ts';

/** Commands that choose a runtime, and manage the releases of kernels. */
export const listKernelCommands: ListCommands = (studio) => {
  const { session, transient } = studio;
  const state = session.getState();
  const project = currentProject(studio);
  const runtime = project === null ? null : runtimeOf(project, state.docs[docKey(project.id, configPath)]);
  const busy = project !== null && transient.getState().tasks[project.id] !== undefined;
  return [
    ...state.runtimes.map(
      ({ id, title }): Command => ({
        id: `runtime-${id}`,
        title: `Runtime: ${title}`,
        group: 'Function',
        icon: 'function',
        disabled: project === null || busy || runtime === id,
        run: () => project !== null && void studio.config.chooseRuntime(project.id, id),
      }),
    ),
    ...kernelRuntimes(state).flatMap((kernel) => listCommandsOf(studio, kernel)),
  ];
};

const listCommandsOf = (studio: Studio, { id, title }: KernelRuntime): readonly Command[] => [
  {
    id: `releases-${id}`,
    title: `${title} releases`,
    group: 'Kernels',
    icon: 'download',
    run: () => showReleases(studio, id),
  },
  {
    id: `install-latest-${id}`,
    title: `Install the latest ${title} release`,
    group: 'Kernels',
    icon: 'download',
    run: () => {
      showReleases(studio, id);
      void studio.kernels.install(id, { kind: 'official', version: 'latest' });
    },
  },
  ...(studio.session.getState().kernels[id]?.value?.releases ?? [])
    .filter((release) => !release.inUse)
    .map(
      ({ version }): Command => ({
        id: `use-${id}-${version}`,
        title: `Use ${title} ${version}`,
        group: 'Kernels',
        run: () => void studio.kernels.use(id, version),
      }),
    ),
];
