import { join } from 'node:path';
import { z } from 'zod';
import { isAlive, type Owner, ownerSchema } from '#core/store/owner.ts';
import { readJson } from '#core/store/read-json.ts';
import { namesIn, writeAtomic } from '#core/store/write-atomic.ts';
import type { PlacedMachine } from '../machine.ts';
import type { MachineMetadata } from '../vmm.ts';
import { vsockChannels } from './firecracker-requests.ts';

const machineFileSchema = z.object({
  name: z.string().min(1),
  uuid: z.string().min(1),
  /** Firecracker's process. Its start is part of it, so that no later process with its number is taken for it. */
  process: ownerSchema,
  /** The vsock port of each channel, by the channel's name. */
  ports: z.record(z.string(), z.number().int()),
  /** The port for the function's output. */
  consolePort: z.number().int().nullable(),
  /** The root of its jail, where its sockets are; null for a machine without a jail. */
  jailRoot: z.string().nullable().default(null),
  keep: z.boolean(),
  metadata: z.record(z.string(), z.json()).nullable(),
});

/** The data that a later program needs to take over a Firecracker or to end it. */
export type MachineFile = z.output<typeof machineFileSchema>;

/** The sockets of a machine lie in a separate folder, and this file beside them. */
export const machineFileIn = (dir: string) => join(dir, 'firecracker.json');
/** The names of the sockets of a machine's API and vsock, in its jail or beside this file. */
export const socketNames = { api: 'api.sock', vsock: 'channel.sock' } as const;

export function describeMachine(
  placed: PlacedMachine,
  process: Owner,
  { keep, metadata }: { readonly keep: boolean; readonly metadata: MachineMetadata | null },
  jailRoot: string | null,
): MachineFile {
  const channels = vsockChannels(placed.machine);
  return {
    name: placed.name,
    uuid: placed.uuid,
    process,
    ports: Object.fromEntries(channels.map(({ name, vsockPort }) => [name, vsockPort])),
    consolePort: channels.find(({ carries }) => carries === 'output')?.vsockPort ?? null,
    jailRoot,
    keep,
    metadata: metadata as MachineFile['metadata'],
  };
}

/** Errors: DISK_FULL, STORE_UNUSABLE. */
export async function writeMachineFile(dir: string, file: MachineFile): Promise<void> {
  await writeAtomic(machineFileIn(dir), JSON.stringify(file), { durable: false });
}

/** The machines whose folders lie in `socketsDir` and whose processes run, by folder. */
export async function readMachineFiles(socketsDir: string): Promise<ReadonlyMap<string, MachineFile>> {
  const found = new Map<string, MachineFile>();
  for (const name of await namesIn(socketsDir)) {
    const dir = join(socketsDir, name);
    const read = await readJson(machineFileIn(dir), machineFileSchema);
    if (read.ok && read.value !== undefined && isAlive(read.value.process)) found.set(dir, read.value);
  }
  return found;
}
