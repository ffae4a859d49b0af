import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { FirstlightError, toFirstlightError } from '#shared/errors.ts';
import type { DeployResult } from '#shared/model/deploy.ts';
import type { Cluster } from './cluster.ts';
import type { KubeAnswer } from './kube/client.ts';
import type { OpenWorkload } from './open-workload.ts';

const pauseMs = 250;

export interface FirstCall {
  /** Null: one may not call it. */
  readonly answer: DeployResult['answer'];
  readonly warnings: readonly string[];
}

/** What stands between us and the function answers so, and a function that is out of order. */
const noAnswers = [502, 503, 504];

/** The API server's own answer in place of the function's. */
const ownAnswerSchema = z.object({ kind: z.literal('Status'), apiVersion: z.literal('v1'), message: z.string() });

/**
 * The first answer of a function. Any is one but for those that say that there is none, when they last.
 *
 * Errors: DEPLOY_FAILED; CLUSTER_UNREACHABLE; CANCELLED.
 */
export async function callOnce(
  { target }: Pick<Cluster, 'target'>,
  { call }: Pick<OpenWorkload, 'call'>,
  name: string,
  { signal, timeoutMs }: { readonly signal: AbortSignal; readonly timeoutMs: number },
): Promise<FirstCall> {
  // The Service learns of a pod a moment after the pod is ready, and a connection may break.
  for (const end = Date.now() + timeoutMs; ; await sleep(pauseMs, undefined, { signal })) {
    const isLate = Date.now() > end;
    const found = await call(signal).catch((thrown: unknown) => toFirstlightError(thrown));
    if (found instanceof FirstlightError) {
      if (found.code === 'CLUSTER_DENIED') return notCalled(found.message);
      if (found.code !== 'CLUSTER_UNREACHABLE' || isLate) throw found;
    } else if (!noAnswers.includes(found.status)) {
      if (isLate || !isPassing(found)) return readAnswer(found);
    } else if (isLate) {
      const { status, text } = found;
      throw new FirstlightError('DEPLOY_FAILED', `${name} does not answer on ${target.name}, by status ${status}.`, {
        details: { output: ownWords(text) ?? text.slice(0, 4000), subject: name },
      });
    }
  }
}

/** The API server's own answer, but not for lack of rights: a Service that was just made may be unknown to it. */
const isPassing = ({ status, text }: KubeAnswer): boolean =>
  status >= 400 && status !== 401 && status !== 403 && ownWords(text) !== undefined;

const notCalled = (why: string): FirstCall => ({ answer: null, warnings: [`It was not called: ${why}`] });

function readAnswer({ status, text }: KubeAnswer): FirstCall {
  const own = status >= 400 ? ownWords(text) : undefined;
  if (own !== undefined) return notCalled(own);
  const warnings = status >= 400 ? [`Its first answer, to GET /, has status ${status}.`] : [];
  return { answer: { status, body: text.slice(0, 4000) }, warnings };
}

/** The API server's words; undefined where the answer is the function's. */
function ownWords(text: string): string | undefined {
  try {
    return ownAnswerSchema.safeParse(JSON.parse(text)).data?.message;
  } catch {
    return undefined;
  }
}
