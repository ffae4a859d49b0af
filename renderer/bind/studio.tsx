import { createContext, type ReactNode, useContext, useEffect, useState } from 'react';
import { useStore } from 'zustand';
import type { Project } from '#shared/model/project.ts';
import type { SavedState, ThemeChoice } from '../state/saved.ts';
import { nothingShown, type SessionState, type Shown } from '../state/session.ts';
import type { Task, TransientState } from '../state/transient.ts';
import type { Studio } from '../studio.ts';

const StudioContext = createContext<Studio | null>(null);

export function StudioProvider({ studio, children }: { readonly studio: Studio; readonly children: ReactNode }) {
  return <StudioContext value={studio}>{children}</StudioContext>;
}

/** The window's studio. Errors: throws outside `StudioProvider`, which is a defect. */
export function useStudio(): Studio {
  const studio = useContext(StudioContext);
  if (studio === null) throw new Error('useStudio outside StudioProvider');
  return studio;
}

export const useSaved = <T,>(select: (state: SavedState) => T): T => useStore(useStudio().saved, select);
export const useSession = <T,>(select: (state: SessionState) => T): T => useStore(useStudio().session, select);
export const useTransient = <T,>(select: (state: TransientState) => T): T => useStore(useStudio().transient, select);

/** The project that the window shows. */
export function useProject(): Project | null {
  const projectId = useSaved((state) => state.projectId);
  return useSession((state) => state.projects.value?.find((project) => project.id === projectId) ?? null);
}

/** The content of its response and timeline panels. */
export function useShown(): Shown {
  const projectId = useSaved((state) => state.projectId);
  return useSession((state) => (projectId === null ? nothingShown : (state.shown[projectId] ?? nothingShown)));
}

/** The long work in progress in it. */
export function useTask(): Task | null {
  const projectId = useSaved((state) => state.projectId);
  return useTransient((state) => (projectId === null ? null : (state.tasks[projectId] ?? null)));
}

/** The time, read again every `periodMs` while `running`. Units: ms since the Unix epoch. */
export function useNow(periodMs: number, running = true): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (!running) return;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), periodMs);
    return () => clearInterval(timer);
  }, [periodMs, running]);
  return now;
}

/** The theme in force: a person's choice, or the system's. */
export function useTheme(): 'light' | 'dark' {
  const choice: ThemeChoice = useSaved((state) => state.theme);
  const [system, setSystem] = useState<'light' | 'dark'>(() => (darkQuery().matches ? 'dark' : 'light'));
  useEffect(() => {
    const query = darkQuery();
    const follow = () => setSystem(query.matches ? 'dark' : 'light');
    query.addEventListener('change', follow);
    return () => query.removeEventListener('change', follow);
  }, []);
  return choice === 'system' ? system : choice;
}

const darkQuery = () => window.matchMedia('(prefers-color-scheme: dark)');
