import type { StudioContext } from '../../state/context.ts';
import { initialPreferences, type Preferences } from '../../state/saved.ts';

export interface SettingsActions {
  readonly set: (change: Partial<Preferences>) => void;
  /** Gives a command another key; an empty one removes its key, null restores the default. */
  readonly setKey: (commandId: string, key: string | null) => void;
  readonly reset: () => void;
}

export function createSettingsActions({ saved }: StudioContext): SettingsActions {
  const set = (change: Partial<Preferences>) =>
    saved.setState(({ preferences }) => ({ preferences: { ...preferences, ...change } }));
  return {
    set,
    setKey: (commandId, key) => {
      const { [commandId]: _before, ...rest } = saved.getState().preferences.keys;
      set({ keys: key === null ? rest : { ...rest, [commandId]: key } });
    },
    reset: () => saved.setState({ preferences: initialPreferences }),
  };
}
