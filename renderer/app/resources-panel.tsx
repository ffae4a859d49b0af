import { useEffect, useMemo } from 'react';
import { useSaved, useSession, useShown, useStudio, useTransient } from '../bind/studio.tsx';
import { ResourceGraphs } from '../features/metrics/resource-graphs.tsx';

const none: readonly never[] = [];

/** The last minutes of one instance: the focused one, else the shown run's, else one of the function. */
export function ResourcesPanel({ theme }: { readonly theme: 'light' | 'dark' }) {
  const studio = useStudio();
  const { run } = useShown();
  const projectId = useSaved((state) => state.projectId);
  const focused = useTransient((state) => state.focusedInstanceId);
  const instances = useSession((state) => state.instances.value) ?? none;
  const shown = instances.find((entry) => entry.id === (focused ?? run?.instance?.id));
  const id = (shown ?? instances.find((entry) => entry.projectId === projectId))?.id ?? null;
  const live = useSession((state) => (id === null ? undefined : state.samples[id]));
  const samples = useMemo(() => live ?? run?.samples ?? none, [live, run]);
  useEffect(() => {
    if (id !== null) void studio.metrics.load(id);
  }, [id, studio]);
  const cpus = useSession((state) => state.info?.cpus);
  const name = id ?? samples.at(-1)?.instanceId ?? null;
  return <ResourceGraphs name={name} samples={samples} cpus={cpus} theme={theme} />;
}
