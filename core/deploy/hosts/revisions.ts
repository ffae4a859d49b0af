/** Changes of a function that is deployed to hosts. */
import { withLibvirtErrors } from '#core/vmm/libvirt/to-firstlight-error.ts';
import { FirstlightError } from '#shared/errors.ts';
import { checkNotElsewhere } from './deploy.ts';
import { describeDown, type Fleet } from './fleet.ts';
import { currentRevision, type Instance, requireInstances } from './instances.ts';
import { removeInstance, removeUnusedImages, sourceOnHosts } from './place.ts';
import { releaseSchema } from './record.ts';
import { Rollout } from './rollout.ts';

/** Takes a function back to a revision that the hosts keep, as a new revision. Errors: NOT_FOUND; CONFLICT; DEPLOY_FAILED. */
export async function rollBackOnHosts(
  fleet: Fleet,
  name: string,
  revision: number | undefined,
  signal: AbortSignal,
): Promise<void> {
  const instances = await requireInstances(fleet, name);
  checkNotElsewhere(instances, name, false);
  const current = currentRevision(instances);
  const running = instances.find(({ record }) => record.revision === current);
  const byAge = [...instances].sort((a, b) => b.record.revision - a.record.revision);
  const known = [...new Set(byAge.map(({ record }) => record.revision))].join(', ');
  const chosen =
    revision === undefined
      ? byAge.find(({ record }) => record.revision < current && record.imageId !== running?.record.imageId)
      : byAge.find(({ record }) => record.revision === revision);
  if (chosen === undefined || running === undefined) {
    throw new FirstlightError(
      'NOT_FOUND',
      revision === undefined ? `${name} has no earlier revision.` : `${name} has no revision ${revision}.`,
      { hint: `The hosts keep: ${known}` },
    );
  }
  if (chosen.record.imageId === running.record.imageId) {
    throw new FirstlightError('CONFLICT', `Revision ${chosen.record.revision} of ${name} is what runs.`);
  }
  const newest = byAge[0]?.record.revision ?? current;
  await rollOut(fleet, chosen, { revision: newest + 1, replicas: running.record.replicas, signal }, instances);
}

/** Sets the number of instances. Errors: NOT_FOUND; CONFLICT; DEPLOY_FAILED. */
export async function scaleOnHosts(fleet: Fleet, name: string, replicas: number, signal: AbortSignal): Promise<void> {
  const instances = await requireInstances(fleet, name);
  checkNotElsewhere(instances, name, false);
  const revision = currentRevision(instances);
  const [own] = instances.filter(({ record }) => record.revision === revision);
  if (own === undefined) return;
  await rollOut(fleet, own, { revision, replicas, signal }, instances);
}

async function rollOut(
  fleet: Fleet,
  { record }: Instance,
  { revision, replicas, signal }: { revision: number; replicas: number; signal: AbortSignal },
  before: readonly Instance[],
): Promise<void> {
  const release = releaseSchema.parse(record);
  const find = sourceOnHosts(fleet.hosts, release);
  const request = { release, revision, replicas, find, rollback: true, signal, onProgress: () => undefined };
  const rollout = new Rollout(fleet, request, before);
  await rollout.define();
  await rollout.replace();
}

/** Takes a function off the hosts, with its revisions. Errors: LIBVIRT_UNREACHABLE for hosts that keep theirs; LIBVIRT_*. */
export async function removeFromHosts(fleet: Fleet, name: string): Promise<void> {
  const instances = await requireInstances(fleet, name);
  for (const { host, domain } of instances) {
    await withLibvirtErrors(`take ${domain.name} out of service`, () => domain.setAutostart(false));
    await removeInstance(host, domain);
  }
  for (const host of fleet.hosts) await removeUnusedImages(host);
  const [down] = fleet.down;
  if (down === undefined) return;
  throw new FirstlightError('LIBVIRT_UNREACHABLE', `${name} may still be on a host: ${describeDown(down)}`, {
    hint: `It is off the other hosts. When that one is back: firstlight deploy undeploy ${name} --target ${fleet.target.name}`,
    details: { subject: down.label },
  });
}
