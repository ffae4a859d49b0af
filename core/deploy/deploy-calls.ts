import type { Build } from '#core/images/image-store.ts';
import { withProcessLock } from '#core/store/process-lock.ts';
import type { CallContext, CallHandlers, StreamHandlers } from '#shared/contract/index.ts';
import { FirstlightError } from '#shared/errors.ts';
import type { Project } from '#shared/model/project.ts';
import type { ProjectId } from '#shared/model/units.ts';
import { callFunction } from './call-function.ts';
import { type Cluster, openCluster, withCluster } from './cluster.ts';
import { readColdStart } from './cold-start.ts';
import { deploy } from './deploy.ts';
import type { DeployContext } from './deploy-context.ts';
import { getFunction, listFunctions } from './list-deployments.ts';
import { streamLogs } from './logs.ts';
import { makeManifests, previewDeploy } from './preview.ts';
import { type DeployPlan, planDeploy } from './profile.ts';
import { listRevisions, pauseFunction, removeFunction, rollBack, scaleFunction } from './revisions.ts';
import { readSecrets } from './secrets.ts';
import type { Targets } from './targets.ts';
import { testTarget } from './test-target.ts';
import { watchFunctions } from './watch-functions.ts';

export interface DeployCallsOptions extends DeployContext {
  readonly targets: Targets;
  readonly getProject: (id: ProjectId) => Promise<Project>;
  readonly build: (project: Project, context: CallContext) => Promise<Build>;
}

type DeployCallName = Extract<keyof CallHandlers, `deploy:${string}` | `targets:${string}`>;

/** A second deploy of the same function is refused at once, not when the first is over. Units: ms. */
const lockTimeoutMs = 200;

/** The calls `targets:*` and `deploy:*`. */
export function deployCalls(options: DeployCallsOptions): Pick<CallHandlers, DeployCallName> {
  const { targets, env } = options;
  const inCluster = async <Result>(name: string, work: (cluster: Cluster) => Promise<Result>): Promise<Result> =>
    withCluster(await targets.get(name), env, work);

  return {
    'targets:list': async () => [...(await targets.list())],
    'targets:add': async (target) => {
      const { client } = await openCluster(target, env);
      client.close();
      await targets.add(target);
      return target;
    },
    'targets:remove': async ({ target }) => {
      await targets.remove(target);
      return null;
    },
    'targets:test': ({ target }, { signal }) =>
      inCluster(target, async (cluster) => [...(await testTarget(cluster, options, signal))]),
    'deploy:start': async ({ projectId, target, profile, ...choice }, context) => {
      const plan = planDeploy(await options.getProject(projectId), profile, env);
      const { project } = plan;
      const build = () => options.build(project, context);
      const work = async () => {
        const secrets = await readSecrets(project.name, plan.secrets, env, context.signal);
        return await inCluster(target, (cluster) =>
          deploy(cluster, options, {
            ...choice,
            ...pods(plan, choice),
            ...context,
            signKey: choice.signKey ?? plan.signKey,
            secrets,
            route: plan.route,
            build,
          }),
        );
      };
      return await onlyOnce(`deploy ${target} ${project.name}`, project.name, work);
    },
    'deploy:preview': async ({ projectId, target, profile, replicas }, context) => {
      const plan = planDeploy(await options.getProject(projectId), profile, env);
      const secrets = await readSecrets(plan.project.name, plan.secrets, env, context.signal);
      const { bundle, image } = await options.build(plan.project, context);
      return await inCluster(target, (cluster) =>
        previewDeploy(cluster, options, {
          bundle,
          image,
          ...pods(plan, { replicas }),
          secrets,
          route: plan.route,
          signal: context.signal,
          progress: context.progress,
        }),
      );
    },
    'deploy:manifests': async ({ projectId, target, profile, ...choice }, context) => {
      const plan = planDeploy(await options.getProject(projectId), profile, env);
      const { bundle, image } = await options.build(plan.project, context);
      const request = {
        ...choice,
        ...pods(plan, choice),
        ...context,
        bundle,
        image,
        signKey: choice.signKey ?? plan.signKey,
        secrets: plan.secrets,
        route: plan.route,
        target: await targets.get(target),
      };
      return await makeManifests(options, request);
    },
    'deploy:list': ({ target }, { signal }) =>
      inCluster(target, async (cluster) => [...(await listFunctions(cluster, signal))]),
    'deploy:get': ({ target, name }, { signal }) => inCluster(target, (cluster) => getFunction(cluster, name, signal)),
    'deploy:history': ({ target, name }) =>
      inCluster(target, async (cluster) => [...(await listRevisions(cluster, name))]),
    'deploy:rollback': ({ target, name, revision }) =>
      inCluster(target, async (cluster) => {
        await rollBack(cluster, name, revision);
        return await getFunction(cluster, name);
      }),
    'deploy:pause': ({ target, name, paused }) =>
      inCluster(target, async (cluster) => {
        await pauseFunction(cluster, name, paused);
        return await getFunction(cluster, name);
      }),
    'deploy:scale': ({ target, name, replicas }) =>
      inCluster(target, async (cluster) => {
        await scaleFunction(cluster, name, replicas);
        return await getFunction(cluster, name);
      }),
    'deploy:remove': ({ target, name }) =>
      inCluster(target, async (cluster) => {
        await removeFunction(cluster, name);
        return null;
      }),
    'deploy:coldStart': ({ target, name }, { signal }) =>
      inCluster(target, (cluster) => readColdStart(cluster, name, signal)),
    'deploy:invoke': ({ target, ...request }, { signal }) =>
      inCluster(target, (cluster) => callFunction(cluster, request, signal)),
  };
}

/** The number of pods: from this deploy, else the bounds or the number of its plan. */
function pods(plan: DeployPlan, { replicas }: { readonly replicas?: number | undefined }) {
  if (replicas !== undefined) return { replicas, autoscale: undefined };
  return { replicas: plan.replicas, autoscale: plan.autoscale };
}

/** Errors: CONFLICT while another deploy of the same is under way, in this process or in another of this user. */
async function onlyOnce<Result>(lock: string, name: string, work: () => Promise<Result>): Promise<Result> {
  let hasBegun = false;
  if (underWay.has(lock)) throw alreadyDeploying(name);
  underWay.add(lock);
  try {
    return await withProcessLock(
      lock,
      () => {
        hasBegun = true;
        return work();
      },
      lockTimeoutMs,
    );
  } catch (thrown) {
    throw hasBegun ? thrown : alreadyDeploying(name);
  } finally {
    underWay.delete(lock);
  }
}

const underWay = new Set<string>();
const alreadyDeploying = (name: string) =>
  new FirstlightError('CONFLICT', `${name} is being deployed already.`, {
    hint: 'Wait for that deploy to end, or cancel it.',
    details: { subject: name },
  });

/** The streams `deploy:*`. */
export function deployStreams({
  targets,
  env,
}: DeployCallsOptions): Pick<StreamHandlers, Extract<keyof StreamHandlers, `deploy:${string}`>> {
  return {
    'deploy:watch': async ({ target }, stream) => {
      await withCluster(await targets.get(target), env, (cluster) => watchFunctions(cluster, stream));
    },
    'deploy:logs': async ({ target, name, ...choice }, stream) => {
      await withCluster(await targets.get(target), env, (cluster) => streamLogs(cluster, name, choice, stream));
    },
  };
}
