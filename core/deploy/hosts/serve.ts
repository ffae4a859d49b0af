/** Has instances answer, puts them into service, and gives each the port of its endpoint, which may be another one's. */
import type { Runtime } from '#core/runtime/runtime.ts';
import { withLibvirtErrors } from '#core/vmm/libvirt/to-firstlight-error.ts';
import type { CallOutput } from '#shared/contract/index.ts';
import { toFirstlightError } from '#shared/errors.ts';
import type { RuntimeId } from '#shared/model/project.ts';
import type { TargetHost } from './fleet.ts';
import { addForward, readForwards, removeForward } from './forwards.ts';
import type { Instance } from './instances.ts';
import { defineInstance, type FindSource, placeFiles, stopDomain } from './place.ts';
import { choosePort, maxPortTries, noPort } from './ports.ts';
import { type DeployedRecord, updateRecord } from './record.ts';
import { type Called, callInstance, healthRequest, listening, startInstance } from './start.ts';

type Answer = CallOutput<'deploy:invoke'>;

export interface Serving {
  readonly runtimes: ReadonlyMap<RuntimeId, Runtime>;
  readonly find: FindSource;
  readonly signal: AbortSignal;
  /** The instances of the function that are known on a host. */
  readonly instancesOn: (host: TargetHost) => readonly Instance[];
  readonly warn: (message: string) => void;
}

/**
 * Has an instance answer, and puts it into service: it then has its endpoint, and no other instance has. Errors:
 * PORT_IN_USE; as `startInstance`.
 */
export async function bringUp(instance: Instance, replicas: number, serving: Serving): Promise<Answer> {
  const { domain, host } = instance;
  const well = await answerOf(instance, serving);
  const { answer, record } = well === null ? await start(instance, serving) : { answer: well, record: instance.record };
  const up = { host, domain, record: { ...record, replicas } };
  await withLibvirtErrors(`put ${domain.name} into service on ${host.label}`, async () => {
    await domain.setAutostart(true);
    // Also where nothing changes: libvirt reports a change of the record, and none of the start with the host.
    await updateRecord(domain, up.record);
  });
  await takeEndpoint(up, serving);
  return answer;
}

/** The answer of an instance that runs; null for one that was ended, since it does not answer. */
async function answerOf({ host, domain, record }: Called, { runtimes, signal }: Serving): Promise<Answer | null> {
  const { state } = await withLibvirtErrors(`look at ${domain.name}`, () => domain.state());
  if (state === 'shutoff') return null;
  try {
    if (state === 'running') {
      return await callInstance(await listening({ host, domain, record }), runtimes, healthRequest, {
        signal,
        isTest: true,
      });
    }
  } catch (thrown) {
    const { code } = toFirstlightError(thrown);
    if (code === 'CANCELLED' || code === 'LIBVIRT_LOST' || code === 'LIBVIRT_UNREACHABLE') throw thrown;
  }
  await withLibvirtErrors(`stop ${domain.name}`, () => stopDomain(domain));
  return null;
}

/**
 * Has an instance that is off answer: beside the one whose endpoint it takes over, on any port. Where another program has
 * its port, it gets another one, which is warned of. Shape: the record that it has then.
 */
async function start({ host, domain, record: first }: Called, serving: Serving) {
  const taken: number[] = [];
  for (let record = first; ; ) {
    try {
      const isBeside = (await othersAt({ host, domain, record }, serving)).length > 0;
      if (record.port > 0) await define({ host, domain, record }, serving, isBeside ? 0 : record.port);
      const answer = await startInstance({ host, domain, record }, serving.runtimes, serving.signal);
      if (isBeside) await define({ host, domain, record }, serving, record.port);
      if (taken.length > 0) serving.warn(describeMove({ host, domain, record }, taken));
      return { answer, record };
    } catch (thrown) {
      if (toFirstlightError(thrown).code !== 'PORT_IN_USE') throw thrown;
      record = await move({ host, domain, record }, taken);
    }
  }
}

/** Leads the port of an endpoint to its instance, and off any other one: requests that those have stay in them. */
export async function takeEndpoint(called: Called, serving: Serving): Promise<void> {
  const { host, domain } = called;
  if (called.record.port === 0) return;
  const { ports } = await readForwards(called);
  let { record } = called;
  if (!ports.includes(record.port)) {
    // An earlier try may have ended before this.
    await define(called, serving, record.port);
    for (const other of await othersAt(called, serving)) await removeForward(other, record.port);
    const taken: number[] = [];
    while (!(await isAdded({ host, domain, record }))) {
      record = await move({ host, domain, record }, taken);
      await define({ host, domain, record }, serving, record.port);
      serving.warn(describeMove({ host, domain, record }, taken));
    }
  }
  for (const port of ports) if (port !== record.port) await removeForward(called, port);
}

async function isAdded(called: Called): Promise<boolean> {
  try {
    await addForward(called, called.record.port);
    return true;
  } catch (thrown) {
    if (toFirstlightError(thrown).code === 'PORT_IN_USE') return false;
    throw thrown;
  }
}

/** The other instances of the function that run and have the same endpoint. */
async function othersAt({ host, domain, record }: Called, { instancesOn }: Serving): Promise<Instance[]> {
  const others = instancesOn(host).filter((one) => one.domain.uuid !== domain.uuid && one.record.port === record.port);
  if (record.port === 0) return [];
  const states = await withLibvirtErrors(`look at instances on ${host.label}`, () =>
    Promise.all(others.map((one) => one.domain.state().catch(() => null))),
  );
  return others.filter((_, index) => states[index]?.state === 'running');
}

async function define({ host, domain, record }: Called, { find }: Serving, hostPort: number): Promise<void> {
  const files = await placeFiles(host, record, find);
  await withLibvirtErrors(`define ${domain.name} on ${host.label}`, () =>
    defineInstance(host, record, files, { uuid: domain.uuid, hostPort }),
  );
}

/** The record with another port. Errors: PORT_IN_USE. */
async function move({ host, record }: Called, taken: number[]): Promise<DeployedRecord> {
  taken.push(record.port);
  if (taken.length >= maxPortTries) throw noPort(host, record, taken);
  return { ...record, port: await choosePort(host, taken) };
}

const describeMove = ({ host, domain, record }: Called, taken: readonly number[]) =>
  `On ${host.label} another program has port ${taken.join(', ')} of ${record.listen}: ${domain.name} listens on ${record.port}.`;
