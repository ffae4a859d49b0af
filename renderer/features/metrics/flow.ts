import type { MetricSample } from '#shared/model/metrics.ts';
import type { InstanceId } from '#shared/model/units.ts';
import { report, type StudioContext, setEntry } from '../../state/context.ts';

/** Graphs show the last ten minutes; older samples are dropped. */
const samplesKeptMs = 10 * 60_000;
/** The greatest number of kept samples, at any rate. */
const samplesKept = 6_000;

export interface MetricsActions {
  /** Reads the samples from before this window opened. */
  readonly load: (instanceId: InstanceId) => Promise<void>;
  readonly sampled: (samples: readonly MetricSample[]) => void;
  readonly drop: (instanceId: InstanceId) => void;
}

export function createMetricsActions(context: StudioContext): MetricsActions {
  const { client, session } = context;
  return {
    load: async (instanceId) => {
      try {
        setEntry(context, 'samples', instanceId, await client.call('metrics:recent', { instanceId }));
      } catch (thrown) {
        report(context, thrown);
      }
    },
    sampled: (samples) => {
      const next = { ...session.getState().samples };
      for (const sample of samples) next[sample.instanceId] = append(next[sample.instanceId] ?? [], sample);
      session.setState({ samples: next });
    },
    drop: (instanceId) => setEntry(context, 'samples', instanceId, undefined),
  };
}

function append(samples: readonly MetricSample[], sample: MetricSample): readonly MetricSample[] {
  const oldest = sample.atMs - samplesKeptMs;
  const kept = (samples[0]?.atMs ?? oldest) < oldest || samples.length >= samplesKept;
  return [...(kept ? samples.filter((entry) => entry.atMs >= oldest).slice(1 - samplesKept) : samples), sample];
}
