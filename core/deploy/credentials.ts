import { homedir } from 'node:os';
import { join } from 'node:path';
import { type Credentials, findCredentials } from '@firstlight/oci';
import { z } from 'zod';
import { runTool } from '#core/exec/run-tool.ts';
import { toFirstlightError } from '#shared/errors.ts';
import { readNamedFile } from './read-named-file.ts';

const configSchema = z.object({
  credsStore: z.string().optional(),
  credHelpers: z.record(z.string(), z.string()).optional(),
});
const answerSchema = z.object({ Username: z.string(), Secret: z.string() });
const helperName = /^[A-Za-z0-9._-]+$/;
const helperTimeoutMs = 20_000;

/**
 * The name and password for a registry, from docker's configuration or the helper that it names; null when there are none.
 * Nothing is written. Source: docker-credential-helpers, "get".
 */
export async function findRegistryCredentials(
  host: string,
  env: NodeJS.ProcessEnv,
  signal?: AbortSignal,
): Promise<Credentials | null> {
  const helper = await findHelper(host, env);
  if (helper !== null) {
    const said = await askHelper(helper, host, env, signal);
    if (said !== null) return said;
  }
  return (await findCredentials(host, env)).basic;
}

async function findHelper(host: string, env: NodeJS.ProcessEnv): Promise<string | null> {
  const path = join(env.DOCKER_CONFIG || join(env.HOME || homedir(), '.docker'), 'config.json');
  try {
    const { credHelpers, credsStore } = configSchema.parse(JSON.parse(await readNamedFile(path)));
    const name = credHelpers?.[host] ?? credsStore;
    return name !== undefined && helperName.test(name) ? `docker-credential-${name}` : null;
  } catch {
    // A missing or unreadable file: there is no helper.
    return null;
  }
}

async function askHelper(
  helper: string,
  host: string,
  env: NodeJS.ProcessEnv,
  signal?: AbortSignal,
): Promise<Credentials | null> {
  try {
    const { stdout } = await runTool(helper, ['get'], {
      input: host,
      timeoutMs: helperTimeoutMs,
      signal,
      isSecret: true,
      ...(env.PATH !== undefined && { env: { PATH: env.PATH } }),
    });
    const { Username, Secret } = answerSchema.parse(JSON.parse(stdout));
    return Buffer.from(`${Username}:${Secret}`).toString('base64');
  } catch (thrown) {
    if (toFirstlightError(thrown).code === 'CANCELLED') throw thrown;
    // The helper has no entry for this registry, or is not installed: the registry reports whether it needs a login.
    return null;
  }
}
