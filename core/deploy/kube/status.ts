import { z } from 'zod';
import { type ErrorCode, FirstlightError } from '#shared/errors.ts';
import type { ClusterAccess } from './kubeconfig.ts';

/** The API server's answer in place of an object. Source: Kubernetes API conventions, "Response Status Kind". */
export const statusSchema = z.object({
  code: z.number().default(0),
  reason: z.string().default(''),
  message: z.string().default(''),
  details: z
    .object({
      causes: z
        .array(
          z.object({ reason: z.string().optional(), message: z.string().optional(), field: z.string().optional() }),
        )
        .optional(),
    })
    .optional(),
});
export type Status = z.output<typeof statusSchema>;

const codes: Readonly<Record<number, ErrorCode>> = {
  401: 'CLUSTER_DENIED',
  403: 'CLUSTER_DENIED',
  404: 'NOT_FOUND',
  409: 'CONFLICT',
};

/** The error of a Status: its message, reason and causes; never a header. */
export function statusError(status: Status, { context }: Pick<ClusterAccess, 'context'>): FirstlightError {
  const { code, reason, message, details } = status;
  const words = message === '' ? `The cluster answers with status ${code}.` : message;
  const causes = (details?.causes ?? []).map(({ message: why = '', field }) => (field ? `${field}: ${why}` : why));
  return new FirstlightError(codes[code] ?? 'CLUSTER_REFUSED', words, {
    hint: hintFor(status, context),
    details: {
      ...(causes.length > 0 && { output: causes.join('\n') }),
      ...(reason !== '' && { subject: reason }),
    },
  });
}

function hintFor({ code, reason, message }: Status, context: string): string | undefined {
  if (code === 401) return 'The credentials are not taken, or have ended: log in again, as you do for kubectl.';
  if (/exceeded quota/.test(message)) return 'Ask for fewer replicas or less memory, or have the quota raised.';
  if (code === 403) return `kubectl --context ${context} auth can-i --list shows what you may do.`;
  if (code === 429) return 'It is asked too often, or asks for a long wait: try again later.';
  if (code === 409 && reason === 'Conflict') {
    return 'Someone else manages these fields. Leave them to them, or take them over with --force.';
  }
  if (/admission webhook/.test(message)) return 'A rule of this cluster refuses it; who runs the cluster knows why.';
  return undefined;
}
