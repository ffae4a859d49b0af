/** Secrets by reference: a value of this machine goes into a Secret of the cluster, and nowhere else. */
import { runTool } from '#core/exec/run-tool.ts';
import { FirstlightError, toFirstlightError } from '#shared/errors.ts';
import type { SecretReference, WorkloadKind } from '#shared/model/deploy-section.ts';
import { applyObject, type Cluster, nullIfMissing, pathOf } from './cluster.ts';
import type { KubeObject } from './kube/objects.ts';
import { annotationNames, labelsOf } from './names.ts';

/** A key of a Secret of the namespace. */
export interface SecretKey {
  readonly secret: string;
  readonly key: string;
}

/** The secrets of one deploy. Shape: by the names of the guest's variables; `own` has the values to put into our Secret. */
export interface Secrets {
  readonly keys: Readonly<Record<string, SecretKey>>;
  readonly own: Readonly<Record<string, string>>;
}

export const noSecrets: Secrets = { keys: {}, own: {} };

interface SecretObject extends KubeObject {
  readonly type?: string;
  readonly data?: Readonly<Record<string, string>>;
}

const keychainTool = 'secret-tool';
/** A keychain that is locked asks its person first. */
const keychainTimeoutMs = 60_000;

/** The name of the Secret with a function's own values. */
export const secretNameOf = (name: string): string => `${name}-secrets`;

/** The keys that a deploy refers to. The values of this machine are not read. */
export function refer(name: string, secrets: Readonly<Record<string, SecretReference>>): Secrets['keys'] {
  return Object.fromEntries(
    Object.entries(secrets).map(([variable, { secret, key }]) => [
      variable,
      secret === undefined || key === undefined ? { secret: secretNameOf(name), key: variable } : { secret, key },
    ]),
  );
}

/** The keys, and the values of this machine. Errors: BAD_INPUT for one that is not set; TOOL_MISSING; CANCELLED. */
export async function readSecrets(
  name: string,
  secrets: Readonly<Record<string, SecretReference>>,
  env: NodeJS.ProcessEnv,
  signal?: AbortSignal,
): Promise<Secrets> {
  const own: Record<string, string> = {};
  for (const [variable, reference] of Object.entries(secrets)) {
    if (reference.env !== undefined) own[variable] = readVariable(variable, reference.env, env);
    if (reference.keychain !== undefined) {
      own[variable] = await readKeychain(variable, reference.keychain, env, signal);
    }
  }
  return { keys: refer(name, secrets), own };
}

function readVariable(variable: string, name: string, env: NodeJS.ProcessEnv): string {
  const value = env[name];
  if (value !== undefined) return value;
  throw new FirstlightError('BAD_INPUT', `The variable ${name} is not set; "deploy.secrets.${variable}" needs it.`, {
    hint: `Set it for the deploy, where others do not see it: read -rs ${name}; export ${name}`,
    details: { subject: name },
  });
}

/** Source: secret-tool(1), the client of the Secret Service that desktops have. */
async function readKeychain(
  variable: string,
  name: string,
  { PATH }: NodeJS.ProcessEnv,
  signal?: AbortSignal,
): Promise<string> {
  try {
    const { stdout } = await runTool(keychainTool, ['lookup', 'service', 'firstlight', 'name', name], {
      timeoutMs: keychainTimeoutMs,
      signal,
      isSecret: true,
      ...(PATH !== undefined && { env: { PATH } }),
    });
    if (stdout !== '') return stdout;
  } catch (thrown) {
    const error = toFirstlightError(thrown);
    if (error.code === 'CANCELLED') throw error;
    if (error.code === 'TOOL_MISSING') {
      throw new FirstlightError(
        'TOOL_MISSING',
        `"deploy.secrets.${variable}" is in the keychain, which cannot be read.`,
        {
          hint: 'Install secret-tool (Debian: libsecret-tools).',
        },
      );
    }
  }
  throw new FirstlightError(
    'BAD_INPUT',
    `The keychain has no "${name}", or is locked; "deploy.secrets.${variable}" needs it.`,
    {
      hint: `Store it: secret-tool store --label "Firstlight: ${name}" service firstlight name ${name}`,
      details: { subject: name },
    },
  );
}

/**
 * Checks that the Secrets of the cluster exist and have the keys. Where we may not read them, the nodes will report it.
 *
 * Shape: the Secrets' versions as text: a new one makes new pods. Errors: NOT_FOUND with the command for it.
 */
export async function checkSecrets(cluster: Cluster, { keys, own }: Secrets, signal?: AbortSignal): Promise<string> {
  const versions: string[] = [];
  const others = Object.entries(keys).filter(([variable]) => own[variable] === undefined);
  for (const secret of new Set(others.map(([, key]) => key.secret))) {
    const wanted = others.filter(([, key]) => key.secret === secret).map(([, { key }]) => key);
    const found = await findSecret(cluster, secret, signal);
    if (found === 'denied') continue;
    const missing = wanted.find((key) => found?.data?.[key] === undefined);
    if (missing !== undefined) {
      const words = found === null ? `no Secret "${secret}"` : `a Secret "${secret}" without the key "${missing}"`;
      throw new FirstlightError('NOT_FOUND', `The namespace ${cluster.namespace} has ${words}.`, {
        hint:
          found === null
            ? `kubectl -n ${cluster.namespace} create secret generic ${secret} --from-file=${missing}=FILE`
            : `kubectl -n ${cluster.namespace} edit secret ${secret}`,
        details: { subject: secret },
      });
    }
    versions.push(`${secret}=${found?.metadata.resourceVersion ?? ''}`);
  }
  return versions.join(',');
}

async function findSecret(
  cluster: Cluster,
  name: string,
  signal?: AbortSignal,
): Promise<SecretObject | null | 'denied'> {
  try {
    return await nullIfMissing(cluster.client.json<SecretObject>(pathOf(cluster, 'secrets', name), { signal }));
  } catch (thrown) {
    if (toFirstlightError(thrown).code === 'CLUSTER_DENIED') return 'denied';
    throw thrown;
  }
}

/**
 * Applies the values of this machine as a Secret, if there are any. It stays when a later deploy needs it no longer: an
 * earlier revision may. Shape: its version as text. Errors: CONFLICT; CLUSTER_*.
 */
export async function applySecrets(
  cluster: Cluster,
  name: string,
  { own }: Secrets,
  { workload, ...options }: { readonly workload: WorkloadKind; readonly force: boolean; readonly signal: AbortSignal },
): Promise<string> {
  if (Object.keys(own).length === 0) return '';
  const object: SecretObject = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: secretNameOf(name),
      namespace: cluster.namespace,
      labels: labelsOf(name),
      annotations: { [annotationNames.workload]: workload },
    },
    type: 'Opaque',
    data: Object.fromEntries(Object.entries(own).map(([key, value]) => [key, Buffer.from(value).toString('base64')])),
  };
  const { metadata } = await applyObject<SecretObject>(cluster, object, options);
  return `${metadata.name}=${metadata.resourceVersion ?? ''}`;
}

/** The line of a preview that stands for a Secret of ours: names, and no values. */
export async function describeOwnSecret(
  cluster: Cluster,
  name: string,
  { own }: Secrets,
  signal?: AbortSignal,
): Promise<string> {
  const names = Object.keys(own);
  if (names.length === 0) return '';
  const found = await findSecret(cluster, secretNameOf(name), signal);
  const changes = names.map((key) => {
    if (found === 'denied') return key;
    const there = found?.data?.[key];
    if (there === undefined) return `${key} (new)`;
    return there === Buffer.from(own[key] ?? '').toString('base64') ? `${key} (same)` : `${key} (changed)`;
  });
  return `The Secret ${secretNameOf(name)} would hold, and this does not show: ${changes.join(', ')}.`;
}
