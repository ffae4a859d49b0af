import { useMemo } from 'react';
import { FirstlightError } from '#shared/errors.ts';
import type { InstanceId, RunId } from '#shared/model/units.ts';
import { useSaved, useStudio, useTheme } from '../bind/studio.tsx';
import type { ConsoleSource } from '../features/console/console-source.ts';
import type { DeployedRef } from '../state/deployments.ts';
import { LazyView } from '../ui/lazy-view.tsx';
import { LoadingState } from '../ui/states.tsx';

const loadConsole = () =>
  import('../features/console/console-view.tsx').then((module) => ({ default: module.ConsoleView }));

export interface GuestConsoleProps {
  /** A running instance, or a recorded run. */
  readonly of: { readonly instanceId: InstanceId } | { readonly runId: RunId };
  /** All output, the program's output, or the output of the kernel's diagnostics. */
  readonly part: 'all' | 'program' | 'trace';
  readonly title: string;
  readonly theme: 'light' | 'dark';
}

/** The output of a guest, live or as it was recorded. */
export function GuestConsole({ of, part, title, theme }: GuestConsoleProps) {
  const { client, session } = useStudio();
  const instanceId = 'instanceId' in of ? of.instanceId : null;
  const runId = 'runId' in of ? of.runId : null;
  const source = useMemo(
    () => ({
      open: (onChunk: (bytes: Uint8Array) => Promise<void> | void) =>
        instanceId !== null
          ? client.openStream('console:attach', { instanceId, part }, onChunk)
          : client.openStream('console:replay', { runId: runId as RunId, part }, onChunk),
      readAll: async () => {
        const of = runId ?? session.getState().instances.value?.find((entry) => entry.id === instanceId)?.runId;
        if (of == null) throw new FirstlightError('NOT_FOUND', 'No run recorded this console.');
        const chunks: Uint8Array[] = [];
        await client.openStream('console:replay', { runId: of, part }, (bytes) => void chunks.push(bytes)).ended;
        return chunks;
      },
    }),
    [client, session, instanceId, runId, part],
  );
  return <LazyConsole source={source} title={title} theme={theme} />;
}

export interface DeployedConsoleProps {
  readonly of: DeployedRef;
  /** A pod or an instance; null for the newest. */
  readonly instance: string | null;
}

/** The live console of a deployed function. */
export function DeployedConsole({ of: { target, name }, instance }: DeployedConsoleProps) {
  const { client } = useStudio();
  const theme = useTheme();
  const source = useMemo(
    () => ({
      open: (onChunk: (bytes: Uint8Array) => Promise<void> | void) =>
        client.openStream('deploy:console', { target, name, ...(instance !== null && { instance }) }, onChunk),
    }),
    [client, target, name, instance],
  );
  return <LazyConsole source={source} title={instance ?? name} theme={theme} />;
}

interface LazyConsoleProps {
  readonly source: ConsoleSource;
  readonly title: string;
  readonly theme: 'light' | 'dark';
}

function LazyConsole({ source, title, theme }: LazyConsoleProps) {
  // The console is set a little smaller than the code.
  const fontSize = useSaved((state) => state.preferences.editorFontSize - 1);
  return (
    <LazyView load={loadConsole} fallback={<LoadingState message="Opening the console" />}>
      {(ConsoleView) => <ConsoleView source={source} title={title} theme={theme} fontSize={fontSize} />}
    </LazyView>
  );
}
