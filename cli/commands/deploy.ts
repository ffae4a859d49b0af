import { resolve } from 'node:path';
import type { CallRequest } from '#shared/contract/index.ts';
import { toFirstlightError } from '#shared/errors.ts';
import { formatBytes, formatMs } from '#shared/format.ts';
import type { Deployment, DeployResult } from '#shared/model/deploy.ts';
import { chooseProfile } from '#shared/model/deploy-section.ts';
import type { Project } from '#shared/model/project.ts';
import { badInput } from '../failures.ts';
import { withProject } from '../find.ts';
import { diffLines } from '../output/line-diff.ts';
import { renderTable } from '../output/table.ts';
import { createByteWriter } from '../output/write-bytes.ts';
import { type Session, untilEnded } from '../session.ts';
import { checkName } from './target.ts';

export interface DeployOptions {
  readonly target?: string;
  readonly profile?: string;
  readonly replicas?: number;
  readonly wait: boolean;
  readonly rollback: boolean;
  readonly force?: boolean;
  readonly signKey?: string;
  readonly dryRun?: boolean;
}

interface OfTarget {
  readonly target?: string;
}

/** Builds, pushes, applies, watches and calls a function on a cluster; with `--dry-run` prints the changes. */
export async function deploy(session: Session, dir: string, options: DeployOptions): Promise<number> {
  return await withProject(session, dir, async (project) => {
    const { id: projectId } = project;
    const target = await chooseTarget(session, options.target ?? targetOf(project, options.profile));
    const choice = {
      ...(options.profile !== undefined && { profile: checkName(options.profile, 'profile') }),
      ...(options.replicas !== undefined && { replicas: options.replicas }),
    };
    const { wait, rollback, force = false, signKey } = options;
    if (options.dryRun) {
      const preview = await session.call('deploy:preview', { projectId, target, ...choice, force });
      session.printJson(preview);
      if (preview.note !== '') session.note(`${preview.note}\n`);
      session.print(preview.yaml);
      session.print(`\n${session.style.dim('# what changes on the cluster')}\n${renderDiff(session, preview)}`);
      return 0;
    }
    const key = signKey === undefined ? {} : { signKey: resolve(session.io.cwd, signKey) };
    const done = await session.call('deploy:start', { projectId, target, ...choice, ...key, wait, rollback, force });
    session.printJson(done);
    session.print(renderResult(session, done));
    return 0;
  });
}

/** The target that `firstlight.json` names. */
export function targetOf({ config }: Project, profile: string | undefined): string | undefined {
  return config?.deploy === undefined ? undefined : chooseProfile(config.deploy, profile)?.target;
}

/** The named target, or the only existing one. Errors: BAD_INPUT. */
export async function chooseTarget(session: Session, named: string | undefined): Promise<string> {
  if (named !== undefined) return checkName(named, 'target');
  const targets = await session.call('targets:list', {});
  const [only] = targets;
  if (only !== undefined && targets.length === 1) return only.name;
  throw badInput(
    'Say where: --target NAME.',
    only === undefined
      ? 'There is none yet. Make one with: firstlight target add <name> --registry <host/path>, or --libvirt <uri>'
      : `There are: ${targets.map(({ name }) => name).join(', ')}`,
  );
}

/** The target and the name of a deployed function. Errors: BAD_INPUT. */
export const nameOf = async (session: Session, name: string, target: string | undefined) => ({
  target: await chooseTarget(session, target),
  name: checkName(name, 'function'),
});

function wholeNumber(text: string, what: string): number {
  if (/^\d{1,4}$/.test(text)) return Number(text);
  throw badInput(`"${text}" is not a ${what}.`, 'Give a whole number.');
}

function renderResult({ style }: Session, result: DeployResult): string {
  const { steps, answer, name, target, namespace, revision, image, pushedBytes, warnings = [] } = result;
  const totalMs = steps.reduce((sum, { durationMs }) => sum + durationMs, 0);
  const rows = steps.map(
    (step) => `  ${step.name.padEnd(8)} ${formatMs(step.durationMs).padStart(9)}  ${style.foreign(step.detail)}\n`,
  );
  return [
    ...rows,
    answer === null ? '' : `${style.foreign(answer.body)}\n`,
    ...warnings.map((line) => `${style.yellow('warning')} ${style.foreign(line)}\n`),
    `${name} runs on ${target}${inNamespace(namespace)}, ${revision === 0 ? '' : `revision ${revision}, `}after ${formatMs(totalMs)}; ${formatBytes(pushedBytes)} pushed\n`,
    style.dim(`${image}\n`),
  ].join('');
}

const inNamespace = (namespace: string | null) => (namespace === null ? '' : ` (${namespace})`);

function renderDiff({ style }: Session, { before, after }: { before: string; after: string }): string {
  const lines = diffLines(before, after);
  if (lines.length === 0) return 'nothing\n';
  const paint = (line: string) =>
    line.startsWith('+') ? style.green(line) : line.startsWith('-') ? style.red(line) : line;
  return `${lines.map(paint).join('\n')}\n`;
}

/** Lists the functions of a target. */
export async function listDeployments(session: Session, options: OfTarget): Promise<number> {
  const target = await chooseTarget(session, options.target);
  const found = await session.call('deploy:list', { target });
  session.printJson(found);
  if (found.length === 0) session.print(`No function is deployed on ${target}.\n`);
  else {
    const hasReasons = found.some(({ message }) => message !== '');
    const headings = ['FUNCTION', 'STATE', '>READY', '>REVISION', 'RUNTIME', 'DEPLOYED', 'ENDPOINT'];
    const rows = found.map((one) => [
      ...rowOf(one),
      ...(hasReasons ? [session.style.foreign(oneLine(one.message))] : []),
    ]);
    session.print(renderTable([...headings, ...(hasReasons ? ['WHY'] : [])], rows, session.style));
  }
  return 0;
}

const rowOf = ({ name, state, replicas, revision, runtime, deployedAt, endpoint }: Deployment): string[] => [
  name,
  state,
  `${replicas.ready}/${replicas.wanted}`,
  String(revision),
  runtime,
  deployedAt === '' ? '' : new Date(deployedAt).toLocaleString('sv-SE'),
  endpoint,
];

/** Prints a function's state, why it is not ready, and the phases of its last cold start, as far as they can be read. */
export async function showStatus(session: Session, name: string, { target }: OfTarget): Promise<number> {
  const of = await nameOf(session, name, target);
  const deployment = await session.call('deploy:get', of);
  // Hosts keep no record of one.
  const hasColdStart = deployment.namespace !== null && deployment.replicas.wanted > 0;
  session.print(renderDeployment(session, deployment));
  const coldStart = hasColdStart ? await readColdStart(session, of) : null;
  session.printJson({ ...deployment, coldStart });
  if (coldStart !== null) {
    const rows = coldStart.phases.map(({ name: phase, startMs, endMs, boundMs, source }) => [
      phase,
      formatMs(endMs - startMs),
      `± ${formatMs(boundMs)}`,
      source,
    ]);
    session.print(
      `\nCold start of ${coldStart.pod}, ${formatMs(coldStart.totalMs)} ± ${formatMs(coldStart.boundMs)} (${coldStart.accel ?? 'not known'}: ${session.style.foreign(coldStart.why)})\n`,
    );
    session.print(renderTable(['PHASE', '>TOOK', '>BOUND', 'FROM'], rows, session.style));
  }
  return deployment.state === 'failing' ? 5 : 0;
}

/** A function that is in trouble often has no pod, or one that does not answer: its state is shown all the same. */
async function readColdStart(session: Session, of: CallRequest<'deploy:coldStart'>) {
  try {
    return await session.call('deploy:coldStart', of);
  } catch (thrown) {
    const { code, message } = toFirstlightError(thrown);
    if (code === 'CANCELLED') throw thrown;
    session.note(`No cold start is shown: ${session.style.foreign(oneLine(message))}\n`);
    return null;
  }
}

const oneLine = (text: string): string => text.trim().replaceAll(/\s+/g, ' ');

function renderDeployment({ style }: Session, deployment: Deployment): string {
  const { name, target, namespace, state, message, replicas, image } = deployment;
  const { instances = [], hostsDown = [], workload, traffic = [] } = deployment;
  const atZero = workload === 'knative' && replicas.wanted === 0 ? ': at zero until a request comes' : '';
  const shares = traffic.map(({ revision, percent }) => `revision ${revision} ${percent} %`).join(', ');
  const words = message === '' ? '' : `: ${style.foreign(message)}`;
  const rows = instances.map(
    (one) =>
      `  ${one.name} on ${one.host}: ${one.state}, revision ${one.revision}${one.endpoint === undefined ? '' : `, ${one.endpoint}`}\n`,
  );
  const down = hostsDown.map((line) => `${style.yellow('warning')} ${style.foreign(line)}\n`);
  return `${name} on ${target}${inNamespace(namespace)} is ${state}${words}\n${replicas.ready} of ${replicas.wanted} replicas ready${atZero}\n${shares === '' ? '' : `traffic: ${shares}\n`}${rows.join('')}${down.join('')}${style.dim(image)}\n`;
}

/** Prints what each pod or instance of a function uses. */
export async function showStats(session: Session, name: string, { target }: OfTarget): Promise<number> {
  const stats = await session.call('deploy:stats', await nameOf(session, name, target));
  session.printJson(stats);
  if (stats.length === 0) session.print(`No instance of ${name} is up.\n`);
  const rows = stats.map(({ name: replica, place, cpuPercent, memoryBytes, restarts }) => [
    replica,
    place,
    cpuPercent === null ? '-' : `${cpuPercent.toFixed(1)} %`,
    memoryBytes === null ? '-' : formatBytes(memoryBytes),
    restarts === null ? '-' : String(restarts),
  ]);
  if (rows.length > 0)
    session.print(renderTable(['INSTANCE', 'ON', '>CPU', '>MEMORY', '>RESTARTS'], rows, session.style));
  return 0;
}

/** Lists the revisions that the cluster keeps. */
export async function showHistory(session: Session, name: string, { target }: OfTarget): Promise<number> {
  const of = await nameOf(session, name, target);
  const revisions = await session.call('deploy:history', of);
  session.printJson(revisions);
  const rows = revisions.map(({ revision, deployedAt, image, isCurrent }) => [
    `${revision}${isCurrent ? ' *' : ''}`,
    new Date(deployedAt).toLocaleString('sv-SE'),
    image,
  ]);
  session.print(renderTable(['REVISION', 'DEPLOYED', 'IMAGE'], rows, session.style));
  return 0;
}

/** Takes a function back to an earlier revision. */
export async function rollBack(
  session: Session,
  name: string,
  revisionText: string | undefined,
  { target }: OfTarget,
): Promise<number> {
  const revision = revisionText === undefined ? undefined : wholeNumber(revisionText, 'revision');
  const of = await nameOf(session, name, target);
  const after = await session.call('deploy:rollback', { ...of, ...(revision !== undefined && { revision }) });
  session.printJson(after);
  session.print(renderDeployment(session, after));
  return 0;
}

/** Sets the number of replicas. */
export async function scale(
  session: Session,
  name: string,
  replicasText: string,
  { target }: OfTarget,
): Promise<number> {
  const replicas = wholeNumber(replicasText, 'number of replicas');
  const of = await nameOf(session, name, target);
  const after = await session.call('deploy:scale', { ...of, replicas });
  session.printJson(after);
  session.print(renderDeployment(session, after));
  return 0;
}

const setPaused =
  (paused: boolean) =>
  async (session: Session, name: string, { target }: OfTarget): Promise<number> => {
    const after = await session.call('deploy:pause', { ...(await nameOf(session, name, target)), paused });
    session.printJson(after);
    session.print(renderDeployment(session, after));
    return 0;
  };

/** Pauses the rollout of a function. */
export const pause = setPaused(true);
/** Resumes the rollout of a function. */
export const resume = setPaused(false);

/** Removes a function from the cluster. */
export async function undeploy(session: Session, name: string, { target }: OfTarget): Promise<number> {
  const of = await nameOf(session, name, target);
  await session.call('deploy:get', of);
  await session.call('deploy:remove', of);
  session.printJson({ removed: name });
  session.print(`${name} is no longer on ${of.target}.\n`);
  return 0;
}

/** Sends one request to a deployed function, and prints the response. */
export async function callDeployed(
  session: Session,
  name: string,
  options: OfTarget & { readonly method: string; readonly path: string; readonly body?: string },
): Promise<number> {
  const of = await nameOf(session, name, options.target);
  const { method, path, body = null } = options;
  const answer = await session.call('deploy:invoke', { ...of, method, path, body });
  session.printJson(answer);
  session.print(`${session.style.dim(`status ${answer.status}`)}\n${session.style.foreign(answer.body)}\n`);
  return answer.status >= 500 ? 1 : 0;
}

/** Prints the output of a function's pods. */
export async function printLogs(
  session: Session,
  name: string,
  { target, follow = false, tail }: OfTarget & { readonly follow?: boolean; readonly tail: number },
): Promise<number> {
  const input = { ...(await nameOf(session, name, target)), follow, tailLines: tail };
  const stream = session.client.openStream('deploy:logs', input, createByteWriter(session, 'console'));
  await Promise.race([stream.ended, untilEnded(session.signal)]);
  stream.close();
  return 0;
}
