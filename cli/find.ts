import { resolve } from 'node:path';
import { exitCodes, FirstlightError } from '#shared/errors.ts';
import type { HostInfo } from '#shared/model/host.ts';
import type { Instance } from '#shared/model/instance.ts';
import type { Project } from '#shared/model/project.ts';
import { runIdSchema } from '#shared/model/units.ts';
import type { Session } from './session.ts';

/**
 * Does `work` with the project in a named directory. A folder that is not a valid project and was not opened before is
 * not kept on the studio's list. With `trust` it is trusted from then on.
 *
 * Errors: as `projects:open`, and the errors of `work`.
 */
export async function withProject<Result>(
  session: Session,
  dir: string,
  work: (project: Project) => Promise<Result>,
  { trust = false }: { readonly trust?: boolean | undefined } = {},
): Promise<Result> {
  const before = await session.call('projects:list', {});
  const project = await session.call('projects:open', { dir: resolve(session.io.cwd, dir) });
  try {
    if (trust && !project.trusted) await session.call('projects:trust', { projectId: project.id });
    return await work(project);
  } finally {
    const isStray = project.config === null && !before.some(({ id }) => id === project.id);
    if (isStray) await session.client.call('projects:close', { projectId: project.id });
  }
}

/** The instance with this id or domain, or with this prefix of either when it is unique. */
function matchInstance(instances: readonly Instance[], name: string): Instance | null {
  const exact = instances.find((instance) => instance.id === name || instance.domain === name);
  if (exact !== undefined) return exact;
  const near = instances.filter((instance) => instance.id.startsWith(name) || instance.domain.startsWith(name));
  return near.length === 1 ? (near[0] ?? null) : null;
}

/** The hosts, after a note for each that is lost. Errors: LIBVIRT_UNREACHABLE when all are: an empty list would be a guess. */
export async function listHosts(session: Session): Promise<readonly HostInfo[]> {
  const hosts = await session.call('hosts:list', {});
  const lost = hosts.filter(isLost);
  if (lost.length === hosts.length) {
    const places = lost.map(({ uri }) => uri).join(', ');
    const reasons = lost.flatMap(({ failure }) => (failure === null ? [] : [new Error(failure)]));
    throw new FirstlightError(
      'LIBVIRT_UNREACHABLE',
      `libvirt at ${places} cannot be asked: which instances there are is not known.`,
      { cause: reasons[0], hint: '`firstlight doctor` says why, and how to repair it.' },
    );
  }
  for (const { name, failure } of lost) {
    session.note(`The instances on host ${name} are not known. ${failure ?? 'It did not answer in time.'}\n`);
  }
  return hosts;
}

const isLost = ({ state }: HostInfo) => state !== 'connected';

/** The exit code of a command that lists what is on all hosts: 0 only when each could be asked. */
export const exitCodeFor = (hosts: readonly HostInfo[]): number => (hosts.some(isLost) ? exitCodes.environment : 0);

/** The instances on all hosts, with notes for those hosts that are lost. Errors: LIBVIRT_UNREACHABLE. */
export async function listKnown(session: Session): Promise<{
  readonly instances: readonly Instance[];
  /** Shape: as `exitCodeFor`. */
  readonly exitCode: number;
}> {
  const instances = await session.call('instances:list', {});
  return { instances, exitCode: exitCodeFor(await listHosts(session)) };
}

/** Errors: NOT_FOUND with the existing instances; LIBVIRT_UNREACHABLE. */
export async function findInstance(session: Session, name: string): Promise<Instance> {
  const { instances } = await listKnown(session);
  const found = matchInstance(instances, name);
  if (found === null) throw noInstance(name, instances);
  return found;
}

/** The instance or the run with this name. Errors: NOT_FOUND. */
export async function findInstanceOrRun(
  session: Session,
  name: string,
): Promise<{ readonly instance: Instance } | { readonly runId: ReturnType<typeof runIdSchema.parse> }> {
  const instances = await session.call('instances:list', {});
  const instance = matchInstance(instances, name);
  if (instance !== null) return { instance };
  const runId = runIdSchema.safeParse(name);
  if (runId.success) return { runId: runId.data };
  // An ended instance can still be named: by the run it served.
  const runs = await session.call('runs:list', { limit: 1000 });
  const match = runs.filter((run) => run.id.startsWith(name));
  if (match.length === 1 && match[0] !== undefined) return { runId: match[0].id };
  throw noInstance(name, (await listKnown(session)).instances, 'instance or run');
}

function noInstance(name: string, instances: readonly Instance[], what = 'instance'): FirstlightError {
  const known = instances.map((instance) => instance.id).join(', ');
  return new FirstlightError('NOT_FOUND', `There is no ${what} "${name}".`, {
    hint: known === '' ? 'None is there now. Start one with: firstlight run <dir> --keep' : `There are: ${known}`,
  });
}
