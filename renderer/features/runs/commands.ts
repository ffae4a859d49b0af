import { startModes } from '#shared/model/timeline.ts';
import type { ListCommands } from '../../bind/command.ts';
import { currentProject } from '../../state/context.ts';

/** Commands that start, cancel and compare runs. */
export const listRunCommands: ListCommands = (studio) => {
  const { transient, saved, session } = studio;
  const project = currentProject(studio);
  const { startMode } = saved.getState();
  const task = project === null ? undefined : transient.getState().tasks[project.id];
  const shown = project === null ? undefined : session.getState().shown[project.id];
  return [
    {
      id: 'run',
      title: 'Run',
      group: 'Run',
      shortcut: 'Ctrl+Enter',
      icon: 'play',
      disabled: project === null || task !== undefined,
      run: () => void studio.invoke.run(),
    },
    {
      id: 'cancel',
      title: 'Cancel the run or the build',
      group: 'Run',
      shortcut: 'Esc',
      disabled: task === undefined,
      run: () => task?.cancel(),
    },
    ...startModes.map((mode) => ({
      id: `mode-${mode}`,
      title: `Start mode: ${mode}`,
      group: 'Run' as const,
      disabled: startMode === mode,
      run: () => saved.setState({ startMode: mode }),
    })),
    {
      id: 'no-compare',
      title: 'Draw no run beneath the timeline',
      group: 'Run',
      icon: 'ghost',
      disabled: !shown?.previous,
      run: () => project !== null && void studio.runs.compare(project.id, null),
    },
  ];
};
