import { type ComponentType, type LazyExoticComponent, lazy, type ReactNode, Suspense, useState } from 'react';
import { FirstlightError } from '#shared/errors.ts';
import { ErrorBoundary } from './error-boundary.tsx';

/** Reads a part of the window that has a file of its own. */
export type LoadPart<Props> = () => Promise<{ readonly default: ComponentType<Props> }>;

const parts = new WeakMap<object, object>();

/** The same component for the same loader, so that what was read once is drawn at once. */
function partOf<Props>(load: LoadPart<Props>): LazyExoticComponent<ComponentType<Props>> {
  const known = parts.get(load) as LazyExoticComponent<ComponentType<Props>> | undefined;
  if (known !== undefined) return known;
  const part = lazy(() =>
    load().catch((cause: unknown) => {
      throw new FirstlightError('CONNECTION_LOST', 'This part of the window could not be read.', {
        cause,
        hint: 'Is the program that serves this window still running? Then ask for it again.',
      });
    }),
  );
  parts.set(load, part);
  return part;
}

/** Draws a part once its file is read. A file that could not be read is asked for again when a person draws it again. */
export function LatePart<Props>(props: {
  readonly load: LoadPart<Props>;
  readonly fallback: ReactNode;
  readonly children: (Part: ComponentType<Props>) => ReactNode;
}) {
  const { load, fallback, children } = props;
  const [, setAttempt] = useState(0);
  const Part = partOf(load) as unknown as ComponentType<Props>;
  const retry = () => {
    parts.delete(load);
    setAttempt((attempt) => attempt + 1);
  };
  return (
    <ErrorBoundary onRetry={retry}>
      <Suspense fallback={fallback}>{children(Part)}</Suspense>
    </ErrorBoundary>
  );
}
