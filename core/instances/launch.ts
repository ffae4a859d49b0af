import { randomBytes, randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import type { Connection, Domain } from 'node-libvirt';
import type { PreparedMachine } from '#core/runtime/machines.ts';
import type { Runtime } from '#core/runtime/runtime.ts';
import { hostNow } from '#core/store/host-clock.ts';
import type { Layout } from '#core/store/layout.ts';
import { thisProcess } from '#core/store/owner.ts';
import { findFirmware } from '#core/vmm/firmware.ts';
import { domainPrefix, writeDomainXml } from '#core/vmm/libvirt/domain-xml.ts';
import type { LibvirtLink } from '#core/vmm/libvirt/libvirt-link.ts';
import { fromLibvirt } from '#core/vmm/libvirt/to-firstlight-error.ts';
import { createSocketDir, diskDirOf, removeInstanceDirs } from '#core/vmm/socket-dir.ts';
import { FirstlightError } from '#shared/errors.ts';
import type { RuntimeId } from '#shared/model/project.ts';
import { type InstanceId, instanceIdSchema } from '#shared/model/units.ts';
import { LiveInstance, type LiveInstanceOptions } from './live-instance.ts';
import { type InstanceRecord, writeMetadata } from './metadata.ts';
import type { InstanceListener, LaunchSpec, LaunchTimes } from './types.ts';

export interface LaunchContext {
  readonly link: LibvirtLink;
  readonly layout: Layout;
  readonly runtimes: ReadonlyMap<RuntimeId, Runtime>;
  readonly onChange: InstanceListener;
  /** Called as soon as the instance exists, before its streams are open. */
  readonly onCreated: (instance: LiveInstance) => void;
  readonly onCreating?: CreatingListener | undefined;
  /** Is given what undoes a creation that nobody wants any more; settles when that domain is gone. */
  readonly trackCreation: (done: Promise<void>) => void;
  readonly bootTimeoutMs: number;
}

/** Told as soon as a domain has been asked for: its process may be there long before libvirt says that it is. */
export type CreatingListener = (id: InstanceId, domainName: string) => void;

/** A paused instance with console and channel open: nothing of the guest has run. */
export interface Launched {
  readonly instance: LiveInstance;
  readonly times: LaunchTimes;
}

/**
 * Creates a paused domain for an image, and opens its console and channel.
 *
 * Errors: MEMORY_TOO_SMALL, QEMU_MISSING, LIBVIRT_*, STORE_UNUSABLE, ACCEL_UNUSABLE, CANCELLED.
 */
export async function launchPaused(spec: LaunchSpec, context: LaunchContext): Promise<Launched> {
  checkMemory(spec);
  const runtime = context.runtimes.get(spec.image.runtime);
  if (runtime === undefined) throw new FirstlightError('INTERNAL', `There is no runtime ${spec.image.runtime}.`);
  const preparedFromNs = hostNow();
  const [connection, runDir] = await Promise.all([
    context.link.connection(),
    context.layout.ensure(context.layout.socketsDir),
  ]);
  const owner = thisProcess();
  const sockets = await createSocketDir(runDir, owner);
  const id = instanceIdSchema.parse(`${spec.config.name}-${randomBytes(4).toString('hex')}`);
  const cleanUp = async (): Promise<void> => {
    // What cannot be removed now is removed by a later start.
    await removeInstanceDirs(context.layout, sockets.dir).catch(() => undefined);
  };
  const prepared = await prepareMachine(runtime, spec, id, context.layout, sockets.dir).catch((thrown) => {
    void cleanUp();
    throw thrown;
  });
  const record: InstanceRecord = {
    id,
    home: context.layout.dataDir,
    projectId: spec.projectId,
    functionName: spec.config.name,
    imageId: spec.image.id,
    bundleId: spec.image.bundleId,
    imagePath: spec.image.path,
    runtime: spec.image.runtime,
    accel: spec.accel,
    startMode: spec.startMode,
    memoryMiB: spec.config.memoryMiB,
    vcpus: spec.config.vcpus,
    timeoutMs: spec.config.timeoutMs,
    keep: spec.keep,
    firstRunEnded: !spec.keep,
    createdAt: new Date().toISOString(),
    socketDir: sockets.dir,
    sessionInfo: prepared.sessionInfo,
    exclusiveResource: runtime.exclusiveResourceOf(spec.config),
    runId: spec.runId,
    owner,
  };
  const name = `${domainPrefix}${id}`;
  const xml = writeDomainXml({
    name,
    uuid: randomUUID(),
    title: `Firstlight: ${spec.config.name}`,
    machine: prepared.machine,
    firmwarePath: prepared.machine.kernel?.firmwarePath ?? findFirmware(),
    sockets,
    metadataXml: writeMetadata(record),
  });
  const createSentNs = hostNow();
  const creating = create(connection, xml, spec, cleanUp, context.trackCreation);
  context.onCreating?.(id, name);
  const domain = await creating;
  const createdNs = hostNow();
  const instance = new LiveInstance({
    ...liveOptions(context, runtime),
    record,
    domain,
    state: 'prestarted',
    ours: true,
    onGone: cleanUp,
  });
  context.onCreated(instance);
  try {
    await instance.connect();
  } catch (thrown) {
    const error = fromLibvirt(thrown, `start ${id}`);
    instance.fail(error);
    throw error;
  }
  if (spec.signal?.aborted) {
    instance.stop();
    throw new FirstlightError('CANCELLED', 'The start was cancelled.');
  }
  return { instance, times: { preparedFromNs, createSentNs, createdNs, connectedNs: hostNow() } };
}

/** The options that all instances of this process share. */
export function liveOptions(
  context: Pick<LaunchContext, 'link' | 'onChange' | 'bootTimeoutMs'>,
  runtime: Runtime,
): Pick<LiveInstanceOptions, 'uri' | 'runtime' | 'onChange' | 'bootTimeoutMs'> {
  return { uri: context.link.uri, runtime, onChange: context.onChange, bootTimeoutMs: context.bootTimeoutMs };
}

async function prepareMachine(
  runtime: Runtime,
  { image, config, accel }: LaunchSpec,
  instanceId: InstanceId,
  layout: Layout,
  socketDir: string,
): Promise<PreparedMachine> {
  const makeDiskDir = async () => {
    await layout.ensure(layout.disksDir);
    const dir = diskDirOf(layout, socketDir);
    await mkdir(dir, { mode: 0o711 });
    return dir;
  };
  return await runtime.prepareMachine({ instanceId, image, config, accel, makeDiskDir });
}

async function create(
  connection: Connection,
  xml: string,
  spec: LaunchSpec,
  cleanUp: () => Promise<void>,
  trackCreation: LaunchContext['trackCreation'],
): Promise<Domain> {
  const creating = connection.createDomainXml(xml, { paused: true, autodestroy: !spec.keep });
  const { signal } = spec;
  if (signal === undefined) return await creating.catch(refuse);

  // libvirt cannot be told to stop creating: who cancels goes at once, and the domain when it is there.
  const cancelled = new Promise<never>((_, reject) => {
    const cancel = () => {
      trackCreation(creating.then((domain) => domain.destroy()).then(cleanUp, cleanUp));
      reject(new FirstlightError('CANCELLED', 'The start was cancelled.'));
    };
    if (signal.aborted) cancel();
    else signal.addEventListener('abort', cancel, { once: true });
    creating.finally(() => signal.removeEventListener('abort', cancel)).catch(() => undefined);
  });
  return await Promise.race([creating.catch(refuse), cancelled]);

  function refuse(thrown: unknown): never {
    void cleanUp();
    throw fromLibvirt(thrown, `create an instance of ${spec.config.name}`);
  }
}

function checkMemory({ config, image }: LaunchSpec): void {
  if (config.memoryMiB >= image.minMemoryMiB) return;
  throw new FirstlightError(
    'MEMORY_TOO_SMALL',
    `${config.name} has ${config.memoryMiB} MiB of memory and needs ${image.minMemoryMiB} MiB to boot.`,
    { hint: `Set "memoryMiB" to ${image.minMemoryMiB} or more in firstlight.json.` },
  );
}
