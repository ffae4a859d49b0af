import type { Image } from '#shared/model/image.ts';
import type { Accel, Instance } from '#shared/model/instance.ts';
import type { ProjectConfig } from '#shared/model/project.ts';
import type { StartMode } from '#shared/model/timeline.ts';
import type { HostNs, ProjectId, RunId } from '#shared/model/units.ts';

/** The instance to start. */
export interface LaunchSpec {
  readonly projectId: ProjectId;
  readonly config: ProjectConfig;
  readonly image: Image;
  readonly startMode: StartMode;
  readonly accel: Accel;
  /** Outlives this process. */
  readonly keep: boolean;
  readonly runId: RunId | null;
  readonly signal?: AbortSignal | undefined;
}

/** The instants of making a paused domain, on the host's clock. */
export interface LaunchTimes {
  /** Host work began: sockets, XML. */
  readonly preparedFromNs: HostNs;
  /** The create call went to libvirt. */
  readonly createSentNs: HostNs;
  /** libvirt said that the domain is there, paused. */
  readonly createdNs: HostNs;
  /** Console and channel are open. */
  readonly connectedNs: HostNs;
}

/** Why a domain is no more, when nobody here asked for it. */
export type EndReason = 'destroyed' | 'shutdown' | 'vmm-ended' | 'libvirt-lost' | 'gone';

export type InstanceListener = (instance: Instance) => void;
