import type { Host } from '#core/vmm/host.ts';
import type { RunningMachine } from '#core/vmm/vmm.ts';
import type { Instance } from '#shared/model/instance.ts';
import type { InstanceRecord } from './instance-record.ts';

/** An instance as clients see it: its record and its present state. */
export function describeInstance(
  record: InstanceRecord,
  { name: host, vmm }: Host,
  machine: Pick<RunningMachine, 'name' | 'uuid'>,
  now: Pick<Instance, 'state' | 'failure' | 'runId' | 'url' | 'gdbCommand'>,
): Instance {
  return {
    id: record.id,
    host,
    domain: machine.name,
    uuid: machine.uuid,
    uri: vmm.uri,
    accel: record.accel,
    startMode: record.startMode,
    runtime: record.runtime,
    projectId: record.projectId,
    functionName: record.functionName,
    imageId: record.imageId,
    memoryMiB: record.memoryMiB,
    vcpus: record.vcpus,
    keep: record.keep,
    createdAt: record.createdAt,
    ...now,
  };
}
