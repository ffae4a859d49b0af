import { z } from 'zod';
import { FirstlightError } from '#shared/errors.ts';

/** The part of a kubeconfig's user that says as whom requests are made. Source: client-go, `AuthInfo`. */
export const impersonationShape = {
  as: z.string().optional(),
  'as-uid': z.string().optional(),
  'as-groups': z.array(z.string()).nullish(),
  'as-user-extra': z.record(z.string(), z.array(z.string())).nullish(),
};
type Impersonation = z.output<z.ZodObject<typeof impersonationShape>>;

/**
 * The headers for it. Source: Kubernetes' documentation, "User impersonation".
 *
 * Errors: TARGET_INVALID for groups, a uid or more without a user: the server would take the request as ours.
 */
export function impersonate(user: Impersonation, name: string): Readonly<Record<string, string | string[]>> {
  const { as = '', 'as-uid': uid = '' } = user;
  const groups = user['as-groups'] ?? [];
  const extra = Object.entries(user['as-user-extra'] ?? {});
  if (as === '') {
    if (uid === '' && groups.length === 0 && extra.length === 0) return {};
    throw new FirstlightError(
      'TARGET_INVALID',
      `The user "${name}" of the kubeconfig acts as other groups or with another uid, but names no user for it.`,
      { hint: 'Set "as" beside it, or remove "as-groups", "as-uid" and "as-user-extra".' },
    );
  }
  return {
    'impersonate-user': toHeader(as),
    ...(groups.length > 0 && { 'impersonate-group': groups.map(toHeader) }),
    ...(uid !== '' && { 'impersonate-uid': toHeader(uid) }),
    ...Object.fromEntries(extra.map(([key, values]) => [`impersonate-extra-${toName(key)}`, values.map(toHeader)])),
  };
}

/** Node.js writes a header's characters as bytes; the server reads them as UTF-8. */
const toHeader = (value: string) => Buffer.from(value).toString('latin1');

/** The server decodes a key's percent signs. */
const toName = (key: string) => encodeURIComponent(key.toLowerCase()).replace('(', '%28').replace(')', '%29');
