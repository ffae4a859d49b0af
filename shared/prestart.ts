import type { CallOptions, Client } from './contract/client.ts';
import type { BuildResult } from './model/image.ts';
import type { ProjectId } from './model/units.ts';

/** A domain is created in a third of a second; on a machine where that takes so long, a cold start is no worse. */
const prestartWaitMs = 10_000;

/**
 * Builds, and waits until the next instance stands paused and ready to be resumed: for a process that has none yet.
 *
 * Errors: as `builds:build`. That nothing could be prestarted is none: the run is then a cold one, and says so.
 */
export async function buildAndPrestart(
  client: Client,
  projectId: ProjectId,
  options: CallOptions = {},
): Promise<BuildResult> {
  // Those of other processes, which only they can resume.
  const others = new Set((await client.call('instances:list', {}, options)).map((instance) => instance.id));
  let isReady: () => void = () => undefined;
  const ready = new Promise<void>((resolve) => {
    isReady = resolve;
  });
  const stop = client.subscribe('instances:changed', ({ instance }) => {
    const isNext = instance.projectId === projectId && instance.state === 'prestarted' && !others.has(instance.id);
    if (isNext) isReady();
  });
  try {
    const build = await client.call('builds:build', { projectId, startMode: 'prestarted' }, options);
    options.onProgress?.({ step: 'prestart', message: 'Creating the next instance' });
    await Promise.race([ready, elapsed(prestartWaitMs), cancelled(options.signal)]);
    return build;
  } finally {
    stop();
  }
}

const elapsed = (ms: number) => new Promise<void>((resolve) => void setTimeout(resolve, ms));

const cancelled = (signal: AbortSignal | undefined) =>
  new Promise<void>((resolve) => signal?.addEventListener('abort', () => resolve(), { once: true }));
