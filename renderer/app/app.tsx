import { useEffect, useMemo, useState } from 'react';
import type { Command } from '../bind/command.ts';
import { useProject, useSaved, useSession, useStudio, useTheme, useTransient } from '../bind/studio.tsx';
import { showPanels } from '../state/context.ts';
import { wideViews } from '../state/transient.ts';
import type { Transport } from '../transport/transport.ts';
import { Button } from '../ui/button.tsx';
import { shortcutOf } from '../ui/shortcut.ts';
import { LoadingState } from '../ui/states.tsx';
import { TooltipLayer } from '../ui/tooltip.tsx';
import { ActivityBar } from './activity-bar.tsx';
import styles from './app.module.css';
import { applyPreferences } from './apply-preferences.ts';
import { listCommands } from './commands.ts';
import { Dialogs } from './dialogs.tsx';
import { Workbench } from './layout.tsx';
import { togglePanel } from './panels.ts';
import { focusRegion, isCovered, nextRegion, trackFocus } from './regions.ts';
import { RunBar } from './run-bar.tsx';
import { StatusBar } from './status-bar.tsx';
import { Toasts } from './toasts.tsx';
import { Welcome } from './welcome.tsx';
import { WideView } from './wide-view.tsx';

/** The window. */
export function App({ transport }: { readonly transport: Transport }) {
  const studio = useStudio();
  const theme = useTheme();
  const preferences = useSaved((state) => state.preferences);
  const project = useProject();
  const projects = useSession((state) => state.projects);
  const link = useSession((state) => state.link);
  const wide = useTransient((state) => wideViews.includes(state.center));
  const context = useMemo(
    () => ({
      studio,
      togglePanel,
      focusRegion: (name: string) => {
        if (isCovered(name)) showPanels(studio);
        focusLater(name);
      },
      nextRegion,
    }),
    [studio],
  );
  const commands = useMemo(() => () => listCommands(context), [context]);

  useEffect(() => {
    document.documentElement.dataset.theme = theme;
  }, [theme]);
  useEffect(() => {
    document.title = project === null ? 'Firstlight' : `${project.name} – Firstlight`;
  }, [project]);
  useEffect(() => {
    applyPreferences(preferences, commands());
    const keys = commands().flatMap(({ id, shortcut }) => (shortcut === undefined ? [] : [[id, shortcut] as const]));
    transport.menu?.setKeys(Object.fromEntries(keys));
  }, [preferences, commands, transport]);
  useEffect(trackFocus, []);
  useEffect(() => {
    const choose = (command: Command) => {
      const { dialog } = studio.transient.getState();
      if (!command.disabled && (dialog === null || command.id === 'palette')) command.run();
    };
    const onKeyDown = (event: KeyboardEvent) => {
      // A field that records a shortcut takes any key.
      if ((event.target as Element | null)?.closest?.('[data-takes-keys]')) return;
      const shortcut = shortcutOf(event);
      if (shortcut === 'Esc') {
        const isOver = studio.transient.getState().dialog !== null || isClosedByEscape(event.target);
        if (isOver || !studio.invoke.cancel()) return;
        event.preventDefault();
        event.stopPropagation();
        return;
      }
      const command = commands().find((entry) => entry.shortcut === shortcut);
      if (command === undefined) return;
      event.preventDefault();
      event.stopPropagation();
      choose(command);
    };
    // No work was in progress, or `onKeyDown` took the key. The focused panel handles it first; then the page closes.
    const onEscape = (event: KeyboardEvent) => {
      if (event.key !== 'Escape' || event.defaultPrevented || studio.transient.getState().dialog !== null) return;
      // The editor and the console use Esc themselves.
      if ((event.target as Element | null)?.closest?.('.monaco-editor, .xterm')) return;
      if (studio.transient.getState().kernelInstall !== null) studio.kernels.cancel();
      else studio.transient.setState({ center: 'editor' });
    };
    window.addEventListener('keydown', onKeyDown, true);
    window.addEventListener('keydown', onEscape);
    const stopMenu = transport.menu?.onCommand((id) => {
      const command = commands().find((entry) => entry.id === id);
      if (command !== undefined) choose(command);
    });
    return () => {
      stopMenu?.();
      window.removeEventListener('keydown', onKeyDown, true);
      window.removeEventListener('keydown', onEscape);
    };
  }, [commands, studio, transport]);

  const starting = projects.value === null && projects.status !== 'failed';
  return (
    <>
      <RunBar />
      {link.status === 'lost' && <LostBar retry={transport.retry} />}
      <div className={styles.body}>
        <ActivityBar commands={commands} />
        <div className={styles.work} data-part="work">
          <div className={styles.panels} data-covered={wide || undefined}>
            {starting ? <Starting late={link.attempt > 1} /> : project === null ? <Welcome /> : <Workbench />}
          </div>
          {wide && <WideView pickers={transport} commands={commands} />}
        </div>
      </div>
      <StatusBar />
      <Dialogs commands={commands} pickers={transport} />
      <Toasts />
      <TooltipLayer />
    </>
  );
}

function Starting({ late }: { readonly late: boolean }) {
  return (
    <LoadingState
      message={
        late ? 'Waiting for the Firstlight engine. Is npm start still running?' : 'Connecting to the Firstlight engine'
      }
    />
  );
}

/** The last known data stays on the screen while the engine cannot be reached. */
function LostBar({ retry }: { readonly retry: () => void }) {
  const [since] = useState(Date.now);
  return (
    <div className={styles.lostBar} role="alert" data-since={since}>
      <span>
        <strong>The engine cannot be reached.</strong> What you typed is kept here; it connects again by itself once{' '}
        <code>npm start</code> or <code>firstlight serve</code> runs.
      </span>
      <Button onClick={retry}>Connect now</Button>
    </div>
  );
}

/** True while a menu or a widget of the editor's is open: Esc closes that before it cancels work. */
function isClosedByEscape(target: EventTarget | null): boolean {
  if (document.querySelector('[role="menu"]') !== null) return true;
  const editor = target instanceof Element ? target.closest('.monaco-editor') : null;
  return editor !== null && editor.querySelector(openWidgets) !== null;
}

const openWidgets = '.suggest-widget.visible, .find-widget.visible, .parameter-hints-widget.visible, .rename-box';

/** Runs after the view that a command has just opened is drawn. */
function focusLater(name: string): void {
  requestAnimationFrame(() => requestAnimationFrame(() => focusRegion(name)));
}
