import type { Caller } from './caller.ts';
import { Domain } from './domain.ts';
import { nameIn, namesOf } from './names.ts';
import * as protocol from './protocol.gen.ts';
import type { WireEvent } from './session.ts';

interface DomainEvent {
  domain: Domain;
  /** The time when the event's bytes reached this process. Units: nanoseconds of process.hrtime. */
  receivedAtNs: bigint;
}

/** The kind of a lifecycle event; `unknown-<n>` for kinds that a newer libvirt may add. */
export type LifecycleName = Lowercase<keyof typeof protocol.LifecycleEvent> | `unknown-${number}`;

/** A domain was defined, started, suspended, resumed, stopped, … */
export interface LifecycleEvent extends DomainEvent {
  event: LifecycleName;
  /** The reason, as in `booted`, `unpaused`, `destroyed`, `crashed`; `unknown-<n>` for a newer libvirt's reasons. */
  detail: string;
  eventCode: number;
  detailCode: number;
}

/** A watchdog device fired. */
export interface WatchdogEvent extends DomainEvent {
  action: string;
}

/** A disk of the domain failed. */
export interface IoErrorEvent extends DomainEvent {
  sourcePath: string;
  device: string;
  action: string;
  reason: string;
}

/** A device was unplugged. */
export interface DeviceRemovedEvent extends DomainEvent {
  device: string;
}

/** The guest agent connected (state 1) or disconnected (state 2). */
export interface AgentLifecycleEvent extends DomainEvent {
  state: number;
  reason: number;
}

/** The domain's title, description or metadata element changed. */
export interface MetadataChangeEvent extends DomainEvent {
  type: number;
  uri: string | null;
}

/** An event of QEMU's own monitor, in QEMU's form. libvirt does not promise to keep these. */
export interface MonitorEvent extends DomainEvent {
  /** As in `RESUME` or `STOP`. */
  event: string;
  /** QEMU's wall clock. */
  seconds: number;
  micros: number;
  /** QEMU's data, JSON. */
  details: string | null;
}

/** The kinds of events for subscriptions, by name. */
export interface EventMap {
  lifecycle: LifecycleEvent;
  reboot: DomainEvent;
  watchdog: WatchdogEvent;
  'io-error': IoErrorEvent;
  'control-error': DomainEvent;
  'device-removed': DeviceRemovedEvent;
  'agent-lifecycle': AgentLifecycleEvent;
  'metadata-change': MetadataChangeEvent;
  monitor: MonitorEvent;
}

export type EventKind = keyof EventMap;

/** Each kind's number in calls (undefined for QEMU's monitor, which has a separate call). */
export const eventIds: Readonly<Record<EventKind, number | undefined>> = {
  lifecycle: protocol.EventId.LIFECYCLE,
  reboot: protocol.EventId.REBOOT,
  watchdog: protocol.EventId.WATCHDOG,
  'io-error': protocol.EventId.IO_ERROR_REASON,
  'control-error': protocol.EventId.CONTROL_ERROR,
  'device-removed': protocol.EventId.DEVICE_REMOVED,
  'agent-lifecycle': protocol.EventId.AGENT_LIFECYCLE,
  'metadata-change': protocol.EventId.METADATA_CHANGE,
  monitor: undefined,
};

const kindsByWireName: Readonly<Record<string, EventKind>> = {
  domainLifecycle: 'lifecycle',
  domainReboot: 'reboot',
  domainWatchdog: 'watchdog',
  domainIoErrorReason: 'io-error',
  domainControlError: 'control-error',
  domainDeviceRemoved: 'device-removed',
  domainAgentLifecycle: 'agent-lifecycle',
  domainMetadataChange: 'metadata-change',
  qemuMonitorEvent: 'monitor',
};

const lifecycleNames = namesOf(protocol.LifecycleEvent);
const detailNames = [
  protocol.DefinedDetail,
  protocol.UndefinedDetail,
  protocol.StartedDetail,
  protocol.SuspendedDetail,
  protocol.ResumedDetail,
  protocol.StoppedDetail,
  protocol.ShutdownDetail,
  protocol.PmSuspendedDetail,
  protocol.CrashedDetail,
].map(namesOf);
const watchdogNames = namesOf(protocol.WatchdogAction);
const ioErrorNames = namesOf(protocol.IoErrorAction);

/** Converts an event from the wire into the subscribers' form, with its kind. */
export function toEvent(wire: WireEvent, caller: Caller): { kind: EventKind; event: EventMap[EventKind] } | undefined {
  const kind = kindsByWireName[wire.name];
  if (kind === undefined) return undefined;
  const {
    callbackId: _,
    dom,
    ...fields
  } = wire.fields as { callbackId: number; dom: protocol.Domain } & Record<string, unknown>;
  const base = { domain: new Domain(caller, dom), receivedAtNs: wire.receivedAtNs };
  if (kind === 'lifecycle') {
    const { event, detail } = fields as { event: number; detail: number };
    return {
      kind,
      event: {
        ...base,
        event: nameIn(lifecycleNames, event) as LifecycleName,
        detail: nameIn(detailNames[event], detail),
        eventCode: event,
        detailCode: detail,
      },
    };
  }
  if (kind === 'watchdog') return { kind, event: { ...base, action: nameIn(watchdogNames, fields.action as number) } };
  if (kind === 'io-error') {
    return {
      kind,
      event: { ...base, ...(fields as object), action: nameIn(ioErrorNames, fields.action as number) } as IoErrorEvent,
    };
  }
  return { kind, event: { ...base, ...fields } as EventMap[EventKind] };
}
