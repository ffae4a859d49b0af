import { fromWireError } from '#shared/errors.ts';
import { formatBytes, formatMs } from '#shared/format.ts';
import type { BuildResult } from '#shared/model/image.ts';
import type { Json } from '#shared/model/json.ts';
import type { Project } from '#shared/model/project.ts';
import type { Run } from '#shared/model/run.ts';
import type { Comparison } from '#shared/model/series.ts';
import { isAheadMode, type StartMode } from '#shared/model/timeline.ts';
import type { ProjectId } from '#shared/model/units.ts';
import { badInput } from '../failures.ts';
import { withProject } from '../find.ts';
import { renderError, renderProblem } from '../output/print-error.ts';
import { renderResponse } from '../output/print-response.ts';
import { renderTimeline } from '../output/print-timeline.ts';
import { runJson } from '../output/run-json.ts';
import { createStyle, type Style } from '../output/style.ts';
import { readEvent } from '../read-event.ts';
import { readVariables } from '../read-variables.ts';
import type { Session } from '../session.ts';
import { summarizeBuild } from './build.ts';
import { checkName } from './host.ts';
import { compareWith } from './timeline.ts';

interface RunOptions {
  readonly host?: string;
  readonly vmm?: 'libvirt' | 'firecracker';
  readonly env?: readonly string[];
  readonly arg?: readonly string[];
  readonly keep?: boolean;
  readonly gdb?: boolean;
  readonly start: StartMode;
}

/** Builds, boots, invokes once, and prints the response and where the time went. Errors: BAD_INPUT, and the call's. */
export async function run(
  session: Session,
  dir: string,
  options: RunOptions & { event?: string; trust?: boolean },
): Promise<number> {
  if (options.keep && isAheadMode(options.start)) {
    throw badInput(
      `--keep cannot be used with --start ${options.start}: an instance made ahead of time ends with the process that made it.`,
      'Leave one of the two out.',
    );
  }
  if (options.gdb && (options.keep || options.start !== 'cold')) {
    throw badInput(
      '--gdb cannot be used with --keep or --start: it debugs one cold start.',
      'Leave the other option out.',
    );
  }
  const event = options.event === undefined ? undefined : await readEvent(session.io, options.event, session.signal);
  session.progress.report({ step: 'open', message: `Opening ${dir}` });
  const env = options.env === undefined ? undefined : readVariables(options.env, session.io.env);
  const work = (project: Project) => start(session, project, { event, env }, options);
  const { done, build } = await withProject(session, dir, work, options);
  session.printJson(runJson(done));
  if (!session.json) session.print(renderRun(done, build, await compare(session, done), session.style));
  if (done.error === null) return 0;
  const error = fromWireError(done.error);
  if (!session.json) session.note(renderError(error, createStyle(session.io, session.io.stderr)));
  return error.exitCode;
}

/** The run, and what the build before it did. */
async function start(
  session: Session,
  { id: projectId }: Project,
  { event, env }: { event: Json | undefined; env: Record<string, string> | undefined },
  options: RunOptions,
): Promise<{ done: Run; build: BuildResult | null }> {
  let build: BuildResult | null = null;
  session.client.subscribe('builds:finished', (finished) => {
    if (finished.projectId !== projectId || finished.result === null || build !== null) return;
    build = finished.result;
    if (!session.json) noteWarnings(session, build);
  });
  if (options.gdb) noteDebugger(session, projectId);
  const host = hostOf(options);
  // The instance must wait before the run begins, as it does in a studio, which creates it after each build. On another host
  // the run itself creates it first.
  const { start: startMode } = options;
  if (isAheadMode(startMode) && host === undefined) await session.call('builds:prestart', { projectId, startMode });
  const done = await session.call('instances:run', {
    projectId,
    ...(host !== undefined && { host }),
    startMode,
    lifetime: options.keep ? 'forever' : 'stop',
    gdb: options.gdb === true,
    ...(event !== undefined && { event }),
    ...(env !== undefined && { env }),
    ...(options.arg !== undefined && { args: [...options.arg] }),
  });
  return { done, build };
}

/** Prints the command that debugs the instance, once it waits for it. */
function noteDebugger(session: Session, projectId: ProjectId): void {
  let isNoted = false;
  session.client.subscribe('instances:changed', ({ instance }) => {
    const { gdbCommand } = instance;
    if (isNoted || gdbCommand === undefined || instance.projectId !== projectId) return;
    isNoted = true;
    session.note(`The machine waits before its first instruction. In another terminal:\n\n  ${gdbCommand}\n\n`);
    session.note('Set breakpoints there, then `continue`. The handler’s deadline stands still while gdb holds it.\n');
  });
}

/** The host to run on: one by its name, or this machine by what starts virtual machines there. Errors: BAD_INPUT. */
function hostOf({ host, vmm }: RunOptions): string | undefined {
  if (host !== undefined && vmm !== undefined) {
    throw badInput('--vmm cannot be used with --host: a host has one VMM.', 'Leave one of the two out.');
  }
  if (vmm === 'firecracker') return vmm;
  return host === undefined ? undefined : checkName(host);
}

/** Prints the compiler's warnings, before the function's response. */
function noteWarnings(session: Session, { warnings }: BuildResult): void {
  const style = createStyle(session.io, session.io.stderr);
  const lines = warnings.flatMap((warning) => renderProblem(warning, style));
  if (lines.length > 0) session.note(`${lines.join('\n')}\n`);
}

async function compare(session: Session, run: Run): Promise<Comparison | null> {
  if (run.outcome !== 'ok' || run.subject === null) return null;
  return compareWith(run, await session.call('runs:list', { projectId: run.projectId, limit: 1000 }));
}

/** A run for a person: the response, the timeline with its comparison, what the build did, what it used. */
export function renderRun(run: Run, build: BuildResult | null, comparison: Comparison | null, style: Style): string {
  const { response, timeline, instance, image, metrics } = run;
  const facts = [
    ...(build === null ? [] : [summarizeBuild(build)]),
    [
      run.runtime,
      ...(image === null ? [] : [formatBytes(image.bytes)]),
      ...(instance === null ? [] : [`${instance.domain} on ${instance.uri}, ${instance.memoryMiB} MiB`]),
      ...(metrics === null ? [] : [`CPU ${formatMs(metrics.cpuMs)}`, `memory ${formatBytes(metrics.peakMemoryBytes)}`]),
      ...(metrics?.heapUsedBytes === undefined ? [] : [`heap ${formatBytes(metrics.heapUsedBytes)}`]),
    ].join('  '),
    `run ${run.id}`,
  ];
  return [
    response === null ? '' : `${renderResponse(response, style)}\n`,
    timeline === null ? '' : renderTimeline(timeline, style, comparison),
    ...facts.map((fact) => `${style.dim(style.foreign(fact))}\n`),
  ].join('');
}
