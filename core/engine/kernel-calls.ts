import type { RuntimeKernels } from '#core/runtime/kernels.ts';
import type { Runtime } from '#core/runtime/runtime.ts';
import type { CallHandlers } from '#shared/contract/index.ts';
import { FirstlightError } from '#shared/errors.ts';
import type { RuntimeId } from '#shared/model/project.ts';

/** The calls `kernels:*`, answered by the runtime that each names. */
export function kernelCalls(
  runtimes: ReadonlyMap<RuntimeId, Pick<Runtime, 'kernels'>>,
): Pick<CallHandlers, Extract<keyof CallHandlers, `kernels:${string}`>> {
  const kernelsOf = (runtime: RuntimeId): RuntimeKernels => {
    const kernels = runtimes.get(runtime)?.kernels;
    if (kernels !== undefined) return kernels;
    const others = [...runtimes].flatMap(([id, { kernels }]) => (kernels === undefined ? [] : [id]));
    throw new FirstlightError('NOT_FOUND', `The runtime "${runtime}" has no kernels to choose among.`, {
      hint: others.length === 0 ? 'Each runtime brings its own.' : `These have: ${others.join(', ')}.`,
      details: { subject: runtime },
    });
  };
  return {
    'kernels:list': async ({ runtime }) => {
      const { list, notice } = kernelsOf(runtime);
      const [releases, noticeAccepted] = await Promise.all([list(), notice.isAccepted()]);
      return { releases, notice: notice.text, noticeAccepted };
    },
    'kernels:install': ({ runtime, ...request }, context) => kernelsOf(runtime).install(request, context),
    'kernels:use': ({ runtime, version }) => kernelsOf(runtime).use(version),
    'kernels:remove': async ({ runtime, version }) => {
      await kernelsOf(runtime).remove(version);
      return null;
    },
  };
}
