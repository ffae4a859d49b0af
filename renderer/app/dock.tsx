import { useProject, useStudio, useTransient } from '../bind/studio.tsx';
import { BuildOutput } from '../features/build/build-output.tsx';
import { ProblemList, useProblems } from '../features/build/problem-list.tsx';
import { RunTable } from '../features/runs/run-table.tsx';
import type { DockTab } from '../state/transient.ts';
import { IconButton } from '../ui/button.tsx';
import { EmptyState } from '../ui/states.tsx';
import tabs from '../ui/tabs.module.css';
import { TabList } from '../ui/tabs.tsx';
import styles from './dock.module.css';
import { GuestConsole } from './guest-console.tsx';
import { togglePanel } from './panels.ts';
import { ResourcesPanel } from './resources-panel.tsx';
import { TracePanel } from './trace-panel.tsx';

/** Consoles, build output, problems and runs in tabs, one shown at a time. */
export function Dock({ theme }: { readonly theme: 'light' | 'dark' }) {
  const studio = useStudio();
  const dockTab = useTransient((state) => state.dockTab);
  const consoles = useTransient((state) => state.consoles);
  const problems = useProblems();
  const traces = useProject()?.printsDiagnostics === true;
  const errors = problems.filter((problem) => problem.severity === 'error').length;
  const select = (id: string) => studio.transient.setState({ dockTab: id as DockTab });
  return (
    <section className={styles.dock} aria-label="Dock" data-region="dock">
      <div className={`${tabs.bar} ${styles.tabs}`}>
        <TabList
          label="Dock"
          panelId="dock-body"
          active={dockTab}
          onSelect={select}
          items={[
            ...consoles.map((tab) => {
              const title = tab.kind === 'live' ? tab.instanceId : tab.title;
              const close = () => studio.consoles.close(tab.key);
              return {
                id: tab.key,
                name: `Console ${title}`,
                label: (
                  <span>
                    {tab.kind === 'live' ? 'Console' : 'Replay'} <span className={`mono ${styles.id}`}>{title}</span>
                  </span>
                ),
                trailing: <IconButton icon="close" size={12} label={`Close the console of ${title}`} onClick={close} />,
                onClose: close,
              };
            }),
            ...(traces ? [{ id: 'trace', label: 'Trace', tip: 'What the kernel’s diagnostics print' }] : []),
            { id: 'resources', label: 'Resources' },
            { id: 'build', label: 'Build' },
            {
              id: 'problems',
              name: `Problems, ${problems.length}`,
              label: (
                <>
                  Problems{' '}
                  <span className={errors > 0 ? `${styles.count} ${styles.countError}` : styles.count}>
                    {problems.length}
                  </span>
                </>
              ),
            },
            { id: 'runs', label: 'Runs' },
          ]}
        />
        <IconButton icon="down" label="Hide the dock" shortcut="Ctrl+J" onClick={() => togglePanel('dock')} />
      </div>
      <div className={styles.body} id="dock-body" role="tabpanel" aria-label={dockTab}>
        {consoles.map((tab) => (
          <div key={tab.key} className={styles.console} hidden={tab.key !== dockTab}>
            <GuestConsole
              of={tab.kind === 'live' ? { instanceId: tab.instanceId } : { runId: tab.runId }}
              part={traces ? 'program' : 'all'}
              title={tab.kind === 'live' ? tab.instanceId : tab.title}
              theme={theme}
            />
          </div>
        ))}
        {dockTab === 'trace' && (
          <div className={styles.console}>
            <TracePanel theme={theme} />
          </div>
        )}
        {dockTab === 'resources' && (
          <div className={styles.scroll}>
            <ResourcesPanel theme={theme} />
          </div>
        )}
        {dockTab === 'build' && (
          <div className={`scroll ${styles.scroll}`}>
            <BuildOutput />
          </div>
        )}
        {dockTab === 'problems' && (
          <div className={`scroll ${styles.scroll}`}>
            <ProblemList />
          </div>
        )}
        {dockTab === 'runs' && (
          <div className={`scroll ${styles.scroll}`}>
            <RunTable />
          </div>
        )}
        {dockTab.startsWith('console:') && !consoles.some((tab) => tab.key === dockTab) && (
          <EmptyState icon="terminal" title="No console is open">
            A run opens the console of what it boots.
          </EmptyState>
        )}
      </div>
    </section>
  );
}
