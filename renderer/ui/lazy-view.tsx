import { type ComponentType, type LazyExoticComponent, lazy, type ReactNode, Suspense, useState } from 'react';
import { FirstlightError } from '#shared/errors.ts';
import { ErrorBoundary } from './error-boundary.tsx';

/** Loads a part of the window that has a separate file. */
export type LoadView<Props> = () => Promise<{ readonly default: ComponentType<Props> }>;

const views = new WeakMap<object, object>();

/** The same component for the same loader, so that a loaded part is drawn at once. */
function viewOf<Props>(load: LoadView<Props>): LazyExoticComponent<ComponentType<Props>> {
  const known = views.get(load) as LazyExoticComponent<ComponentType<Props>> | undefined;
  if (known !== undefined) return known;
  const view = lazy(() =>
    load().catch((cause: unknown) => {
      throw new FirstlightError('CONNECTION_LOST', 'This part of the window could not be read.', {
        cause,
        hint: 'Is the program that serves this window still running? Then ask for it again.',
      });
    }),
  );
  views.set(load, view);
  return view;
}

/** Draws a part once its file is loaded. A file that failed to load is requested again when the part is drawn again. */
export function LazyView<Props>(props: {
  readonly load: LoadView<Props>;
  readonly fallback: ReactNode;
  readonly children: (View: ComponentType<Props>) => ReactNode;
}) {
  const { load, fallback, children } = props;
  const [, setAttempt] = useState(0);
  const View = viewOf(load) as unknown as ComponentType<Props>;
  const retry = () => {
    views.delete(load);
    setAttempt((attempt) => attempt + 1);
  };
  return (
    <ErrorBoundary onRetry={retry}>
      <Suspense fallback={fallback}>{children(View)}</Suspense>
    </ErrorBoundary>
  );
}
