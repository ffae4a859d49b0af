import { useSyncExternalStore } from 'react';

/** The keys in force for default keys, where a person chose others. */
let names: ReadonlyMap<string, string> = new Map();
const listeners = new Set<() => void>();

/** Sets the keys that a person chose in place of default ones; an empty key is none. */
export function setKeyNames(next: ReadonlyMap<string, string>): void {
  names = next;
  for (const listener of listeners) listener();
}

const subscribe = (listener: () => void) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};

/** Returns the lookup of the key to show for a default one; undefined when it has none. */
export function useKeyName(): (usual: string | undefined) => string | undefined {
  const known = useSyncExternalStore(subscribe, () => names);
  return (usual) => (usual === undefined ? undefined : (known.get(usual) ?? usual) || undefined);
}
