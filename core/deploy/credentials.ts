import { homedir } from 'node:os';
import { join } from 'node:path';
import { type Credentials, findCredentials, makeCredentials } from '@firstlight/oci';
import { z } from 'zod';
import { runTool } from '#core/exec/run-tool.ts';
import { FirstlightError, toFirstlightError } from '#shared/errors.ts';
import { readNamedFile } from './read-named-file.ts';

const configSchema = z.object({
  credsStore: z.string().optional(),
  credHelpers: z.record(z.string(), z.string()).optional(),
});
const answerSchema = z.object({ Username: z.string(), Secret: z.string() });
const helperName = /^[A-Za-z0-9._-]+$/;
const helperTimeoutMs = 20_000;
/** Source: docker-credential-helpers, which says it on its standard output. */
const notFoundWords = 'credentials not found in native keychain';

/**
 * The name and password for a registry, from docker's configuration or the helper that it names; null when there are none.
 * Nothing is written. Source: docker-credential-helpers, "get".
 *
 * Errors: REGISTRY_DENIED, TOOL_MISSING for a helper that does not work, where no file has a password; CANCELLED.
 */
export async function findRegistryCredentials(
  host: string,
  env: NodeJS.ProcessEnv,
  signal?: AbortSignal,
): Promise<Credentials | null> {
  const helper = await findHelper(host, env);
  let failure: FirstlightError | null = null;
  for (const key of helper === null ? [] : helperKeys(host)) {
    try {
      const said = await askHelper(`${helper}`, key, env, signal);
      if (said !== null) return said;
    } catch (thrown) {
      failure = toFirstlightError(thrown);
      if (failure.code === 'CANCELLED') throw failure;
      break;
    }
  }
  const { basic } = await findCredentials(host, env);
  if (basic === null && failure !== null) throw failure;
  return basic;
}

/** The names under which docker and podman keep the login for a registry: docker has an address for its own one. */
const helperKeys = (host: string) => (host === 'docker.io' ? ['https://index.docker.io/v1/', host] : [host]);

async function findHelper(host: string, env: NodeJS.ProcessEnv): Promise<string | null> {
  const path = join(env.DOCKER_CONFIG || join(env.HOME || homedir(), '.docker'), 'config.json');
  try {
    const { credHelpers, credsStore } = configSchema.parse(JSON.parse(await readNamedFile(path)));
    const name = helperKeys(host)
      .map((key) => credHelpers?.[key])
      .find((own) => own !== undefined);
    const chosen = name ?? credsStore ?? '';
    return helperName.test(chosen) ? `docker-credential-${chosen}` : null;
  } catch {
    // A missing or unreadable file: there is no helper.
    return null;
  }
}

/** Null when the helper has nothing for this registry. */
async function askHelper(
  helper: string,
  key: string,
  env: NodeJS.ProcessEnv,
  signal?: AbortSignal,
): Promise<Credentials | null> {
  const failed = (code: 'REGISTRY_DENIED' | 'TOOL_MISSING', why: string, cause?: unknown) =>
    new FirstlightError(code, `The login for ${key} is kept by ${helper}, which ${why}.`, {
      hint: `Docker's config.json names it. Run it yourself to see more: echo ${key} | ${helper} get`,
      details: { subject: helper },
      cause,
    });
  const { stdout, exitCode } = await runTool(helper, ['get'], {
    input: key,
    timeoutMs: helperTimeoutMs,
    signal,
    isSecret: true,
    okExitCodes: [0, 1],
    ...(env.PATH !== undefined && { env: { PATH: env.PATH } }),
  }).catch((thrown: unknown) => {
    const { code, message } = toFirstlightError(thrown);
    if (code === 'CANCELLED') throw thrown;
    if (code === 'TOOL_MISSING') throw failed(code, 'is not installed, or not on PATH', thrown);
    throw failed('REGISTRY_DENIED', `gave none (${message.replace(/\.$/, '')})`, thrown);
  });
  if (exitCode === 1) {
    if (stdout.includes(notFoundWords)) return null;
    throw failed('REGISTRY_DENIED', 'gave none: it ended with exit code 1');
  }
  const answer = answerSchema.safeParse(parseJson(stdout));
  if (!answer.success) throw failed('REGISTRY_DENIED', 'printed no login');
  const { Username, Secret } = answer.data;
  return Username === '' && Secret === '' ? null : makeCredentials(Username, Secret);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
