import type { PhaseName } from '../model/timeline.ts';
import type { HostNs, Ns } from '../model/units.ts';

/** A moment the guest stamped itself. Units: `ticks` of the guest's time-stamp counter, which is 0 when the machine starts. */
export interface GuestMark {
  readonly name: string;
  readonly label: string;
  readonly ticks: number;
  /** The phase that starts here, when one does. */
  readonly opens: PhaseName | null;
}

/** One round trip that ties the guest's counter to the host's clock. */
export interface ClockSample {
  readonly hostSentNs: HostNs;
  readonly guestReceivedTicks: number;
  readonly guestSentTicks: number;
  readonly hostReceivedNs: HostNs;
}

/** A moment the host stamped. The true instant lies within `atNs ± errorNs`. */
export interface HostMark {
  readonly name: string;
  readonly label: string;
  readonly atNs: HostNs;
  readonly source: 'host' | 'libvirt' | 'qmp' | 'serial';
  readonly errorNs: Ns;
  /** The phase that starts here, when one does. */
  readonly opens: PhaseName | null;
}

/** The marks of a start that both core and this folder refer to by name. */
export const markNames = {
  requested: 'run.requested',
  vmmRequested: 'vmm.requested',
  guestStarted: 'guest.started',
  restoreAsked: 'restore.asked',
  requestSent: 'request.sent',
  responseReceived: 'response.received',
  ended: 'run.ended',
} as const;
