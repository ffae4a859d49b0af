import type { Progress } from '#shared/contract/define.ts';
import type { DeployStep } from '#shared/model/deploy.ts';

interface StepContext {
  readonly signal: AbortSignal;
  readonly progress: (progress: Progress) => void;
}

/** The steps of one deploy: each is announced, timed and recorded once it is done. Errors: as `work`; that of the signal. */
export function createDeploySteps({ signal, progress }: StepContext) {
  const steps: DeployStep[] = [];
  async function step<Value>(
    name: DeployStep['name'],
    message: string,
    work: () => Promise<{ value: Value; detail: string }>,
  ): Promise<Value> {
    signal.throwIfAborted();
    progress({ step: name, message });
    const startedAt = performance.now();
    const { value, detail } = await work();
    steps.push({ name, durationMs: performance.now() - startedAt, detail });
    return value;
  }
  return { steps, step };
}
