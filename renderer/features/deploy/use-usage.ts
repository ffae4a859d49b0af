import { useEffect, useState } from 'react';
import { type FirstlightError, toFirstlightError } from '#shared/errors.ts';
import type { ReplicaStats } from '#shared/model/deploy.ts';
import { useStudio } from '../../bind/studio.tsx';
import type { DeployedRef } from '../../state/deployments.ts';

/** The resources of all replicas at one time. Units: ms since the Unix epoch. */
export interface Reading {
  readonly atMs: number;
  readonly replicas: readonly ReplicaStats[];
}

/** Metrics APIs have a new value every 15 s or more, libvirt has one at any time. Units: ms. */
const readEveryMs = 5_000;
/** After a refusal, and while nobody looks. Units: ms. */
const waitMs = 15_000;
/** Ten minutes of readings. */
const keptReadings = 120;

const none: { readonly readings: readonly Reading[]; readonly error: FirstlightError | null } = {
  readings: [],
  error: null,
};

/** The resources of a deployed function, read again and again while the component is shown and `isOn`. */
export function useUsage({ target, name }: DeployedRef, isOn: boolean): typeof none {
  const { client } = useStudio();
  const [usage, setUsage] = useState(none);
  useEffect(() => {
    setUsage(none);
    if (!isOn) return;
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const read = async () => {
      let next = readEveryMs;
      try {
        if (document.hidden) next = waitMs;
        else {
          const replicas = await client.call('deploy:stats', { target, name }, { signal: abort.signal });
          const reading = { atMs: Date.now(), replicas };
          setUsage(({ readings }) => ({ readings: [...readings.slice(1 - keptReadings), reading], error: null }));
        }
      } catch (thrown) {
        if (abort.signal.aborted) return;
        next = waitMs;
        setUsage(({ readings }) => ({ readings, error: toFirstlightError(thrown) }));
      }
      if (!abort.signal.aborted) timer = setTimeout(() => void read(), next);
    };
    void read();
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, [client, target, name, isOn]);
  return usage;
}
