/** The state of runtimes whose kernel a person installs. */
import type { KernelWords } from '#shared/model/kernel.ts';
import type { RuntimeId, RuntimeInfo } from '#shared/model/project.ts';
import type { StudioContext } from './context.ts';
import type { SessionState } from './session.ts';

/** A runtime with a choice of kernels. */
export interface KernelRuntime extends RuntimeInfo {
  readonly kernels: KernelWords;
}

/** The runtimes with a choice of kernels. */
export const kernelRuntimes = ({ runtimes }: Pick<SessionState, 'runtimes'>): KernelRuntime[] =>
  runtimes.flatMap((runtime) => (runtime.kernels === null ? [] : [{ ...runtime, kernels: runtime.kernels }]));

/** The runtime with this id if it has a choice of kernels, else the first one with a choice; else undefined. */
export function kernelRuntimeFor(
  state: Pick<SessionState, 'runtimes'>,
  id: RuntimeId | null | undefined,
): KernelRuntime | undefined {
  const known = kernelRuntimes(state);
  return known.find((runtime) => runtime.id === id) ?? known[0];
}

/** True for a runtime with a choice of kernels, none of which is installed. */
export const lacksKernel = ({ kernels }: Pick<SessionState, 'kernels'>, runtime: RuntimeId | undefined): boolean =>
  runtime !== undefined && kernels[runtime]?.value?.releases.length === 0;

/** Shows the releases of a runtime's kernel; null: those of the first runtime with kernels. */
export const showReleases = ({ transient }: Pick<StudioContext, 'transient'>, runtime: RuntimeId | null = null) =>
  transient.setState({ center: 'releases', releasesOf: runtime });

/** The values to choose from for an option of firstlight.json that names releases, or parts of the release in use. */
export function suggestKernels(
  { runtimes, kernels }: Pick<SessionState, 'runtimes' | 'kernels'>,
  path: string,
): readonly string[] {
  return kernelRuntimes({ runtimes }).flatMap(({ id, kernels: words }) => {
    const releases = kernels[id]?.value?.releases ?? [];
    if (path === `${id}.${words.releaseOption}`) return releases.map(({ version }) => version);
    return path === `${id}.${words.modulesOption}` ? (releases.find(({ inUse }) => inUse)?.modules ?? []) : [];
  });
}
