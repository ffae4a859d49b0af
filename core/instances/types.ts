import type { Host } from '#core/vmm/host.ts';
import type { VmmStep } from '#core/vmm/vmm.ts';
import type { Image } from '#shared/model/image.ts';
import type { Accel, Instance } from '#shared/model/instance.ts';
import type { ProjectConfig } from '#shared/model/project.ts';
import type { StartMode } from '#shared/model/timeline.ts';
import type { HostNs, ProjectId, RunId } from '#shared/model/units.ts';

/** The instance to start. */
export interface LaunchSpec {
  readonly host: Host;
  readonly projectId: ProjectId;
  readonly projectDir: string;
  /** As in `MachineRequest`. */
  readonly isTrusted?: boolean | undefined;
  readonly config: ProjectConfig;
  readonly image: Image;
  readonly startMode: StartMode;
  readonly accel: Accel;
  /** Outlives this process. */
  readonly keep: boolean;
  /** Its machine stays stopped until a debugger lets it run. */
  readonly isDebugged?: boolean | undefined;
  readonly runId: RunId | null;
  /** The saved machine to restore, for a start that is `restored`. */
  readonly saved?: SavedMachine | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A saved machine that had booted. */
export interface SavedMachine {
  readonly name: string;
  /** The folder with its files, as its VMM wrote them. */
  readonly dir: string;
  /** True when it was made for the start that asked. */
  readonly wasMade: boolean;
}

/** The instants of creating a paused machine, on the host's clock. */
export interface LaunchTimes {
  /** Host work began: sockets, disks. */
  readonly preparedFromNs: HostNs;
  /** The VMM was asked to create the machine. */
  readonly createSentNs: HostNs;
  /** The VMM reported the machine, paused. */
  readonly createdNs: HostNs;
  /** The VMM's steps in that time, where it reports them. */
  readonly steps?: readonly VmmStep[] | undefined;
  /** Console and channel are open. */
  readonly connectedNs: HostNs;
  /** Its boot, where that was before any request. */
  readonly booted?: BootTimes | undefined;
}

/** The instants of a boot without a request, on the host's clock. */
export interface BootTimes {
  readonly resumeSentNs: HostNs;
  /** The VMM reported that the processors run. */
  readonly resumedNs: HostNs;
  /** The guest said that it is up. */
  readonly readyNs: HostNs;
}

/** When an instance that was made ahead was ready for its run. */
export const readyAt = ({ booted, connectedNs }: LaunchTimes): HostNs => booted?.readyNs ?? connectedNs;

export type InstanceListener = (instance: Instance) => void;
