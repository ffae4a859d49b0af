import { kernelRuntimeFor, showReleases } from '../state/kernels.ts';
import { Button } from '../ui/button.tsx';
import { useProject, useSession, useStudio } from './studio.tsx';

/** Opens the releases of the kernel that the project's runtime lacks. */
export function InstallKernelButton() {
  const studio = useStudio();
  const project = useProject();
  const runtimes = useSession((state) => state.runtimes);
  const runtime = kernelRuntimeFor({ runtimes }, project?.config?.runtime);
  return (
    <Button icon="download" onClick={() => showReleases(studio, runtime?.id)}>
      Install a {runtime?.title} release
    </Button>
  );
}
