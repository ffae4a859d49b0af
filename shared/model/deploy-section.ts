/** The section `deploy` of `firstlight.json`: how a function runs on a cluster. It names secrets, and contains none. */
import { z } from 'zod';
import { argsSchema } from './program.ts';

const labelSchema = z.string().regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'lower-case letters, digits and dashes');
const variableSchema = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'an environment variable name');

/** The kinds of object that run a function. */
export const workloadKinds = ['deployment', 'knative'] as const;
export type WorkloadKind = (typeof workloadKinds)[number];

/** Bounds within which the cluster chooses the number of pods. */
const autoscaleSchema = z.strictObject({
  min: z
    .number()
    .int()
    .min(0)
    .max(1000)
    .optional()
    .describe('The fewest pods. Default: 1 for a Deployment, 0 for a Knative Service.'),
  max: z.number().int().min(1).max(1000).describe('The most pods.'),
  cpuPercent: z
    .number()
    .int()
    .min(1)
    .max(1000)
    .default(80)
    .describe(
      'The use of the processor that pods of a Deployment are added or taken away for, in percent of what a pod asks for.',
    ),
});
export type Autoscale = z.output<typeof autoscaleSchema>;

const secretSchema = z
  .strictObject({
    secret: labelSchema.optional().describe('The name of a Secret of the namespace.'),
    key: z.string().min(1).max(253).optional().describe('The key in that Secret.'),
    env: variableSchema.optional().describe('A variable of who deploys.'),
    keychain: z.string().min(1).max(200).optional().describe('The name of an entry in the keychain of who deploys.'),
  })
  .refine(
    ({ secret, key, env, keychain }) =>
      (secret === undefined) === (key === undefined) &&
      [secret, env, keychain].filter((from) => from !== undefined).length === 1,
    'exactly one source: {"secret": …, "key": …}, {"env": …} or {"keychain": …}',
  );
export type SecretReference = z.output<typeof secretSchema>;

const routeSchema = z
  .strictObject({
    host: z
      .string()
      .max(253)
      .regex(/^(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/, 'a DNS name')
      .describe('The name under which it is reached.'),
    path: z.string().startsWith('/').max(1024).default('/').describe('The beginning of the paths that lead to it.'),
    ingressClass: labelSchema.optional().describe('The class of an Ingress. Default: the cluster’s own default.'),
    gateway: z
      .string()
      .regex(/^([a-z0-9][a-z0-9-]*\/)?[a-z0-9][a-z0-9-]*$/, 'a name, or namespace/name')
      .optional()
      .describe('A Gateway, in place of an Ingress: its name, or its namespace and name.'),
    tlsSecret: labelSchema.optional().describe('The Secret with the certificate of an Ingress. A Gateway has its own.'),
  })
  .refine(
    ({ gateway, ingressClass, tlsSecret }) => gateway === undefined || (ingressClass ?? tlsSecret) === undefined,
    {
      message: 'either "gateway", or "ingressClass" and "tlsSecret"',
    },
  );
export type Route = z.output<typeof routeSchema>;

const shape = {
  target: labelSchema.optional().describe('The target that it is deployed to: a name of `firstlight target list`.'),
  workload: z
    .enum(workloadKinds)
    .optional()
    .describe('The kind of object that runs it: a Deployment, or a Knative Service. Default: that of the target.'),
  replicas: z.number().int().min(0).max(1000).optional().describe('How many pods. Default: 1, then as it is.'),
  autoscale: autoscaleSchema
    .optional()
    .describe(
      'Has the cluster choose the number of pods, by a HorizontalPodAutoscaler or by Knative. Not together with `replicas`.',
    ),
  route: routeSchema
    .optional()
    .describe('How it is reached from outside the cluster: by an Ingress, or by a route of a Gateway.'),
  env: z
    .record(variableSchema, z.string())
    .default({})
    .describe(
      'Environment beside that of the function. A variable of who deploys is written as in a shell, with braces. It is in the image, or shown by the cluster: no secrets.',
    ),
  args: argsSchema
    .optional()
    .describe(
      'Arguments in place of those of the function. They are in the image, or shown by the cluster: no secrets.',
    ),
  sign: z
    .string()
    .min(1)
    .optional()
    .describe('The file of a private key (PEM, ECDSA on P-256) that images are signed with, as cosign does.'),
  secrets: z
    .record(variableSchema, secretSchema)
    .default({})
    .describe(
      'Environment that the function gets when it starts, by reference: from a Secret of the cluster, or from a variable or the keychain of who deploys, by way of a Secret. Never by value.',
    ),
};

/** The default values of a deploy; a profile's keys replace them. */
export const deploySectionSchema = z.strictObject({
  ...shape,
  profiles: z
    .record(labelSchema, z.strictObject(shape))
    .default({})
    .describe('Variants by name, such as `staging` and `production`: `firstlight deploy --profile staging`.'),
});
export type DeploySection = z.output<typeof deploySectionSchema>;

/** The values of one deploy: the section with a profile's keys over it. Shape: null where there is no such profile. */
export function chooseProfile(
  section: DeploySection,
  name: string | undefined,
): Omit<DeploySection, 'profiles'> | null {
  const { profiles, ...base } = section;
  if (name === undefined) return base;
  const profile = profiles[name];
  if (profile === undefined) return null;
  const { replicas, autoscale, ...rest } = base;
  const chosen = Object.fromEntries(Object.entries(profile).filter(([, value]) => value !== undefined));
  // The two exclude each other: a profile with one of them drops the other one of the base.
  const counts = profile.replicas === undefined && profile.autoscale === undefined ? { replicas, autoscale } : {};
  return {
    ...rest,
    ...counts,
    ...chosen,
    env: { ...base.env, ...profile.env },
    secrets: { ...base.secrets, ...profile.secrets },
  };
}
