import { useMemo } from 'react';
import { FirstlightError } from '#shared/errors.ts';
import type { InstanceId, RunId } from '#shared/model/units.ts';
import { useSaved, useStudio } from '../bind/studio.tsx';
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
  // The console is set a little smaller than the code.
  const fontSize = useSaved((state) => state.preferences.editorFontSize - 1);
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
  return (
    <LazyView load={loadConsole} fallback={<LoadingState message="Opening the console" />}>
      {(ConsoleView) => <ConsoleView source={source} title={title} theme={theme} fontSize={fontSize} />}
    </LazyView>
  );
}
