import type { CallOptions, Client } from './contract/client.ts';
import { FirstlightError } from './errors.ts';
import type { BuildResult } from './model/image.ts';
import type { Project } from './model/project.ts';
import type { Run } from './model/run.ts';

const sampleName = 'hello';
/** The event that the studio's editor begins with. */
const sampleEvent = { name: 'Ada' };

/** The sample function, created in the projects folder at the first start, and opened as it is at later ones. */
async function openSample(client: Client, options: CallOptions = {}): Promise<Project> {
  const { projectsDir } = await client.call('app:info', {}, options);
  const dir = `${projectsDir}/${sampleName}`;
  try {
    return await client.call('projects:create', { name: sampleName, template: sampleName, dir }, options);
  } catch (thrown) {
    // From an earlier start; a person may have changed it since.
    if (thrown instanceof FirstlightError && thrown.code === 'ALREADY_EXISTS') {
      return client.call('projects:open', { dir }, options);
    }
    throw thrown;
  }
}

/** The sample, built, booted and answered. Errors: as `builds:prestart` and `instances:run`. */
export async function runSample(
  client: Client,
  options: CallOptions = {},
): Promise<{ readonly run: Run; readonly build: BuildResult }> {
  const { id: projectId } = await openSample(client, options);
  const build = await client.call('builds:prestart', { projectId }, options);
  const run = await client.call(
    'instances:run',
    { projectId, event: sampleEvent, startMode: 'prestarted', lifetime: 'session' },
    options,
  );
  return { run, build };
}
