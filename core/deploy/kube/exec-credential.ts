import { z } from 'zod';
import { runTool } from '#core/exec/run-tool.ts';
import { createSingleFlight } from '#core/store/single-flight.ts';
import { FirstlightError, toFirstlightError } from '#shared/errors.ts';
import type { ClusterAccess, ExecPlugin } from './kubeconfig.ts';

/** Long enough for a person to log in by a browser; a network's own deadline is separate. Units: ms. */
const loginTimeoutMs = 180_000;
/** A token is renewed this long before it ends. Units: ms. */
const earlyMs = 30_000;

const answerSchema = z.object({
  status: z.object({
    token: z.string().optional(),
    clientCertificateData: z.string().optional(),
    clientKeyData: z.string().optional(),
    expirationTimestamp: z.string().optional(),
  }),
});

export interface ExecCredential {
  readonly token: string | undefined;
  readonly clientCert: string | undefined;
  readonly clientKey: string | undefined;
}

/** Gives the credentials of a plugin; it runs once for all concurrent callers, and again when they have expired. */
export interface ExecCredentials {
  readonly get: (signal?: AbortSignal) => Promise<ExecCredential>;
  /** The server rejected these credentials. Newer ones stay: another caller may have asked for them. */
  readonly forget: (rejected: ExecCredential) => void;
}

/** The credentials of all plugins, for all clients of an engine: a person who logs in does so once. */
export interface PluginCredentials {
  /** Null for a user without a plugin. */
  readonly of: (access: ClusterAccess) => ExecCredentials | null;
}

/** `pathReady`: resolves when PATH is the one by which plugins are found. */
export function createPluginCredentials(pathReady: Promise<unknown> = Promise.resolve()): PluginCredentials {
  const known = new Map<string, ExecCredentials>();
  return {
    of: ({ exec, source, context, user }) => {
      if (exec === undefined) return null;
      // With the plugin itself: its entry in the file may be changed while we run.
      const key = JSON.stringify([source, context, user, exec]);
      const found = known.get(key) ?? createExecCredentials(exec, pathReady);
      known.set(key, found);
      return found;
    },
  };
}

/** Errors of `get`: CLUSTER_DENIED with the plugin's own message; TOOL_MISSING with its install hint. */
function createExecCredentials(plugin: ExecPlugin, pathReady: Promise<unknown>): ExecCredentials {
  let current: { readonly credential: ExecCredential; readonly endsAtMs: number } | null = null;
  const asking = createSingleFlight<ExecCredential>('Cancelled.');
  const never = new AbortController().signal;

  async function ask(signal?: AbortSignal): Promise<ExecCredential> {
    await pathReady;
    const { status } = await runPlugin(plugin, signal);
    const credential = {
      token: status.token,
      clientCert: status.clientCertificateData,
      clientKey: status.clientKeyData,
    };
    const ends = status.expirationTimestamp === undefined ? Number.NaN : Date.parse(status.expirationTimestamp);
    current = { credential, endsAtMs: Number.isNaN(ends) ? Number.POSITIVE_INFINITY : ends };
    return credential;
  }

  return {
    get: async (signal) => {
      if (current !== null && Date.now() < current.endsAtMs - earlyMs) return current.credential;
      return await asking.share('plugin', signal ?? never, () => ask(signal));
    },
    forget: (rejected) => {
      if (current?.credential === rejected) current = null;
    },
  };
}

async function runPlugin(plugin: ExecPlugin, signal?: AbortSignal): Promise<z.output<typeof answerSchema>> {
  const { command, args, env, apiVersion, installHint } = plugin;
  const info = { apiVersion, kind: 'ExecCredential', spec: { interactive: false } };
  const variables = Object.fromEntries((env ?? []).map(({ name, value }) => [name, value]));
  let stdout: string;
  try {
    ({ stdout } = await runTool(command, args ?? [], {
      timeoutMs: loginTimeoutMs,
      signal,
      isSecret: true,
      env: { ...variables, KUBERNETES_EXEC_INFO: JSON.stringify(info) },
    }));
  } catch (thrown) {
    const error = toFirstlightError(thrown);
    if (error.code === 'CANCELLED') throw error;
    if (error.code === 'TOOL_MISSING') {
      throw new FirstlightError('TOOL_MISSING', `The kubeconfig asks ${command} for credentials; it is not on PATH.`, {
        hint: installHint ?? 'Install it, or start Firstlight from a shell that finds it.',
        cause: thrown,
      });
    }
    throw new FirstlightError('CLUSTER_DENIED', `${command} gave no credentials: ${error.message}`, {
      hint: error.hint,
      details: error.details,
    });
  }
  const parsed = answerSchema.safeParse(parseJson(stdout));
  if (parsed.success) return parsed.data;
  // Its output may contain a token.
  throw new FirstlightError('CLUSTER_DENIED', `${command} printed no ExecCredential.`, {
    hint: 'Run it yourself; it must print JSON of client.authentication.k8s.io.',
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
