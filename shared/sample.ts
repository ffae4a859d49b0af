import type { CallOptions, Client } from './contract/client.ts';
import { FirstlightError } from './errors.ts';
import type { BuildResult } from './model/image.ts';
import type { Project } from './model/project.ts';
import type { Run } from './model/run.ts';

const sampleName = 'hello';
/** The initial event in the studio's editor. */
const sampleEvent = { name: 'Ada' };

/** The setting with the revisions of the sample's files at its creation. */
const revisionsKey = 'sample';
/** The files whose change marks the sample as edited by a person. */
const watchedFiles = ['handler.ts', 'firstlight.json'];

/** Opens the sample function: created in the projects folder at the first start, unchanged at later ones. */
async function openSample(client: Client, options: CallOptions): Promise<{ project: Project; edited: boolean }> {
  const { projectsDir } = await client.call('app:info', {}, options);
  const dir = `${projectsDir}/${sampleName}`;
  try {
    const project = await client.call('projects:create', { name: sampleName, template: sampleName, dir }, options);
    const values = { [revisionsKey]: await readRevisions(client, project, options) };
    await client.call('settings:set', { values }, options);
    return { project, edited: false };
  } catch (thrown) {
    if (!isCode(thrown, 'ALREADY_EXISTS')) throw thrown;
  }
  const project = await client.call('projects:open', { dir }, options);
  const { [revisionsKey]: created } = await client.call('settings:get', {}, options);
  const current = await readRevisions(client, project, options);
  return { project, edited: JSON.stringify(created) !== JSON.stringify(current) };
}

/** The revision of each watched file; null for a missing one. */
async function readRevisions(client: Client, project: Project, options: CallOptions): Promise<(string | null)[]> {
  const revisions: (string | null)[] = [];
  for (const path of watchedFiles) {
    try {
      revisions.push((await client.call('projects:readFile', { projectId: project.id, path }, options)).revision);
    } catch (thrown) {
      if (!isCode(thrown, 'NOT_FOUND')) throw thrown;
      revisions.push(null);
    }
  }
  return revisions;
}

const isCode = (thrown: unknown, code: string): boolean => thrown instanceof FirstlightError && thrown.code === code;

/**
 * Opens the sample and runs it. A sample that a person has edited is only opened, without a run; the result is null.
 *
 * Errors: as `builds:prestart` and `instances:run`.
 */
export async function runSample(
  client: Client,
  options: CallOptions = {},
): Promise<{ readonly run: Run; readonly build: BuildResult } | null> {
  const { project, edited } = await openSample(client, options);
  if (edited) return null;
  const projectId = project.id;
  const build = await client.call('builds:prestart', { projectId }, options);
  const run = await client.call(
    'instances:run',
    { projectId, event: sampleEvent, startMode: 'prestarted', lifetime: 'session' },
    options,
  );
  return { run, build };
}
