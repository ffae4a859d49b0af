import { z } from 'zod';
import {
  clusterColdStartSchema,
  deploymentSchema,
  deployRequestSchema,
  deployResultSchema,
  deployRevisionSchema,
  dnsLabelSchema,
  engineSchema,
  maxTrafficShares,
  replicaStatsSchema,
  targetCheckSchema,
  targetSchema,
  trafficChangeSchema,
} from '../model/deploy.ts';
import { projectIdSchema } from '../model/units.ts';
import { call, stream } from './define.ts';

const byTarget = z.strictObject({ target: dnsLabelSchema });
const byFunction = byTarget.extend({ name: dnsLabelSchema });

export const deployCalls = {
  'targets:list': call(z.strictObject({}), z.array(targetSchema)),
  /**
   * Errors: ALREADY_EXISTS; TARGET_INVALID when its kubeconfig lacks what is needed to reach it; BAD_INPUT for Knative on
   * KubeVirt, and for one address of several hosts.
   */
  'targets:add': call(targetSchema, targetSchema),
  /** Removes it from the list; its functions keep running. Errors: NOT_FOUND. */
  'targets:remove': call(byTarget, z.null()),
  /** Checks everything that a deploy needs there. Errors: NOT_FOUND, TARGET_INVALID. */
  'targets:test': call(byTarget, z.array(targetCheckSchema)),
  /**
   * Builds, pushes, applies, watches the rollout, and calls the function once.
   * Errors: as `builds:build`; NOT_FOUND, CONFLICT; REGISTRY_*; CLUSTER_*; DEPLOY_FAILED in the cluster's words.
   */
  'deploy:start': call(deployRequestSchema, deployResultSchema),
  /**
   * The YAML that `deploy:start` would apply, and its changes there: what it would delete is in `before` only. Nothing is
   * pushed. Errors: as `deploy:start`.
   */
  'deploy:preview': call(
    z.strictObject({
      projectId: projectIdSchema,
      target: dnsLabelSchema,
      profile: dnsLabelSchema.optional(),
      replicas: z.number().int().min(0).optional(),
      force: z.boolean().default(false),
    }),
    z.object({ yaml: z.string(), before: z.string(), after: z.string(), note: z.string() }),
  ),
  /** Files for applying the function by other means; its image is pushed unless `push` is false. Errors: REGISTRY_*. */
  'deploy:manifests': call(
    z.strictObject({
      projectId: projectIdSchema,
      target: dnsLabelSchema,
      profile: dnsLabelSchema.optional(),
      format: z.enum(['yaml', 'kustomize', 'helm']).default('yaml'),
      replicas: z.number().int().min(0).max(1000).optional(),
      push: z.boolean().default(true),
      signKey: z.string().min(1).optional(),
      /** The resource of a device plugin that gives pods KVM. Default: they ask for none, and are emulated. */
      kvmResource: z
        .string()
        .max(253)
        .regex(
          /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?\/[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?$/,
          'a resource, as devices.kubevirt.io/kvm',
        )
        .optional(),
    }),
    z.object({
      image: z.string(),
      files: z.array(z.object({ path: z.string(), text: z.string() })),
      /** The work that is left to the person who applies them, or empty. */
      note: z.string(),
    }),
  ),
  /**
   * Writes the image that `deploy:start` would push into an OCI layout, without its documents. Units: bytes, packed.
   * Errors: as `builds:build`; BAD_INPUT when the folder holds something else; STORE_UNUSABLE.
   */
  'deploy:save': call(
    z.strictObject({
      projectId: projectIdSchema,
      profile: dnsLabelSchema.optional(),
      engine: engineSchema,
      /** An absolute path. A layout that is there gets one image more. */
      to: z.string().startsWith('/'),
      tag: z.string().regex(/^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/, 'letters, digits, dots and dashes, at most 128'),
    }),
    z.object({ to: z.string(), tag: z.string(), digest: z.string(), bytes: z.number().int() }),
  ),
  /** The functions there, by name. Errors: NOT_FOUND, CLUSTER_*. */
  'deploy:list': call(byTarget, z.array(deploymentSchema)),
  'deploy:get': call(byFunction, deploymentSchema),
  'deploy:history': call(byFunction, z.array(deployRevisionSchema)),
  /** Without a revision: the one before. Errors: NOT_FOUND; CONFLICT when it is paused, already runs, or is being changed. */
  'deploy:rollback': call(byFunction.extend({ revision: z.number().int().min(1).optional() }), deploymentSchema),
  /** While paused, its pods are unchanged, and nothing is rolled out. Errors: NOT_FOUND; CLUSTER_*. */
  'deploy:pause': call(byFunction.extend({ paused: z.boolean() }), deploymentSchema),
  /** Errors: NOT_FOUND; CONFLICT where an autoscaler chooses it, or while it is being changed; CLUSTER_*. */
  'deploy:scale': call(byFunction.extend({ replicas: z.number().int().min(0).max(1000) }), deploymentSchema),
  /**
   * Splits the traffic of a Knative Service between revisions. Errors: NOT_FOUND; BAD_INPUT unless the shares make 100;
   * CONFLICT for a Deployment.
   */
  'deploy:traffic': call(
    byFunction.extend({ shares: z.array(trafficChangeSchema).min(1).max(maxTrafficShares) }),
    deploymentSchema,
  ),
  /** Errors: CONFLICT for what is not ours, and while it is being changed; CLUSTER_DENIED for a part that must stay. */
  'deploy:remove': call(byFunction, z.null()),
  /** The cold start of the newest pod. Errors: NOT_FOUND when there is none. */
  'deploy:coldStart': call(byFunction, clusterColdStartSchema),
  /** The resources of each pod or instance. Errors: NOT_FOUND; CLUSTER_DENIED where nothing there measures them. */
  'deploy:stats': call(byFunction, z.array(replicaStatsSchema)),
  /** Sends an HTTP request to the function, through the API server; on hosts to an endpoint, else through libvirt. */
  'deploy:invoke': call(
    byFunction.extend({
      method: z
        .string()
        .regex(/^[A-Z]{1,10}$/)
        .default('GET'),
      path: z.string().startsWith('/').max(4096).default('/'),
      body: z.string().nullable().default(null),
    }),
    z.object({ status: z.number().int(), contentType: z.string(), body: z.string() }),
  ),
};

export const deployStreams = {
  /**
   * The functions of a target, at each change of one of them: a line of JSON, as `deploy:list` answers. It does not end
   * by itself. Errors: NOT_FOUND, CLUSTER_*.
   */
  'deploy:watch': stream(byTarget),
  /** The output of the function's pods, from the last lines on; ends when `follow` is false. */
  'deploy:logs': stream(
    byFunction.extend({
      follow: z.boolean().default(true),
      tailLines: z.number().int().min(0).max(10_000).default(200),
    }),
  ),
  /**
   * The console of one pod or instance as its guest wrote it, from its beginning on; without `instance`: of the newest.
   * Ends, with the reason as its last line, when the pod or instance ends. It takes no input.
   * Errors: NOT_FOUND with the names that there are; CLUSTER_*; LIBVIRT_*.
   */
  'deploy:console': stream(byFunction.extend({ instance: z.string().min(1).max(253).optional() })),
};
