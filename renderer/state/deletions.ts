import { addToast, report, type StudioContext } from './context.ts';

/** Long enough to read what was deleted and to click Undo. Units: ms. */
export const undoMs = 6_000;

/** Deletions with undo: a deleted entry is hidden at once, and removed when the time to undo is over. */
export interface Deletions {
  /** Deletes entries by id. `message` names them. */
  readonly begin: (ids: readonly string[], message: string, remove: (id: string) => Promise<unknown>) => void;
  /** Carries out the pending deletions, as when the window closes. */
  readonly flush: () => void;
}

export function createDeletions(context: StudioContext): Deletions {
  const waiting = new Map<ReturnType<typeof setTimeout>, () => void>();

  const setLeaving = (ids: readonly string[], leaves: boolean) =>
    context.transient.setState((state) => {
      const leaving = new Set(state.leaving);
      for (const id of ids) leaves ? leaving.add(id) : leaving.delete(id);
      return { leaving };
    });

  return {
    begin: (ids, message, remove) => {
      if (ids.length === 0) return;
      setLeaving(ids, true);
      const carryOut = async () => {
        waiting.delete(timer);
        const results = await Promise.allSettled(ids.map(remove));
        setLeaving(ids, false);
        for (const result of results) if (result.status === 'rejected') report(context, result.reason);
      };
      const timer = setTimeout(() => void carryOut(), undoMs);
      waiting.set(timer, () => void carryOut());
      const toast = addToast(context, message, null, {
        label: 'Undo',
        run: () => {
          if (!waiting.delete(timer)) return;
          clearTimeout(timer);
          setLeaving(ids, false);
          context.transient.setState((state) => ({ toasts: state.toasts.filter((entry) => entry.id !== toast) }));
        },
      });
    },
    flush: () => {
      for (const [timer, carryOut] of waiting) {
        clearTimeout(timer);
        carryOut();
      }
    },
  };
}
