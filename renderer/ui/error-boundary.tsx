import { Component, type ReactNode } from 'react';
import { type FirstlightError, toFirstlightError } from '#shared/errors.ts';
import { Button } from './button.tsx';
import { ErrorState } from './states.tsx';

export interface ErrorBoundaryProps {
  readonly children: ReactNode;
  /** Called before it is drawn again. */
  readonly onRetry?: (() => void) | undefined;
}

interface ErrorBoundaryState {
  readonly error: FirstlightError | null;
}

/** Keeps a defect in one panel from breaking the window: the panel shows the error, and can be drawn again. */
export class ErrorBoundary extends Component<ErrorBoundaryProps, ErrorBoundaryState> {
  override readonly state: ErrorBoundaryState = { error: null };

  static getDerivedStateFromError(thrown: unknown): ErrorBoundaryState {
    return { error: toFirstlightError(thrown) };
  }

  override render(): ReactNode {
    const { error } = this.state;
    if (error === null) return this.props.children;
    return (
      <ErrorState
        error={error}
        actions={
          <Button
            onClick={() => {
              this.props.onRetry?.();
              this.setState({ error: null });
            }}
          >
            Draw it again
          </Button>
        }
      />
    );
  }
}
