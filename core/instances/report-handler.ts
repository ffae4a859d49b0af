import type { Progress } from '#shared/contract/define.ts';

/** Often enough for visible counting. A quicker handler is not reported. */
const everyMs = 250;

/** Reports how long the handler has run, from when the guest is up. Returns the function that ends the reports. */
export function reportHandler(
  ready: Promise<void>,
  timeoutMs: number,
  progress: (progress: Progress) => void,
): () => void {
  let timer: NodeJS.Timeout | undefined;
  let isOver = false;
  const begin = () => {
    if (isOver) return;
    const startedAt = performance.now();
    timer = setInterval(() => {
      const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
      progress({ step: 'handler', message: `Running your handler, ${seconds} s of ${timeoutMs / 1000} s` });
    }, everyMs).unref();
  };
  // The caller that waits for the answer reports a guest that never comes up.
  ready.then(begin, () => undefined);
  return () => {
    isOver = true;
    clearInterval(timer);
  };
}
