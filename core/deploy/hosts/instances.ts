/** The deployed instances on the hosts of a target, and the functions that they make up. */
import { type Domain, isNotFound } from 'node-libvirt';
import { withLibvirtErrors } from '#core/vmm/libvirt/to-firstlight-error.ts';
import { FirstlightError } from '#shared/errors.ts';
import { type Deployment, type DeployRevision, isLoopback } from '#shared/model/deploy.ts';
import { endpointOf } from './endpoint.ts';
import { describeDown, type Fleet, type TargetHost } from './fleet.ts';
import { type DeployedRecord, isDeployedName, readRecord } from './record.ts';

/** A domain of ours on a host. */
export interface Instance {
  readonly host: TargetHost;
  readonly domain: Domain;
  readonly record: DeployedRecord;
  /** libvirt's word, such as `running` or `shutoff`, and its reason. */
  readonly state: string;
  readonly reason: string;
  /** True for one that its host is to keep running: it starts with the host. */
  readonly isInService: boolean;
}

/** The instances on one host. Errors: LIBVIRT_*. */
export async function readInstances(host: TargetHost): Promise<Instance[]> {
  return await withLibvirtErrors(`list what is deployed on ${host.label}`, async () => {
    const domains = await host.connection.listDomains({ persistent: true, timeoutMs: listTimeoutMs });
    const read = await Promise.all(domains.filter(({ name }) => isDeployedName(name)).map((one) => readOne(host, one)));
    return read.filter((one) => one !== null);
  });
}

/** A busy daemon takes seconds for the first call. Units: ms. */
const listTimeoutMs = 15_000;

/** Shape: null for a domain of someone else, and for one that was taken away meanwhile. */
async function readOne(host: TargetHost, domain: Domain): Promise<Instance | null> {
  try {
    const record = await readRecord(domain);
    if (record === null) return null;
    const [{ state, reason }, isInService] = await Promise.all([domain.state(), domain.autostart()]);
    return { host, domain, record, state, reason, isInService };
  } catch (thrown) {
    if (isNotFound(thrown)) return null;
    throw thrown;
  }
}

/** The instances of a function, or of all, on the hosts that can be reached. Errors: LIBVIRT_*. */
export async function listInstances({ hosts }: Fleet, functionName?: string): Promise<Instance[]> {
  const all = (await Promise.all(hosts.map(readInstances))).flat();
  return functionName === undefined ? all : all.filter(({ record }) => record.functionName === functionName);
}

/** The revision in service: the newest with such an instance, else the newest. Shape: 0 where there is none. */
export function currentRevision(instances: readonly Instance[]): number {
  const newest = (of: readonly Instance[]) => Math.max(0, ...of.map(({ record }) => record.revision));
  return newest(instances.filter(({ isInService }) => isInService)) || newest(instances);
}

/** The functions of a target, by name. Errors: LIBVIRT_*. */
export async function listOnHosts(fleet: Fleet): Promise<readonly Deployment[]> {
  const instances = await listInstances(fleet);
  const names = [...new Set(instances.map(({ record }) => record.functionName))].sort((a, b) => a.localeCompare(b));
  return names.map((name) =>
    describe(
      fleet,
      name,
      instances.filter(({ record }) => record.functionName === name),
    ),
  );
}

/** One function. Errors: NOT_FOUND; LIBVIRT_*. */
export async function getOnHosts(fleet: Fleet, name: string): Promise<Deployment> {
  return describe(fleet, name, await requireInstances(fleet, name));
}

/** The instances of a function, of which there is at least one. Errors: NOT_FOUND; LIBVIRT_*. */
export async function requireInstances(fleet: Fleet, name: string): Promise<Instance[]> {
  const instances = await listInstances(fleet, name);
  if (instances.length > 0) return instances;
  const { target, down } = fleet;
  const unknown = down.length === 0 ? '' : ` ${down.map(describeDown).join(' ')}`;
  throw new FirstlightError('NOT_FOUND', `No function "${name}" is deployed on ${target.name}.${unknown}`, {
    hint: `firstlight deploy list --target ${target.name}`,
    details: { subject: name },
  });
}

/** The state of a function, from its instances, of which there is at least one. */
export function describe(
  { target, down }: Pick<Fleet, 'target' | 'down'>,
  name: string,
  instances: readonly Instance[],
): Deployment {
  const revision = currentRevision(instances);
  const own = instances.filter(({ record }) => record.revision === revision);
  const record = own.find(({ isInService }) => isInService)?.record ?? own[0]?.record;
  const inService = instances.filter((one) => one.isInService);
  const ready = own.filter(({ isInService, state }) => isInService && state === 'running').length;
  const wanted = record?.replicas ?? 0;
  const unfinished = findUnfinished(revision, wanted, instances);
  const trouble = unfinished ?? findTrouble(wanted, ready, inService);
  const hostsDown = down.map(describeDown);
  const state = unfinished !== null ? 'progressing' : ready < wanted ? 'failing' : wanted === 0 ? 'stopped' : 'ready';
  return {
    target: target.name,
    namespace: null,
    name,
    state,
    message: state === 'ready' || state === 'stopped' ? '' : [trouble, ...hostsDown].join(' '),
    replicas: { wanted, ready, updated: own.filter((one) => one.isInService).length },
    revision,
    image: record?.imageId ?? '',
    runtime: record?.runtime ?? '',
    deployedAt: record?.deployedAt ?? '',
    endpoint: [...new Set(inService.map(whereOf))].join(', '),
    instances: inService.map((one) => ({
      name: one.domain.name,
      host: one.host.label,
      state: one.state,
      revision: one.record.revision,
      ...endpointIn(one),
    })),
    ...(hostsDown.length > 0 && { hostsDown }),
  };
}

/** What shows that a deploy is under way, or was ended before it was done. */
function findUnfinished(revision: number, wanted: number, instances: readonly Instance[]): string | null {
  const again = 'If no deploy is under way, deploy again to finish.';
  const older = instances.find((one) => one.isInService && one.record.revision !== revision);
  if (older !== undefined) {
    return `${older.domain.name} of revision ${older.record.revision} is still in service. ${again}`;
  }
  const stray = instances.find((one) => !one.isInService && one.state !== 'shutoff');
  if (stray !== undefined) return `${stray.domain.name} is ${stray.state} and not in service. ${again}`;
  const next = instances.find(({ record }) => record.revision > revision);
  if (next !== undefined) return `Revision ${next.record.revision} is there and not in service. ${again}`;
  const other = instances.find(({ record }) => record.revision === revision && record.replicas !== wanted);
  if (other === undefined) return null;
  return `${other.domain.name} is one of ${other.record.replicas} instances, and others are of ${wanted}. ${again}`;
}

function findTrouble(wanted: number, ready: number, inService: readonly Instance[]): string {
  const bad = inService.find(({ state }) => state !== 'running');
  if (bad !== undefined) {
    return `${bad.domain.name} on ${bad.host.label} is ${bad.state} (${bad.reason}): deploy again to start it.`;
  }
  return `${ready} of ${wanted} instances run.`;
}

const endpointIn = ({ host, record }: Instance): { endpoint?: string } => {
  const endpoint = endpointOf(host, record);
  return endpoint === null ? {} : { endpoint };
};

/** Where an instance is reached; for one without an endpoint, or with one that only its host reaches, with that host. */
function whereOf({ host, record }: Instance): string {
  const endpoint = endpointOf(host, record);
  if (endpoint === null) return host.label;
  return isLoopback(record.listen) ? `${endpoint} on ${host.label}` : endpoint;
}

/** The revisions that the hosts keep, newest first. Errors: NOT_FOUND; LIBVIRT_*. */
export async function listRevisionsOnHosts(fleet: Fleet, name: string): Promise<readonly DeployRevision[]> {
  const instances = await requireInstances(fleet, name);
  const current = currentRevision(instances);
  const byRevision = new Map(instances.map(({ record }) => [record.revision, record]));
  return [...byRevision.values()]
    .sort((a, b) => b.revision - a.revision)
    .map(({ revision, imageId, deployedAt }) => ({
      ...{ revision, imageId, deployedAt, image: imageId },
      isCurrent: revision === current,
    }));
}
