import { useEffect } from 'react';
import { useStore } from 'zustand';
import { useStudio } from '../../bind/studio.tsx';
import type { DeployState } from '../../state/deployments.ts';

/** A part of the state of targets and the functions on them. */
export const useDeploy = <T>(select: (state: DeployState) => T): T => useStore(useStudio().deploy.store, select);

/** Follows the functions of all targets while the component is shown. */
export function useWatchedTargets(): void {
  const { deploy } = useStudio();
  const targets = useDeploy((state) => state.targets.value);
  const names = (targets ?? []).map(({ name }) => name).join('\n');
  useEffect(() => {
    if (names === '') return;
    const ends = names.split('\n').map(deploy.watch);
    return () => {
      for (const end of ends) end();
    };
  }, [deploy, names]);
}
