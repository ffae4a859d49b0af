import { formatBytes, formatMs } from '#shared/format.ts';
import type { BuildResult } from '#shared/model/image.ts';
import type { Project } from '#shared/model/project.ts';
import { withProject } from '../find.ts';
import { renderProblem } from '../output/print-error.ts';
import type { Style } from '../output/style.ts';
import type { Session } from '../session.ts';

/** Builds a project and prints each step with its reason. */
export async function build(session: Session, dir: string, options: { trust?: boolean } = {}): Promise<number> {
  const build = ({ id }: Project) => session.call('builds:build', { projectId: id });
  const result = await withProject(session, dir, build, options);
  session.printJson(result);
  session.print(renderBuild(result, session.style));
  return 0;
}

function renderBuild(result: BuildResult, style: Style): string {
  const { image, cached, buildMs, steps, warnings } = result;
  const lines = steps.map((step) => {
    const what = step.reused ? style.dim('reused') : 'made  ';
    return `  ${step.name.padEnd(8)}  ${what}  ${formatMs(step.durationMs).padStart(8)}  ${style.dim(style.foreign(step.reason))}`;
  });
  const verb = cached ? 'is up to date' : 'built';
  return `${[
    `${style.bold(image.functionName)} ${verb} in ${formatMs(buildMs)}: ${formatBytes(image.bytes)}, boots in ${image.minMemoryMiB} MiB or more`,
    ...lines,
    ...warnings.flatMap((warning) => renderProblem(warning, style)),
    style.dim(style.foreign(`  ${image.path}`)),
  ].join('\n')}\n`;
}

/** The summary of a build, in one line under a run. */
export function summarizeBuild(result: BuildResult): string {
  if (result.cached) return `build ${formatMs(result.buildMs)}: nothing changed, image reused`;
  const made = result.steps.filter((step) => !step.reused).map((step) => `${step.name} (${step.reason})`);
  const reused = result.steps.filter((step) => step.reused).map((step) => step.name);
  const parts = [`made ${made.join(', ')}`, ...(reused.length > 0 ? [`reused ${reused.join(', ')}`] : [])];
  return `build ${formatMs(result.buildMs)}: ${parts.join('; ')}`;
}
