import { useSyncExternalStore } from 'react';

/** The key in force for a usual one, where a person chose another. */
let names: ReadonlyMap<string, string> = new Map();
const listeners = new Set<() => void>();

/** Takes over which keys a person chose in place of usual ones; an empty key is none. */
export function setKeyNames(next: ReadonlyMap<string, string>): void {
  names = next;
  for (const listener of listeners) listener();
}

const subscribe = (listener: () => void) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};

/** Gives the key to show for a usual one; undefined when it has none. */
export function useKeyName(): (usual: string | undefined) => string | undefined {
  const known = useSyncExternalStore(subscribe, () => names);
  return (usual) => (usual === undefined ? undefined : (known.get(usual) ?? usual) || undefined);
}
