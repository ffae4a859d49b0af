import { type AllowedTokenService, allowedTokenServices, tokenServiceKey } from '#shared/model/token-service.ts';
import type { StudioContext } from '../../state/context.ts';
import { initialPreferences, initialSaved, type Preferences } from '../../state/saved.ts';

export interface SettingsActions {
  readonly set: (change: Partial<Preferences>) => void;
  /** Gives a command another key; an empty one removes its key, null restores the default. */
  readonly setKey: (commandId: string, key: string | null) => void;
  readonly reset: () => void;
  /** The registries whose name and password may go to a token service on another host. Errors: as the calls. */
  readonly listRegistries: () => Promise<readonly AllowedTokenService[]>;
  /** Takes back what a person allowed for a registry. */
  readonly forgetTokenService: (registry: string) => Promise<void>;
}

export function createSettingsActions({ saved, client }: StudioContext): SettingsActions {
  const set = (change: Partial<Preferences>) =>
    saved.setState(({ preferences }) => ({ preferences: { ...preferences, ...change } }));
  return {
    set,
    setKey: (commandId, key) => {
      const { [commandId]: _before, ...rest } = saved.getState().preferences.keys;
      set({ keys: key === null ? rest : { ...rest, [commandId]: key } });
    },
    reset: () => saved.setState({ preferences: initialPreferences, theme: initialSaved.theme }),
    listRegistries: async () => allowedTokenServices(await client.call('settings:get', {})),
    forgetTokenService: async (registry) => {
      await client.call('settings:set', { values: { [tokenServiceKey(registry)]: null } });
    },
  };
}
