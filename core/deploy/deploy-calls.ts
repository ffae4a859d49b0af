import { buildWithGiven, type GivesAtStart } from '#core/images/build-with-given.ts';
import type { Build } from '#core/images/image-store.ts';
import { withProcessLock } from '#core/store/process-lock.ts';
import type { CallContext, CallHandlers, StreamHandlers } from '#shared/contract/index.ts';
import { FirstlightError } from '#shared/errors.ts';
import { anyAddress, isLoopback, type LibvirtTarget, usesKubevirt } from '#shared/model/deploy.ts';
import type { Project } from '#shared/model/project.ts';
import type { ProjectId } from '#shared/model/units.ts';
import { callFunction } from './call-function.ts';
import { type Cluster, openCluster, withCluster } from './cluster.ts';
import { readColdStart } from './cold-start.ts';
import { deploy } from './deploy.ts';
import type { DeployContext } from './deploy-context.ts';
import { findFunction, findService, refuseKnative, refuseVm } from './find-function.ts';
import { callOnHosts } from './hosts/call.ts';
import { streamHostConsole } from './hosts/console.ts';
import { deployToHosts } from './hosts/deploy.ts';
import { type Fleet, withFleet } from './hosts/fleet.ts';
import { getOnHosts, listOnHosts, listRevisionsOnHosts } from './hosts/instances.ts';
import { streamHostLogs } from './hosts/logs.ts';
import { removeFromHosts, rollBackOnHosts, scaleOnHosts } from './hosts/revisions.ts';
import { readHostStats } from './hosts/stats.ts';
import { testHosts } from './hosts/test-target.ts';
import { watchHosts } from './hosts/watch.ts';
import { listServiceRevisions, rollBackKnative, splitTraffic } from './knative/revisions.ts';
import type { PluginCredentials } from './kube/exec-credential.ts';
import { findVmSet } from './kubevirt/find-sets.ts';
import { refuseUnfitForVm } from './kubevirt/kubevirt-workload.ts';
import { listVmRevisions, rollBackVm, setReplicas } from './kubevirt/revisions.ts';
import { getFunction, listFunctions } from './list-deployments.ts';
import { streamLogs } from './logs.ts';
import { makeManifests } from './make-manifests.ts';
import { givesAtStart } from './pack-image.ts';
import { streamPodConsole } from './pod-console.ts';
import { previewDeploy } from './preview.ts';
import { type DeployPlan, planDeploy } from './profile.ts';
import { listRevisions, pauseFunction, removeFunction, rollBack, scaleFunction } from './revisions.ts';
import { saveImage } from './save-image.ts';
import { readSecrets } from './secrets.ts';
import { readPodStats } from './stats.ts';
import type { Targets } from './targets.ts';
import { testTarget } from './test-target.ts';
import { watchFunctions } from './watch-functions.ts';

export interface DeployCallsOptions extends DeployContext {
  readonly targets: Targets;
  readonly plugins: PluginCredentials;
  readonly getProject: (id: ProjectId) => Promise<Project>;
  readonly build: (project: Project, context: CallContext) => Promise<Build>;
}

type DeployCallName = Extract<keyof CallHandlers, `deploy:${string}` | `targets:${string}`>;

/** A second change of the same function is refused at once, not when the first is over. Units: ms. */
const lockTimeoutMs = 200;

/** The calls `targets:*` and `deploy:*`. */
export function deployCalls(options: DeployCallsOptions): Pick<CallHandlers, DeployCallName> {
  const { targets, env } = options;
  const onTarget = createOnTarget(options);
  // A target is a name of one home; several may be of one cluster.
  const lockOnHosts = (target: string, name: string) => `deploy ${options.layout.dataDir} ${target} ${name}`;
  const lockOnCluster = ({ client, namespace }: Cluster, name: string) =>
    `deploy ${client.access.server.href} ${namespace} ${name}`;
  const onCluster = <Result>(target: string, what: string, work: (cluster: Cluster) => Promise<Result>) =>
    onTarget(target, work, () => Promise.reject(onlyOnKubernetes(target, what)));
  const buildPlan = (plan: DeployPlan, gives: GivesAtStart, context: CallContext) =>
    buildWithGiven(plan.project, plan, gives, (toBuild) => options.build(toBuild, context));
  const changeOnHosts = (target: string, name: string, work: (fleet: Fleet) => Promise<void>) => async (fleet: Fleet) =>
    await onlyOnce(lockOnHosts(target, name), name, async () => {
      await work(fleet);
      return await getOnHosts(fleet, name);
    });
  const changeOnCluster = (name: string, work: (cluster: Cluster) => Promise<void>) => async (cluster: Cluster) =>
    await onlyOnce(lockOnCluster(cluster, name), name, async () => {
      await work(cluster);
      return await getFunction(cluster, name);
    });

  return {
    'targets:list': async () => [...(await targets.list())],
    'targets:add': async (target) => {
      if (target.kind === 'kubernetes') {
        if (usesKubevirt(target)) refuseUnfitForVm(target.workload, {});
        (await openCluster(target, env, options.plugins)).client.close();
      } else {
        for (const uri of target.uris) checkUri(uri);
        checkListen(target);
      }
      await targets.add(target);
      return target;
    },
    'targets:remove': async ({ target }) => {
      await targets.remove(target);
      return null;
    },
    'targets:test': async ({ target }, { signal }) => {
      const found = await targets.get(target);
      return found.kind === 'libvirt'
        ? await testHosts(found, options)
        : await onCluster(target, '', async (cluster) => [...(await testTarget(cluster, options, signal))]);
    },
    'deploy:start': async ({ projectId, target, profile, ...choice }, context) => {
      const plan = planDeploy(await options.getProject(projectId), profile, env);
      const { project } = plan;
      const signKey = choice.signKey ?? plan.signKey;
      const toCluster = async (cluster: Cluster) => {
        const secrets = await readSecrets(project.name, plan.secrets, env, context.signal);
        const { workload, route } = plan;
        const own = { ...choice, ...pods(plan, choice), ...context, workload, signKey, secrets, route };
        const build = () => buildPlan(plan, givesAtStart(cluster.target), context);
        const work = () => deploy(cluster, options, { ...own, build });
        return await onlyOnce(lockOnCluster(cluster, project.name), project.name, work);
      };
      const toHosts = (fleet: Fleet) =>
        onlyOnce(lockOnHosts(target, project.name), project.name, () =>
          deployToHosts(fleet, {
            ...{ ...choice, ...context, plan: { ...plan, signKey } },
            build: () => buildPlan(plan, 'never', context),
          }),
        );
      return await onTarget(target, toCluster, toHosts);
    },
    'deploy:preview': async ({ projectId, target, profile, replicas, force }, context) => {
      const plan = planDeploy(await options.getProject(projectId), profile, env);
      return await onCluster(target, 'a dry run', async (cluster) => {
        const secrets = await readSecrets(plan.project.name, plan.secrets, env, context.signal);
        const { bundle, image, variables, args } = await buildPlan(plan, givesAtStart(cluster.target), context);
        return await previewDeploy(cluster, options, {
          ...{ bundle, image, variables, args, secrets, force, route: plan.route, workload: plan.workload },
          ...pods(plan, { replicas }),
          ...context,
        });
      });
    },
    'deploy:manifests': async ({ projectId, target, profile, ...choice }, context) => {
      const found = await targets.get(target);
      if (found.kind === 'libvirt') throw onlyOnKubernetes(target, 'manifests');
      const plan = planDeploy(await options.getProject(projectId), profile, env);
      const { bundle, image, variables, args } = await buildPlan(plan, givesAtStart(found), context);
      const request = {
        ...choice,
        ...pods(plan, choice),
        ...context,
        bundle,
        image,
        variables,
        args,
        workload: plan.workload,
        signKey: choice.signKey ?? plan.signKey,
        secrets: plan.secrets,
        route: plan.route,
        target: found,
      };
      return await makeManifests(options, request);
    },
    'deploy:save': async ({ projectId, profile, to, ...choice }, context) => {
      const plan = planDeploy(await options.getProject(projectId), profile, env);
      const build = await buildPlan(plan, givesAtStart(choice), context);
      const hasVariables = Object.keys({ ...build.variables, ...plan.secrets }).length > 0;
      return await saveImage(options, { ...choice, ...context, to, build, hasVariables });
    },
    'deploy:list': ({ target }, { signal }) =>
      onTarget(
        target,
        async (cluster) => [...(await listFunctions(cluster, signal))],
        async (fleet) => [...(await listOnHosts(fleet))],
      ),
    'deploy:get': ({ target, name }, { signal }) =>
      onTarget(
        target,
        (cluster) => getFunction(cluster, name, signal),
        (fleet) => getOnHosts(fleet, name),
      ),
    'deploy:history': ({ target, name }) =>
      onTarget(
        target,
        async (cluster) => {
          const found = await findFunction(cluster, name);
          if (found.workload === 'knative') return [...(await listServiceRevisions(cluster, found.service))];
          if (found.workload === 'kubevirt') return [...(await listVmRevisions(cluster, name))];
          return [...(await listRevisions(cluster, found.deployment))];
        },
        async (fleet) => [...(await listRevisionsOnHosts(fleet, name))],
      ),
    'deploy:rollback': ({ target, name, revision }, { signal }) =>
      onTarget(
        target,
        changeOnCluster(name, async (cluster) => {
          const found = await findFunction(cluster, name);
          const { graceMs } = options;
          if (found.workload === 'knative') await rollBackKnative(cluster, found.service, revision);
          else if (found.workload === 'kubevirt') await rollBackVm(cluster, name, revision, { graceMs, signal });
          else await rollBack(cluster, found.deployment, revision);
        }),
        changeOnHosts(target, name, (fleet) => rollBackOnHosts(fleet, name, revision, signal)),
      ),
    'deploy:pause': ({ target, name, paused }) =>
      onCluster(target, 'a rollout to pause', async (cluster) => {
        await refuseKnative(cluster, name, 'nothing of it is paused.', trafficHint(name));
        await refuseVm(cluster, name, 'nothing of it is paused.');
        await pauseFunction(cluster, name, paused);
        return await getFunction(cluster, name);
      }),
    'deploy:scale': ({ target, name, replicas }, { signal }) =>
      onTarget(
        target,
        changeOnCluster(name, async (cluster) => {
          await refuseKnative(cluster, name, 'Knative chooses the number of pods.', changeBounds);
          const set = await findVmSet(cluster, name, signal);
          if (set === null) await scaleFunction(cluster, name, replicas);
          else await setReplicas(cluster, set, replicas, signal);
        }),
        changeOnHosts(target, name, (fleet) => scaleOnHosts(fleet, name, replicas, signal)),
      ),
    'deploy:traffic': ({ target, name, shares }) =>
      onCluster(
        target,
        'traffic to split',
        changeOnCluster(name, async (cluster) => splitTraffic(cluster, await findService(cluster, name), shares)),
      ),
    'deploy:remove': ({ target, name }) =>
      onTarget(
        target,
        (cluster) =>
          onlyOnce(lockOnCluster(cluster, name), name, async () => {
            await removeFunction(cluster, name);
            return null;
          }),
        (fleet) =>
          onlyOnce(lockOnHosts(target, name), name, async () => {
            await removeFromHosts(fleet, name);
            return null;
          }),
      ),
    'deploy:coldStart': ({ target, name }, { signal }) =>
      onTarget(
        target,
        (cluster) => readColdStart(cluster, name, signal),
        () => Promise.reject(noColdStart(name)),
      ),
    'deploy:stats': ({ target, name }, { signal }) =>
      onTarget(
        target,
        (cluster) => readPodStats(cluster, name, signal),
        (fleet) => readHostStats(fleet, name, signal),
      ),
    'deploy:invoke': ({ target, ...request }, { signal }) =>
      onTarget(
        target,
        (cluster) => callFunction(cluster, request, signal),
        (fleet) => callOnHosts(fleet, request, signal),
      ),
  };
}

/** Runs work on a target of either kind. */
function createOnTarget(options: DeployCallsOptions) {
  return async <Result>(
    name: string,
    onCluster: (cluster: Cluster) => Promise<Result>,
    onHosts: (fleet: Fleet) => Promise<Result>,
  ): Promise<Result> => {
    const target = await options.targets.get(name);
    return target.kind === 'kubernetes'
      ? await withCluster(target, options.env, options.plugins, onCluster)
      : await withFleet(target, options, onHosts);
  };
}

const onlyOnKubernetes = (target: string, what: string) =>
  new FirstlightError(
    'BAD_INPUT',
    `${target} is a target of libvirt hosts, which has no ${what.replace(/^an? /, '')}.`,
    {
      hint: 'Deploy to Kubernetes for that: firstlight target add NAME --registry HOST/PATH',
      details: { subject: target },
    },
  );

const noColdStart = (name: string) =>
  new FirstlightError('NOT_FOUND', `Hosts keep no record of the cold start of ${name}.`, {
    hint: 'Run it on that host to see one: firstlight host add, then firstlight run --host.',
  });

/** Errors: BAD_INPUT for an address that no host of QEMU has. */
function checkUri(uri: string): void {
  if (/^qemu(\+[a-z]+)?:\/\//.test(uri) && URL.canParse(uri)) return;
  throw new FirstlightError('BAD_INPUT', `${uri} is not the address of a libvirt with QEMU.`, {
    hint: 'Such an address is qemu+ssh://root@lab/system, qemu+tls://lab/system or qemu:///system.',
    details: { subject: uri },
  });
}
/** Errors: BAD_INPUT for one address of several hosts, and for IPv4 at a host that is known by its IPv6 address only. */
function checkListen({ uris, listen }: LibvirtTarget): void {
  const sixth = uris.find((uri) => /^\[/.test(new URL(uri).hostname));
  if (listen === anyAddress && sixth !== undefined) {
    throw new FirstlightError('BAD_INPUT', `Endpoints are on IPv4 addresses, and ${sixth} names an IPv6 address.`, {
      hint: 'Name the host by its name, or make a target of it with its IPv4 address as --listen.',
      details: { subject: sixth },
    });
  }
  if (uris.length === 1 || listen === anyAddress || isLoopback(listen)) return;
  throw new FirstlightError(
    'BAD_INPUT',
    `${listen} can be an address of one host only, and there are ${uris.length}.`,
    {
      hint: `Use ${anyAddress} for all addresses of each, or make a target of each host.`,
      details: { subject: listen },
    },
  );
}
const trafficHint = (name: string) => `Keep the traffic where it is: firstlight deploy traffic ${name} 1=100`;
const changeBounds = 'Change its bounds: "deploy.autoscale" in firstlight.json, then deploy.';

/** The number of pods: from this deploy, else the bounds or the number of its plan. */
function pods(plan: DeployPlan, { replicas }: { readonly replicas?: number | undefined }) {
  if (replicas !== undefined) return { replicas, autoscale: undefined };
  return { replicas: plan.replicas, autoscale: plan.autoscale };
}

/** Errors: CONFLICT while another change of the same is under way, in this process or in another of this user. */
async function onlyOnce<Result>(lock: string, name: string, work: () => Promise<Result>): Promise<Result> {
  let hasBegun = false;
  if (underWay.has(lock)) throw alreadyChanging(name);
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
    throw hasBegun ? thrown : alreadyChanging(name);
  } finally {
    underWay.delete(lock);
  }
}

const underWay = new Set<string>();
const alreadyChanging = (name: string) =>
  new FirstlightError('CONFLICT', `${name} is being deployed or changed already.`, {
    hint: 'Wait for that to end, or cancel it.',
    details: { subject: name },
  });

/** The streams `deploy:*`. */
export function deployStreams(
  options: DeployCallsOptions,
): Pick<StreamHandlers, Extract<keyof StreamHandlers, `deploy:${string}`>> {
  const onTarget = createOnTarget(options);
  return {
    'deploy:watch': ({ target }, stream) =>
      onTarget(
        target,
        (cluster) => watchFunctions(cluster, stream),
        (fleet) => watchHosts(fleet, stream),
      ),
    'deploy:logs': ({ target, name, ...choice }, stream) =>
      onTarget(
        target,
        (cluster) => streamLogs(cluster, name, choice, stream),
        (fleet) => streamHostLogs(fleet, name, choice, stream),
      ),
    'deploy:console': ({ target, name, instance }, stream) =>
      onTarget(
        target,
        (cluster) => streamPodConsole(cluster, name, instance, stream),
        (fleet) => streamHostConsole(fleet, name, instance, stream),
      ),
  };
}
