import type { Client } from '#shared/contract/client.ts';
import { FirstlightError, toFirstlightError } from '#shared/errors.ts';
import type { Project } from '#shared/model/project.ts';
import type { ProjectId } from '#shared/model/units.ts';
import type { SavedState, SavedStore } from './saved.ts';
import type { SessionState, SessionStore, Shown } from './session.ts';
import { nothingShown } from './session.ts';
import { type Task, type Toast, type TransientStore, wideViews } from './transient.ts';

/** The shared parts that every action works on. */
export interface StudioContext {
  readonly client: Client;
  readonly saved: SavedStore;
  readonly session: SessionStore;
  readonly transient: TransientStore;
}

/** Keys of a state that contain a record of entries. */
type RecordKey<State> = {
  [Key in keyof State]: State[Key] extends Readonly<Record<string, unknown>> ? Key : never;
}[keyof State];

/** Replaces one entry of a record in the session; `undefined` removes it. */
export function setEntry<Key extends RecordKey<SessionState>>(
  context: StudioContext,
  key: Key,
  id: string,
  value: SessionState[Key][keyof SessionState[Key]] | undefined,
): void {
  context.session.setState(
    (state) =>
      ({ [key]: withEntry<unknown>(state[key] as Record<string, unknown>, id, value) }) as Partial<SessionState>,
  );
}

/** Replaces one entry of a record in the saved state; `undefined` removes it. */
export function setSavedEntry<Key extends RecordKey<SavedState>>(
  context: StudioContext,
  key: Key,
  id: string,
  value: SavedState[Key][keyof SavedState[Key]] | undefined,
): void {
  context.saved.setState(
    (state) => ({ [key]: withEntry<unknown>(state[key] as Record<string, unknown>, id, value) }) as Partial<SavedState>,
  );
}

/** A copy of a record with one entry replaced, or removed. */
function withEntry<T>(record: Readonly<Record<string, T>>, id: string, value: T | undefined): Record<string, T> {
  const { [id]: _before, ...rest } = record;
  return value === undefined ? rest : { ...rest, [id]: value };
}

export const shownOf = (context: StudioContext, projectId: string): Shown =>
  context.session.getState().shown[projectId] ?? nothingShown;

export function patchShown(context: StudioContext, projectId: string, patch: Partial<Shown>): void {
  setEntry(context, 'shown', projectId, { ...shownOf(context, projectId), ...patch });
}

/** The project that the window shows; null while there is none. */
export function currentProject(context: StudioContext): Project | null {
  const { projectId } = context.saved.getState();
  return context.session.getState().projects.value?.find((project) => project.id === projectId) ?? null;
}

/** The host that was chosen for a project, as calls name it: none for this machine's libvirt, or when it was removed. */
export function chosenHost({ saved, session }: StudioContext, projectId: string): { readonly host?: string } {
  const { hosts } = session.getState();
  const host = saved.getState().hosts[projectId];
  if (host === undefined) return {};
  // At the start of the studio the list is not there yet.
  return hosts.length === 0 || hosts.some(({ name }) => name === host) ? { host } : {};
}

/** Replaces the long work in progress in a project, or (null) ends it. */
export function setTask(context: StudioContext, projectId: ProjectId, task: Task | null): void {
  context.transient.setState((state) => ({ tasks: withEntry(state.tasks, projectId, task ?? undefined) }));
}

export function patchTask(context: StudioContext, projectId: ProjectId, patch: Partial<Task>): void {
  const task = context.transient.getState().tasks[projectId];
  if (task !== undefined) setTask(context, projectId, { ...task, ...patch });
}

/** Shows the panels around the editor again, when a wide view covers them. */
export function showPanels(context: StudioContext): void {
  if (wideViews.includes(context.transient.getState().center)) context.transient.setState({ center: 'editor' });
}

let nextToastId = 1;

/** Reports an error that no other panel shows. A cancelled call is not reported: a person asked for it. */
export function report(context: StudioContext, thrown: unknown): FirstlightError {
  const error = toFirstlightError(thrown);
  if (error.code !== 'CANCELLED') addToast(context, error.message, error);
  return error;
}

/** Shows a short notice. */
export function addToast(
  context: StudioContext,
  message: string,
  error: FirstlightError | null = null,
  action: Toast['action'] = null,
): number {
  const id = nextToastId++;
  context.transient.setState((state) => ({
    toasts: [...state.toasts.filter((toast) => toast.message !== message), { id, message, error, action }].slice(-3),
  }));
  return id;
}

/** An event as typed, read as JSON. Errors: BAD_INPUT with the message of JSON.parse. */
export function parseEvent(text: string): { ok: true; value: unknown } | { ok: false; error: FirstlightError } {
  try {
    return { ok: true, value: JSON.parse(text) };
  } catch (thrown) {
    const said = thrown instanceof Error ? thrown.message : String(thrown);
    // The engine's message ends with a quote of the whole text, which the person already sees.
    const message = said
      .replace(/, ".*" is not valid JSON$/s, '')
      .replace(/^"(.*)" is not valid JSON$/s, 'it cannot be read');
    return {
      ok: false,
      error: new FirstlightError('BAD_INPUT', `The event is not valid JSON: ${message}`, {
        hint: 'Correct it in the Event panel, or choose a template there.',
      }),
    };
  }
}
