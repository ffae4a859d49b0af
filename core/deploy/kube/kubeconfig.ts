import { homedir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { FirstlightError } from '#shared/errors.ts';
import { readNamedFile } from '../read-named-file.ts';
import { chooseProxy } from './choose-proxy.ts';
import { impersonate, impersonationShape } from './impersonate.ts';

/** A program that gives credentials. Source: client-go, `client.authentication.k8s.io`. */
export const execSchema = z.object({
  apiVersion: z.string().default('client.authentication.k8s.io/v1'),
  command: z.string(),
  args: z.array(z.string()).nullish(),
  env: z.array(z.object({ name: z.string(), value: z.string() })).nullish(),
  installHint: z.string().optional(),
});
export type ExecPlugin = z.output<typeof execSchema>;

const named = <Shape extends z.ZodType>(key: string, shape: Shape) =>
  z.array(z.looseObject({ name: z.string(), [key]: shape.optional() })).nullish();
const clusterSchema = z.looseObject({
  server: z.string(),
  'certificate-authority': z.string().optional(),
  'certificate-authority-data': z.string().optional(),
  'insecure-skip-tls-verify': z.boolean().optional(),
  'tls-server-name': z.string().optional(),
  'proxy-url': z.string().optional(),
});
const userSchema = z.looseObject({
  token: z.string().optional(),
  tokenFile: z.string().optional(),
  username: z.string().optional(),
  password: z.string().optional(),
  'client-certificate': z.string().optional(),
  'client-certificate-data': z.string().optional(),
  'client-key': z.string().optional(),
  'client-key-data': z.string().optional(),
  exec: execSchema.optional(),
  'auth-provider': z.unknown().optional(),
  ...impersonationShape,
});
const contextSchema = z.looseObject({ cluster: z.string(), user: z.string(), namespace: z.string().optional() });
const fileSchema = z.looseObject({
  'current-context': z.string().nullish(),
  clusters: named('cluster', clusterSchema),
  users: named('user', userSchema),
  contexts: named('context', contextSchema),
});

/** The address of a cluster, and the user. The secrets in it live as long as the value. */
export interface ClusterAccess {
  /** The kubeconfigs that were read, as one text. */
  readonly source: string;
  readonly context: string;
  readonly user: string;
  readonly namespace: string;
  readonly server: URL;
  readonly ca: string | undefined;
  readonly isInsecure: boolean;
  readonly serverName: string | undefined;
  readonly clientCert: string | undefined;
  readonly clientKey: string | undefined;
  readonly authorization: string | undefined;
  readonly tokenFile: string | undefined;
  readonly exec: ExecPlugin | undefined;
  /** The headers of requests that are made as another user. */
  readonly impersonation: Readonly<Record<string, string | string[]>>;
  readonly proxy: URL | undefined;
}

export interface KubeconfigChoice {
  /** Null: `KUBECONFIG`, else `~/.kube/config`. */
  readonly path: string | null;
  readonly context: string | null;
  readonly env: NodeJS.ProcessEnv;
  /** True for a file that a window named, and could have written: it must have everything in itself. */
  readonly isContained?: boolean | undefined;
}

/**
 * The cluster and user of a context in a kubeconfig.
 *
 * Errors: TARGET_INVALID when there is no kubeconfig, no such context, an entry that it names is missing, or a proxy is of
 * a kind that is not supported.
 */
export async function readKubeconfig({
  path,
  context,
  env,
  isContained = false,
}: KubeconfigChoice): Promise<ClusterAccess> {
  const paths = path !== null ? [path] : listDefaults(env);
  const files = (await Promise.all(paths.map((one) => readOne(one, path !== null)))).filter((file) => file !== null);
  if (files.length === 0) {
    throw invalid(
      `There is no kubeconfig: ${paths.join(', ')}.`,
      'Name one: firstlight target add … --kubeconfig FILE',
    );
  }
  const name = context ?? files.map(({ file }) => file['current-context']).find(Boolean);
  if (!name) throw invalid(`${paths.join(', ')} has no current context.`, 'Name one: --context NAME');
  const chosen = find(files, 'contexts', 'context', name, contextSchema);
  if (chosen === null) {
    const known = files.flatMap(({ file }) => (file.contexts ?? []).map((one) => one.name)).join(', ');
    throw invalid(`The kubeconfig has no context "${name}".`, known === '' ? 'It has none.' : `It has: ${known}`);
  }
  const cluster = find(files, 'clusters', 'cluster', chosen.value.cluster, clusterSchema);
  if (cluster === null)
    throw invalid(`The context "${name}" names the cluster "${chosen.value.cluster}", which is not there.`);
  const user = find(files, 'users', 'user', chosen.value.user, userSchema);
  if (user === null) throw invalid(`The context "${name}" names the user "${chosen.value.user}", who is not there.`);
  if (isContained) refuseOutside(paths.join(', '), { ...cluster.value, ...user.value });
  if (!URL.canParse(cluster.value.server))
    throw invalid(`The cluster's server is not an address: ${cluster.value.server}`);
  if (user.value['auth-provider'] !== undefined && user.value.exec === undefined) {
    throw invalid(`The user "${chosen.value.user}" has an auth-provider, which Kubernetes no longer has.`);
  }
  const { username, password, token, tokenFile } = user.value;
  const server = new URL(cluster.value.server);
  return {
    source: paths.join(delimiter),
    context: name,
    user: chosen.value.user,
    namespace: chosen.value.namespace ?? 'default',
    server,
    ca: await readPem(cluster, 'certificate-authority'),
    isInsecure: cluster.value['insecure-skip-tls-verify'] ?? false,
    serverName: cluster.value['tls-server-name'],
    clientCert: await readPem(user, 'client-certificate'),
    clientKey: await readPem(user, 'client-key'),
    authorization:
      token !== undefined
        ? `Bearer ${token}`
        : username === undefined
          ? undefined
          : `Basic ${Buffer.from(`${username}:${password ?? ''}`).toString('base64')}`,
    tokenFile: tokenFile === undefined ? undefined : resolve(user.dir, tokenFile),
    exec: user.value.exec,
    impersonation: impersonate(user.value, chosen.value.user),
    proxy: chooseProxy(server, cluster.value['proxy-url'], env),
  };
}

function listDefaults(env: NodeJS.ProcessEnv): string[] {
  const named = (env.KUBECONFIG ?? '').split(delimiter).filter(Boolean);
  return named.length > 0 ? named : [join(env.HOME || homedir(), '.kube/config')];
}

interface KubeFile {
  readonly dir: string;
  readonly file: z.output<typeof fileSchema>;
}

async function readOne(path: string, isNamed: boolean): Promise<KubeFile | null> {
  let text: string;
  try {
    text = await readNamedFile(path);
  } catch (cause) {
    if (isNamed) throw invalid(`The kubeconfig ${path} cannot be read.`, 'Is the path right?', cause);
    return null;
  }
  try {
    return { dir: dirname(resolve(path)), file: fileSchema.parse(parse(text)) };
  } catch (cause) {
    throw invalid(`${path} is not a kubeconfig.`, 'kubectl config view shows what it should look like.', cause);
  }
}

interface Chosen<Value> {
  readonly dir: string;
  readonly value: Value;
}

/** The first entry of a name, as kubectl merges several files. */
function find<Shape extends z.ZodType>(
  files: readonly KubeFile[],
  list: 'clusters' | 'users' | 'contexts',
  key: string,
  name: string,
  schema: Shape,
): Chosen<z.output<Shape>> | null {
  for (const { dir, file } of files) {
    const entry = (file[list] ?? []).find((one) => one.name === name);
    const parsed = entry === undefined ? undefined : schema.safeParse(entry[key]);
    if (parsed?.success) return { dir, value: parsed.data };
  }
  return null;
}

/** Errors: TARGET_INVALID where an entry names a program or another file. */
function refuseOutside(path: string, entries: Readonly<Record<string, unknown>>): void {
  const names = ['exec', 'tokenFile', 'certificate-authority', 'client-certificate', 'client-key'];
  const found = names.find((name) => entries[name] !== undefined);
  if (found === undefined) return;
  throw invalid(
    `The kubeconfig ${path} has "${found}", which is not taken from a file that a window named.`,
    `Add the target on the command line: firstlight target add NAME --kubeconfig ${path}`,
  );
}

/** A certificate or key: in the file itself, or in one beside it. */
async function readPem(
  { dir, value }: Chosen<Readonly<Record<string, unknown>>>,
  key: string,
): Promise<string | undefined> {
  const data = value[`${key}-data`];
  if (typeof data === 'string') return Buffer.from(data, 'base64').toString('utf8');
  const path = value[key];
  if (typeof path !== 'string') return undefined;
  return await readNamedFile(resolve(dir, path)).catch((cause: unknown) => {
    throw invalid(`The kubeconfig names ${path}, which cannot be read.`, undefined, cause);
  });
}

const invalid = (message: string, hint?: string, cause?: unknown) =>
  new FirstlightError('TARGET_INVALID', message, { hint, cause });
