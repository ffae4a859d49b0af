import { randomBytes, randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import type { PreparedMachine } from '#core/runtime/machines.ts';
import type { Runtime } from '#core/runtime/runtime.ts';
import { hostNow } from '#core/store/host-clock.ts';
import { thisProcess } from '#core/store/owner.ts';
import { findFirmware } from '#core/vmm/firmware.ts';
import { machineNamePrefix, type PlacedMachine } from '#core/vmm/machine.ts';
import { createSocketDir, diskDirOf, removeInstanceDirs } from '#core/vmm/socket-dir.ts';
import { unsupported } from '#core/vmm/unsupported.ts';
import type { RunningMachine } from '#core/vmm/vmm.ts';
import { FirstlightError, toFirstlightError } from '#shared/errors.ts';
import type { RuntimeId } from '#shared/model/project.ts';
import { type InstanceId, instanceIdSchema } from '#shared/model/units.ts';
import { gdbSocketIn, makeGdbDir, writeGdbCommand } from './gdb-command.ts';
import { homeOf } from './home-of.ts';
import type { InstanceRecord } from './instance-record.ts';
import { LiveInstance } from './live-instance.ts';
import type { InstanceListener, LaunchSpec, LaunchTimes } from './types.ts';

export interface LaunchContext {
  readonly runtimes: ReadonlyMap<RuntimeId, Runtime>;
  readonly onChange: InstanceListener;
  /** Called as soon as the instance exists, before its streams are open. */
  readonly onCreated: (instance: LiveInstance) => void;
  readonly onCreating?: CreatingListener | undefined;
  /** Called with the clean-up of a cancelled creation; settles when that machine is gone. */
  readonly trackCreation: (done: Promise<void>) => void;
  readonly bootTimeoutMs: number;
}

/** Called as soon as a machine has been requested: its process may exist long before the VMM reports it. */
export type CreatingListener = (id: InstanceId, machineName: string) => void;

/** A paused instance with console and channel open: nothing of the guest has run. */
export interface Launched {
  readonly instance: LiveInstance;
  readonly times: LaunchTimes;
}

/**
 * Creates a paused machine for an image, and opens its console and channel.
 *
 * Errors: MEMORY_TOO_SMALL, MACHINE_UNSUPPORTED, QEMU_MISSING, LIBVIRT_*, STORE_UNUSABLE, ACCEL_UNUSABLE, CANCELLED.
 */
export async function launchPaused(spec: LaunchSpec, context: LaunchContext): Promise<Launched> {
  checkMemory(spec);
  const runtime = context.runtimes.get(spec.image.runtime);
  if (runtime === undefined) throw new FirstlightError('INTERNAL', `There is no runtime ${spec.image.runtime}.`);
  const preparedFromNs = hostNow();
  const { host } = spec;
  const { vmm, layout } = host;
  const [, runDir] = await Promise.all([vmm.connect(), layout.ensure(layout.socketsDir)]);
  if (spec.isDebugged && vmm.isRemote) {
    throw unsupported(host.name, 'a debugger', 'Its socket is on that host. Debug on this machine.');
  }
  const owner = thisProcess();
  const sockets = await createSocketDir(runDir, owner);
  const id = instanceIdSchema.parse(`${spec.config.name}-${randomBytes(4).toString('hex')}`);
  const cleanUp = async (): Promise<void> => {
    // A later start removes the files that cannot be removed now.
    await removeInstanceDirs(layout, sockets.dir).catch(() => undefined);
  };
  const prepared = await prepareMachine(runtime, spec, id, sockets.dir).catch((thrown) => {
    void cleanUp();
    throw thrown;
  });
  const record: InstanceRecord = {
    id,
    home: homeOf(host),
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
  const placed = {
    name: `${machineNamePrefix}${id}`,
    uuid: randomUUID(),
    title: `Firstlight: ${spec.config.name}`,
    machine: prepared.machine,
    firmwarePath: prepared.machine.kernel?.firmwarePath ?? findFirmware(),
    sockets,
    ...(spec.isDebugged === true && { gdbSocketPath: gdbSocketIn(sockets.dir) }),
  };
  if (spec.isDebugged) await makeGdbDir(layout, sockets.dir);
  const createSentNs = hostNow();
  const creating = create(placed, record, spec, cleanUp, context.trackCreation);
  context.onCreating?.(id, placed.name);
  const machine = await creating;
  const createdNs = hostNow();
  const { onChange, bootTimeoutMs } = context;
  const instance = new LiveInstance({
    record,
    host,
    machine,
    state: 'prestarted',
    runtime,
    ours: true,
    onChange,
    onGone: cleanUp,
    bootTimeoutMs,
    ...(spec.isDebugged === true && {
      gdbCommand: writeGdbCommand(gdbSocketIn(sockets.dir), prepared.symbolsPath ?? null),
    }),
  });
  context.onCreated(instance);
  try {
    await instance.connect();
  } catch (thrown) {
    const error = toFirstlightError(thrown);
    instance.fail(error);
    throw error;
  }
  if (spec.signal?.aborted) {
    instance.stop();
    throw new FirstlightError('CANCELLED', 'The start was cancelled.');
  }
  return { instance, times: { preparedFromNs, createSentNs, createdNs, steps: machine.steps, connectedNs: hostNow() } };
}

async function prepareMachine(
  runtime: Runtime,
  { host: { vmm, layout }, projectDir, isTrusted, image, config, accel }: LaunchSpec,
  instanceId: InstanceId,
  socketDir: string,
): Promise<PreparedMachine> {
  const makeDiskDir = async () => {
    await layout.ensure(layout.disksDir);
    const dir = diskDirOf(layout, socketDir);
    await mkdir(dir, { mode: 0o755 });
    return dir;
  };
  return await runtime.prepareMachine({ instanceId, image, config, accel, projectDir, isTrusted, vmm, makeDiskDir });
}

async function create(
  placed: PlacedMachine,
  metadata: InstanceRecord,
  { host, config, keep, saved, signal }: LaunchSpec,
  cleanUp: () => Promise<void>,
  trackCreation: LaunchContext['trackCreation'],
): Promise<RunningMachine> {
  const options = { keep, metadata, doing: `create an instance of ${config.name}` };
  const { saving } = host.vmm;
  const creating =
    saved === undefined || saving === undefined
      ? host.vmm.create(placed, options)
      : saving.restore(placed, saved.dir, options);
  if (signal === undefined) return await creating.catch(refuse);

  // A creation cannot be stopped: a cancelled start returns at once, and its machine is ended once it exists.
  const cancelled = new Promise<never>((_, reject) => {
    const cancel = () => {
      trackCreation(creating.then((machine) => machine.kill()).then(cleanUp, cleanUp));
      reject(new FirstlightError('CANCELLED', 'The start was cancelled.'));
    };
    if (signal.aborted) cancel();
    else signal.addEventListener('abort', cancel, { once: true });
    creating.finally(() => signal.removeEventListener('abort', cancel)).catch(() => undefined);
  });
  return await Promise.race([creating.catch(refuse), cancelled]);

  function refuse(thrown: unknown): never {
    void cleanUp();
    throw thrown;
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
